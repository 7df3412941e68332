"""Protocols: what a score depends on besides proxy, architecture, inputs and seed."""

import json
from dataclasses import asdict, dataclass, replace
from enum import Enum
from functools import cache

import torch

from harness.errors import OptionError
from harness.inputs import DataSet, own_data
from harness.paths import conf_folder
from harness.space.initialise import Initialisation


class Precision(Enum):
    """Arithmetic of the passes over a network; `tf32` is float32 with products in TensorFloat-32, on NVIDIA GPUs."""

    fp32 = "fp32"
    tf32 = "tf32"
    bf16 = "bf16"
    fp64 = "fp64"

    @property
    def dtype(self) -> torch.dtype:
        """The torch type."""
        return {"bf16": torch.bfloat16, "fp64": torch.float64}.get(self.value, torch.float32)


class Mode(Enum):
    """Whether batch normalisation uses the batch's statistics (`train`) or the running ones (`eval`)."""

    train = "train"
    eval = "eval"


@dataclass(frozen=True)
class Protocol:
    """Defaults reproduce the ZiCo paper's setting (arXiv:2301.11300, Section 4.5): 2 batches of 128 training images.

    `name` says where the values come from; it is not part of a score's key. The last two are for spaces whose networks
    may be scored otherwise than they are trained: whether residual links and squeeze-and-excitation are there.
    """

    name: str = "paper"
    n_batches: int = 2
    batch_size: int = 128
    init: Initialisation = Initialisation.default
    dtype: Precision = Precision.fp32
    mode: Mode = Mode.train
    residuals: bool = True
    squeeze_excitation: bool = False

    def __post_init__(self) -> None:
        for field in ("n_batches", "batch_size"):
            value = getattr(self, field)
            if value < 1:
                raise OptionError(f"protocol.{field}={value} is invalid: it must be at least 1.")

    @property
    def key(self) -> str:
        """Canonical JSON of everything but the name, and but what most spaces have no choice of, unless chosen."""
        values = {field: value.value if isinstance(value, Enum) else value for field, value in asdict(self).items()}
        del values["name"]
        for field, usual in (("residuals", True), ("squeeze_excitation", False)):
            if values[field] is usual:
                del values[field]
        return json.dumps(values, sort_keys=True, separators=(",", ":"))

    @property
    def label(self) -> str:
        """The name for readers of a table, with what differs from the protocol of that name: "paper(batch_size=64)"."""
        own, named = json.loads(self.key), named_values(self.name)
        differing = [f"{field}={value}" for field, value in own.items() if str(named.get(field)) != str(value)]
        return self.name + (f"({', '.join(differing)})" if differing else "")


def fitted(protocol: Protocol, data_set: DataSet) -> Protocol:
    """The protocol with batches as large as a user's own data set has inputs for, where it has fewer than requested.

    `label` then says so. Published data sets are left to refuse.
    """
    own = own_data(data_set)
    n_inputs = None if own is None else own.n_inputs()
    if n_inputs is None or n_inputs >= protocol.n_batches * protocol.batch_size or n_inputs < protocol.n_batches:
        return protocol
    return replace(protocol, batch_size=n_inputs // protocol.n_batches)


@cache
def named_values(name: str) -> dict[str, object]:
    """The values of conf/protocol/<name>.yaml by field; none if there is no such file."""
    file = conf_folder() / "protocol" / f"{name}.yaml"
    if not file.is_file():
        return {}
    from omegaconf import OmegaConf  # here, because a fifth of a second is long for `list`

    return {str(field): value for field, value in OmegaConf.load(file).items()}
