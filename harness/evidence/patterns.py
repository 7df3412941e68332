"""Which units let which image through: patterns over the ReLUs of a private network."""

from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.evidence.base import EVIDENCE, Subject
from harness.evidence.private import PrivateNetwork, hooked, run


@EVIDENCE.register("linear_regions_seen")
class LinearRegionsSeen(PrivateNetwork):
    """In how many linear regions of the network a batch of N(0,1) images lies."""

    rides_on: ClassVar[str] = "linear regions"

    def __init__(self, subject: Subject) -> None:
        super().__init__(subject)
        self._found: dict[tuple[int, int], int] = {}

    def count(self, n_images: int, size: int) -> int:
        """The number of distinct patterns of one batch; `size` 0 stands for that of the data set's images."""
        if (n_images, size) not in self._found:
            with self._shared():
                pattern = relu_pattern(self.network(), self.noise(n_images, size or None))
                self._found[n_images, size] = n_distinct(pattern)
        return self._found[n_images, size]


@torch.no_grad()
def relu_pattern(network: nn.Module, images: Tensor) -> NDArray[np.bool_]:
    """Whether each unit of each ReLU over feature maps is active, bool [n_images, n_units]."""
    found = [np.empty((len(images), 0), dtype=bool)]

    def see(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if output.dim() == 4:
            found.append((output > 0).flatten(1).cpu().numpy())

    with hooked([module for module in network.modules() if isinstance(module, nn.ReLU)], see):
        run(network, images)
    return np.concatenate(found, axis=1)


def n_distinct(rows: NDArray[np.bool_]) -> int:
    """The number of distinct rows."""
    packed = np.packbits(rows, axis=1)
    n_bytes = packed.shape[1]
    if n_bytes > 8:
        return len({row.tobytes() for row in packed})
    padded = np.zeros((len(rows), 8), dtype=np.uint8)
    padded[:, :n_bytes] = packed
    numbers = np.sort(padded.view(np.uint64)[:, 0])  # np.unique would hash, sixty times as slowly
    return int(np.count_nonzero(np.diff(numbers))) + (len(numbers) > 0)
