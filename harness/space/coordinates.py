"""Coordinates: the architectures of a space as the lattice points of a box, for optimisers of continuous variables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.space.notation import Architecture


@dataclass(frozen=True, eq=False)
class Coordinates:
    """A box whose lattice points are the architectures of a space.

    Attributes:
        names: of the coordinates.
        levels: of each coordinate its values, ascending; every combination is an architecture.
        read: the values of an architecture.
        write: the architecture of values, one of `levels` each.
    """

    names: tuple[str, ...]
    levels: tuple[tuple[float, ...], ...]
    read: Callable[[Architecture], tuple[float, ...]]
    write: Callable[[tuple[float, ...]], Architecture]

    @property
    def bounds(self) -> list[tuple[float, float]]:
        """The ends of each coordinate."""
        return [(levels[0], levels[-1]) for levels in self.levels]

    def of(self, archs: Sequence[Architecture]) -> NDArray[np.float64]:
        """The values of some architectures, float64 [n, n_coordinates]."""
        return np.array([self.read(arch) for arch in archs], dtype=np.float64).reshape(-1, len(self.names))

    def around(self, point: NDArray[np.float64]) -> list[Architecture]:
        """The architectures within one step in every coordinate of the lattice point nearest to `point`, itself first.

        At most 3 ** n_coordinates; a step is to the next level.
        """
        near = [int(np.abs(np.array(levels) - at).argmin()) for levels, at in zip(self.levels, point, strict=True)]
        axes = [
            [levels[place] for place in (nearest, nearest - 1, nearest + 1) if 0 <= place < len(levels)]
            for levels, nearest in zip(self.levels, near, strict=True)
        ]
        grid = np.array(np.meshgrid(*axes, indexing="ij")).reshape(len(axes), -1).T
        return [self.write(tuple(row)) for row in grid.tolist()]
