"""Several inputs of a network as one tensor [batch, n]: what passes, moves and splits batches then knows one tensor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from harness.errors import OptionError

MOST_EXACT = 2**24  # whole numbers up to here are exact in float32


@dataclass(frozen=True)
class InputPart:
    """One input of a network.

    Attributes:
        name: of the keyword argument that takes it; empty: the next positional one.
        shape: of one sample, without the batch.
        is_index: whether it holds whole numbers, such as tokens or a mask, and reaches the network as int64 or bool.
        is_mask: of these, whether it is bool.
    """

    name: str
    shape: tuple[int, ...]
    is_index: bool = False
    is_mask: bool = False

    @property
    def size(self) -> int:
        """Numbers per sample."""
        return int(torch.Size(self.shape).numel())


def pack(inputs: Any) -> tuple[Tensor, tuple[InputPart, ...]]:
    """A batch of inputs as one tensor, with its parts; a single tensor of numbers is left as it is, without parts.

    Args:
        inputs: a tensor [batch, ...], a tuple or list of tensors, or a mapping of names to tensors.

    Raises:
        OptionError: if it holds something other than tensors of one batch, or whole numbers above 2^24.
    """
    if isinstance(inputs, Tensor) and inputs.is_floating_point():
        return inputs, ()
    if isinstance(inputs, Mapping):
        named = {str(name): one for name, one in inputs.items()}
    elif isinstance(inputs, Sequence) and not isinstance(inputs, str):
        named = {f"#{at}": one for at, one in enumerate(inputs)}
    else:
        named = {"#0": inputs}
    for name, one in named.items():
        if not isinstance(one, Tensor) or not one.dim():
            raise OptionError(f"The inputs hold {type(one).__name__} at {name}; they must be tensors [batch, ...].")
    if not named or len({len(one) for one in named.values()}) > 1:
        raise OptionError("The inputs must be one or more tensors with one sample per row, equally many in each.")
    parts = []
    for name, one in named.items():
        is_index = not one.is_floating_point()
        if is_index and one.numel() and int(one.abs().max() if one.dtype != torch.bool else 1) > MOST_EXACT:
            raise OptionError(f"The inputs hold whole numbers above {MOST_EXACT:,} at {name}; indices must be smaller.")
        plain = "" if name.startswith("#") else name
        parts.append(InputPart(plain, tuple(one.shape[1:]), is_index, one.dtype == torch.bool))
    return torch.cat([one.flatten(1).float() for one in map(_with_axis, named.values())], dim=1), tuple(parts)


def unpack(packed: Tensor, parts: Sequence[InputPart]) -> tuple[list[Tensor], dict[str, Tensor]]:
    """The positional and the keyword arguments of a network for a packed batch [batch, n]."""
    args: list[Tensor] = []
    named: dict[str, Tensor] = {}
    for part, piece in zip(parts, torch.split(packed, [part.size for part in parts], dim=1), strict=True):
        one = piece.reshape(len(packed), *part.shape)
        if part.is_index:
            one = one.detach().bool() if part.is_mask else one.detach().round().long()
        if part.name:
            named[part.name] = one
        else:
            args.append(one)
    return args, named


def _with_axis(tensor: Tensor) -> Tensor:
    return tensor.reshape(len(tensor), -1)
