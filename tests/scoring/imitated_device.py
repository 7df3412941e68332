"""A device that is not the CPU, imitated: its tensors compute on the CPU, and are refused where a GPU's are.

What mixes tensors of both devices, or makes an array of one that is on the device, fails as on a GPU. The device is
made known to all of PyTorch in this process, so that this is run in one of its own:

    python tests/scoring/imitated_device.py nats_tss digits

prints, as JSON, the proxies that fail, and those whose scores differ from the CPU's by more than rounding.
"""

import json
import math
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import replace
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

from harness.inputs import InputKind
from harness.protocol import Protocol
from harness.proxy import PROXIES, Sees
from harness.scoring import ContextSpec
from harness.scoring.engine import score
from harness.space import BENCHMARKS
from harness.store import FAILED, Score

NAME = "imitated"
_setup_privateuseone_for_python_backend(NAME)
DEVICE = torch.device(NAME, 0)
_ROUNDING = 1e-3  # relative; layers are computed in another memory layout
_COPIES = ("aten::_to_copy", "aten::copy_")
_INDEXED = ("aten::index", "aten::_index_put_impl_")
"""Take indices of the CPU, too, of a tensor that is on the device."""
_OTHER_SEED = 12_345  # what is drawn on the device is not what the CPU draws


class OnDevice(Tensor):
    """A tensor of the device: `inner` is on the CPU."""

    inner: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> "OnDevice":
        made = Tensor._make_wrapper_subclass(
            cls, inner.size(), strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype,
            layout=inner.layout, device=DEVICE,
        )  # fmt: skip
        made.inner = inner
        return made

    @property
    def data(self) -> Tensor:
        return self.detach()

    @data.setter
    def data(self, value: "OnDevice") -> None:
        Tensor.data.__set__(self, value)
        self.inner = value.inner

    def tolist(self) -> list[Any]:
        return self.inner.tolist()

    def numpy(self, *, force: bool = False) -> Any:
        if force:
            return self.inner.numpy(force=True)
        raise TypeError(f"can't convert {DEVICE} device type tensor to numpy. Use Tensor.cpu() first.")

    def __array__(self, dtype: Any = None) -> Any:
        return self.numpy()

    def __repr__(self, **_: Any) -> str:
        return f"OnDevice({self.inner!r})"

    @classmethod
    def __torch_dispatch__(cls, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return run(operation, args, kwargs or {})


def run(operation: Any, args: Any, kwargs: Mapping[str, Any]) -> Any:
    """An operation that has tensors of the device, or makes one."""
    name = operation.name().partition(".")[0]
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    is_here = any(isinstance(one, OnDevice) for one in tensors)
    allowed = name in _COPIES or (name in _INDEXED and isinstance(args[0], OnDevice))
    if is_here and not allowed and any(not isinstance(one, OnDevice) and one.dim() for one in tensors):
        raise RuntimeError(f"{name}: expected all tensors to be on the same device, found {DEVICE} and cpu")
    target = kwargs.get("device")
    plain_args, plain = tree_map_only(OnDevice, lambda one: one.inner, (args, dict(kwargs)))
    if is_device(target):
        plain["device"] = torch.device("cpu")
    if "pin_memory" in plain:
        plain["pin_memory"] = False
    draws = torch.Tag.nondeterministic_seeded in operation.tags and name not in _COPIES
    if draws and plain.get("generator") is not None:
        raise RuntimeError(f"{name}: expected a {NAME} device type for generator but found cpu")
    with torch.random.fork_rng(devices=()) if draws else nullcontext():
        if draws:
            torch.manual_seed(_OTHER_SEED)
        found = operation(*plain_args, **plain)
    if name == "aten::copy_":
        return args[0]
    leaves = target is not None and not is_device(target)
    if leaves or not (is_here or is_device(target)):
        return found.clone() if any(found is getattr(one, "inner", None) for one in tensors) else found
    wrapped = tree_map_only(Tensor, OnDevice, found)
    return return_and_correct_aliasing(operation, args, kwargs, wrapped) if is_here else wrapped


def is_device(device: Any) -> bool:
    return device is not None and torch.device(device).type == NAME


class _Made(TorchFunctionMode):
    """`torch.tensor(..., device=...)` takes no part in dispatch."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if function in (torch.tensor, torch.as_tensor) and is_device(kwargs.get("device")):
            return function(*args, **(kwargs | {"device": "cpu"})).to(DEVICE)
        return function(*args, **kwargs)


class ImitatedDevice(TorchDispatchMode):
    """A context in which tensors can be made on the device."""

    def __enter__(self) -> Any:
        self._made = _Made()
        self._made.__enter__()
        return super().__enter__()

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._made.__exit__(*error)

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if is_device(kwargs.get("device")) or any(issubclass(one, OnDevice) for one in types):
            return run(operation, args, kwargs)
        return operation(*args, **kwargs)


def compared(bench: str, data_set: str) -> dict[str, str]:
    """What fails on either device, and what differs, by proxy."""
    cpu = ContextSpec(bench, data_set, InputKind.noise, Protocol(batch_size=2), 0, "cpu").make(with_batches=True)
    with ImitatedDevice():
        there = replace(cpu, batches=tuple(batch.to(DEVICE) for batch in cpu.batches), device=DEVICE)
    arch = BENCHMARKS.get(bench).random(Random(2))
    kinds = {name: PROXIES.get(name) for name in sorted(PROXIES)}
    found: dict[str, str] = {}
    for sees, execute, scored in ((Sees.LIVE, "live", cpu.space.canonical(arch)), (Sees.ALL, "all", arch)):
        proxies = {
            name: kind()
            for name, kind in kinds.items()
            if kind.sees is sees and kind.deterministic and kind.runs_network()
        }
        here = score(cpu, scored, execute, proxies)
        with ImitatedDevice():
            on_device = score(there, scored, execute, proxies)
        for name in proxies:
            what = difference(here[name], on_device[name])
            if what:
                found[name] = what
    return found


def difference(here: Score, there: Score) -> str:
    """Empty where both are alike."""
    for where, one in (("cpu", here), (NAME, there)):
        if one.status == FAILED:
            return f"failed on {where}: {one.reason}"
    if here.status != there.status:
        return f"{here.status} on the cpu, {there.status} on {NAME}: {here.reason}{there.reason}"
    for name, value in here.components.items():
        other = there.components[name]
        if value != other and not math.isclose(value, other, rel_tol=_ROUNDING, abs_tol=1e-6):
            return f"{name} is {value} on the cpu and {other} on {NAME}"
    return ""


if __name__ == "__main__":
    print(json.dumps(compared(*sys.argv[1:])))
