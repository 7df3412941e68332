"""How a process computes: in one thread, and products in the precision that a protocol or a recipe names."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import reduce
from typing import Any, NamedTuple, TypeVar

import torch

from harness.errors import OptionError
from harness.protocol import Precision

T = TypeVar("T")


@contextmanager
def single_thread() -> Iterator[None]:
    """One thread for torch: workers share the cores, and sums come out the same whatever their number."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def products_of(precision: Precision) -> Iterator[None]:
    """Float32 products in float32, or on NVIDIA GPUs in TensorFloat-32 where that is asked for.

    Left to themselves, GPUs compute convolutions in TensorFloat-32, whose significands have 10 bits instead of 23.
    Also, cuDNN takes algorithms that give the same sums each time, and the same ones for equal shapes.
    """
    before, cudnn = products(), torch.backends.cudnn
    chosen = cudnn.deterministic, cudnn.benchmark
    set_products(_TF32 if precision is Precision.tf32 else _FP32)
    cudnn.deterministic, cudnn.benchmark = True, False
    try:
        yield
    finally:
        set_products(before)
        cudnn.deterministic, cudnn.benchmark = chosen


def check_tf32(setting: str, precision: Precision, device: str) -> None:
    """Only NVIDIA's GPUs compute in TensorFloat-32; `setting` is what asks for it, as "protocol.dtype".

    Raises:
        OptionError: on another device.
    """
    if precision is Precision.tf32 and not device.startswith("cuda"):
        raise OptionError(
            f"{setting}=tf32 is invalid with device={device}: TensorFloat-32 is an arithmetic of NVIDIA GPUs. Give "
            f"device=cuda, or {setting}=fp32."
        )


class Products(NamedTuple):
    """How float32 products are computed, by the switches of torch; None where switches contradict each other.

    Attributes:
        convolutions: whether those of GPUs are in TensorFloat-32.
        matrices: torch's precision of matrix products.
        newer: the switches that torch has from 2.9 on, by the name of their owner in torch.backends.
    """

    convolutions: bool | None
    matrices: str | None
    newer: Mapping[str, str]


def products() -> Products:
    """How they are computed now."""
    newer = {name: owner.fp32_precision for name, owner in _owners()}
    return Products(
        _unless_mixed(lambda: torch.backends.cudnn.allow_tf32), _unless_mixed(torch.get_float32_matmul_precision), newer
    )


def set_products(chosen: Products) -> None:
    """Have them computed so."""
    if chosen.convolutions is not None:
        torch.backends.cudnn.allow_tf32 = chosen.convolutions
    if chosen.matrices is not None:
        torch.set_float32_matmul_precision(chosen.matrices)
    for name, owner in _owners():
        owner.fp32_precision = chosen.newer[name]


def _unless_mixed(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except RuntimeError:  # "mix of the legacy and new APIs"
        return None


# Owners come before what is theirs: to set one sets those.
_NEWER = ("", "cudnn", "cudnn.conv", "cudnn.rnn", "cuda.matmul", "mkldnn", "mkldnn.conv", "mkldnn.rnn", "mkldnn.matmul")
_FP32 = Products(False, "highest", dict.fromkeys(_NEWER, "ieee"))
_TF32 = Products(True, "high", {name: "tf32" if name.startswith("cud") else "ieee" for name in _NEWER})


_HAS_NEWER = hasattr(torch.backends, "fp32_precision")  # not a plug-in's attribute of that name


def _owners() -> list[tuple[str, Any]]:
    if not _HAS_NEWER:
        return []
    return [(name, reduce(getattr, filter(None, name.split(".")), torch.backends)) for name in _NEWER]
