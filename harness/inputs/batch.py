"""Batches: what networks are scored on, what is asked for to draw it, and the images that it is drawn from."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from harness.errors import OptionError


class InputKind(Enum):
    """The source of a network's input images; recorded with every result."""

    real = "real"
    """The data set's own training images."""
    substitute = "substitute"
    """Other real images of the same size, with labels of the same number of classes."""
    noise = "noise"
    """N(0,1) in every channel, or random tokens, with random labels."""


class Rows(Protocol):
    """An array along its first axis, or an object that reads requested rows on demand."""

    def __len__(self) -> int: ...

    def __getitem__(self, rows: NDArray[np.int64], /) -> NDArray[Any]: ...


@dataclass(frozen=True, eq=False)
class Images:
    """Training images as stored on disk.

    `images` is uint8 [n, height, width, channels], of a user's own data what `DataSet.batch` takes; `labels` are
    targets as `DataSet.loss` takes them, for classes int64 [n] in [0, n_classes). `source` names the file and whether
    it is the published one.
    """

    images: Rows
    labels: Rows
    source: str
    kind: InputKind


@dataclass(frozen=True)
class BatchRequest:
    """The batches to draw: defaults are those of the protocol `paper`.

    Raises:
        OptionError: if a number is zero or negative.
    """

    kind: InputKind = InputKind.real
    n_batches: int = 2
    batch_size: int = 128
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("n_batches", "batch_size"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name}={getattr(self, name)} is invalid: it must be at least 1.")


@dataclass(frozen=True, eq=False)
class Batch:
    """`images` float32 [batch, channels, height, width], normalised; `targets` [batch, ...] as `DataSet.loss` takes.

    Of a user's own data set, `images` are inputs [batch, *shape], float32; see `DataSet.parts` for tokens.
    """

    images: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The batch on a device; copied to a GPU asynchronously through pinned memory."""
        if device.type != "cuda":
            return Batch(self.images.to(device), self.targets.to(device))
        images, targets = (tensor.pin_memory().to(device, non_blocking=True) for tensor in (self.images, self.targets))
        return Batch(images, targets)


@dataclass(frozen=True, eq=False)
class Batches:
    """The batches that every architecture is scored on; `sha256` covers all their tensors and shapes."""

    batches: tuple[Batch, ...]
    sha256: str
    kind: InputKind
    source: str

    def __iter__(self) -> Iterator[Batch]:
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)
