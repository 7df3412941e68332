"""The task room_layout: nine numbers that describe the bounding box of a room. Taskonomy, arXiv:1804.08328.

Centre (3), rotation as Euler angles (3) and extent (3) of the room's bounding box, seen from the camera, each
standardised over the data set by the authors of TransNAS-Bench-101 (lib/data/load_ops.py), whose files hold the result.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from benchmarks.inputs.taskonomy import LICENCE, MEAN, SIZE, STD, Taskonomy, how_to_get, read_array
from harness.inputs import DATA_SETS


@dataclass(frozen=True)
class RoomLayout(Taskonomy):
    """Targets are float32 [n, 9]."""

    def loss(self, outputs: Tensor, targets: Tensor) -> Tensor:
        """Mean squared error."""
        return F.mse_loss(outputs, targets)

    def random_targets(self, n: int, source: torch.Generator) -> Tensor:
        """N(0,1), as the real ones are standardised."""
        return torch.randn(n, self.n_classes, generator=source)

    def read_target(self, path: Path) -> NDArray[np.float32]:
        return read_array(path, (self.n_classes,))


ROOM_LAYOUT = RoomLayout(
    name="room_layout",
    n_classes=9,
    shape=(3, SIZE, SIZE),
    mean=MEAN,
    std=STD,
    licence=LICENCE,
    how_to_get=how_to_get("room_layout", "npy"),
    target_ending="npy",
)

DATA_SETS.register(ROOM_LAYOUT.name)(ROOM_LAYOUT)
