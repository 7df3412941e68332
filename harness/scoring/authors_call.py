"""Calling a function as the field writes them: what each of its parameters is, and what its result amounts to.

The shapes are those of the public code of zero-cost-nas, NASLib, AZ-NAS, ZiCo and MeCo: a network, a batch or a loader,
a loss, a device; the result is a number, or a tensor per layer whose elements are summed as their `sum_arr` does.
"""

import ast
import inspect
import math
import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from harness.errors import HarnessError

NETWORK, INPUTS, TARGETS, LOSS, DEVICE = "network", "inputs", "targets", "loss", "device"
LOADER, GPU, SIZE, BATCH_SIZE, CLASSES, SHAPE = "loader", "gpu", "size", "batch_size", "classes", "shape"
_ROLES = {
    NETWORK: ("net", "network", "model", "net_orig", "orig_model"),
    INPUTS: ("inputs", "input", "x", "images", "imgs", "input_", "data"),
    TARGETS: ("targets", "target", "y", "labels", "label"),
    LOSS: ("loss_fn", "lossfunc", "loss_func", "loss", "criterion", "loss_function"),
    DEVICE: ("device", "dev"),
    LOADER: ("loader", "trainloader", "train_loader", "dataloader", "data_loader", "train_dataloader", "train_queue"),
    GPU: ("gpu",),
    SIZE: ("resolution", "image_size", "img_size", "input_size"),
    BATCH_SIZE: ("batch_size", "batchsize"),
    CLASSES: ("num_classes", "n_classes", "num_labels"),
    SHAPE: ("input_shape", "data_shape"),
}
_ROLE_OF = {name: role for role, names in _ROLES.items() for name in names}
_BY_POSITION = (NETWORK, INPUTS, TARGETS, LOSS, DEVICE)
_USUAL: Mapping[str, Any] = {"mode": "param", "split_data": 1}
"""What zero-cost-nas and its descendants give these parameters where a function has no default for them."""
_OPTION_TYPES = (bool, int, float, str)


def takes_network(file: Path, name: str) -> bool:
    """Whether a function of a file, found without importing it, takes a network and so is no function that builds one.

    A name that the file does not define as a function, as that of a measure that a decorator declares, counts as one.
    """
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    found = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == name]
    taken = [[one.arg.lower() for one in (*node.args.posonlyargs, *node.args.args)] for node in found]
    return not taken or any(len(names) > 2 or set(names) & set(_ROLES[NETWORK]) for names in taken)


@dataclass(frozen=True)
class Parameter:
    """A parameter of the function: its role, or the default of an option of the proxy."""

    name: str
    role: str | None
    default: bool | int | float | str | None = None
    is_positional: bool = False

    @property
    def words(self) -> str:
        """As `check` says it."""
        return f"{self.name} = {self.role}" if self.role else f"{self.name}={self.default}"


def understood(function: Callable[..., Any], where: str, declared: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """The parameters that are given a value; those whose default is no number or text keep it and are left out.

    Args:
        function: that computes the score.
        where: file and name, for messages.
        declared: values that its package declares for some parameters.

    Raises:
        HarnessError: for a parameter that is not understood and has no default, or if none is a network.
    """
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError) as error:
        raise HarnessError(f"The signature of {where} cannot be read: {error}.") from error
    named = {_ROLE_OF[one.name.lower()] for one in parameters if one.name.lower() in _ROLE_OF}
    found = []
    for place, one in enumerate(parameters):
        if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
            continue
        is_positional = one.kind is one.POSITIONAL_ONLY
        role = _ROLE_OF.get(one.name.lower())
        if role is not None:
            found.append(Parameter(one.name, role, is_positional=is_positional))
            continue
        usual = {name: value for name, value in _USUAL.items() if one.default is one.empty}
        default = declared.get(one.name, usual.get(one.name, one.default))
        if isinstance(default, _OPTION_TYPES):
            found.append(Parameter(one.name, None, default, is_positional))
        elif default is one.empty:
            role = _BY_POSITION[place] if place < len(_BY_POSITION) else None
            if role is None or role in named:
                raise HarnessError(
                    f"{where} takes '{one.name}', which is not understood and has no default. Understood are "
                    f"{', '.join(names[0] for names in _ROLES.values())}; call it from a function that gives the rest."
                )
            named.add(role)
            found.append(Parameter(one.name, role, is_positional=is_positional))
    if not any(one.role == NETWORK for one in found):
        raise HarnessError(f"{where} takes no network: its first parameter must be net, network or model.")
    return tuple(found)


@dataclass(frozen=True, eq=False)
class Lent:
    """What a function may be given; all of it is its own to change.

    Attributes:
        network: in the protocol's mode.
        batches: images [batch, *shape] and targets of each batch.
        loss: of outputs and targets.
        device: of all of them.
        n_classes: of the data set.
    """

    network: nn.Module
    batches: Sequence[tuple[Tensor, Tensor]]
    loss: Callable[[Tensor, Tensor], Tensor]
    device: torch.device
    n_classes: int

    def values(self) -> dict[str, Any]:
        """By role."""
        images, targets = self.batches[0]
        return {
            NETWORK: self.network,
            INPUTS: images,
            TARGETS: targets,
            LOSS: self.loss,
            DEVICE: self.device,
            LOADER: list(self.batches),
            GPU: (self.device.index or 0) if self.device.type == "cuda" else None,
            SIZE: int(images.shape[-1]),
            BATCH_SIZE: len(images),
            CLASSES: self.n_classes,
            SHAPE: tuple(images.shape[1:]),
        }


def call(function: Callable[..., Any], parameters: Sequence[Parameter], options: Mapping[str, Any], lent: Lent) -> Any:
    """What the function returns."""
    values = lent.values()
    given = {one.name: values[one.role] if one.role else options[one.name] for one in parameters}
    by_place = [given.pop(one.name) for one in parameters if one.is_positional]
    return function(*by_place, **given)


def amount(result: Any) -> float | dict[str, float]:
    """A number as it is, tensors per layer as the sum of all elements, numbers by name as components.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(result, Mapping):
        found = {str(name): amount(one) for name, one in result.items()}
        if not found or any(isinstance(one, dict) for one in found.values()):
            raise TypeError(f"it returned {reprlib.repr(result)}; a dict must give numbers by name")
        return {name: float(one) for name, one in found.items() if not isinstance(one, dict)}
    return _sum(result, result)


def _sum(part: Any, whole: Any) -> float:
    if isinstance(part, Tensor):
        return float(part.detach().double().sum().item())
    if isinstance(part, np.ndarray) and part.dtype.kind in "fiub":
        return float(part.astype(np.float64).sum())
    if isinstance(part, Real) and not isinstance(part, bool):
        return float(part)
    if isinstance(part, list | tuple) and len(part):
        return math.fsum(found) if all(map(math.isfinite, found := [_sum(one, whole) for one in part])) else sum(found)
    raise TypeError(
        f"it returned {reprlib.repr(whole)}; a score is a number, a list of tensors per layer, or a dict of numbers"
    )
