"""The task jigsaw: which of 1,000 orders the nine tiles of an image are in. Noroozi and Favaro, arXiv:1603.09246.

Tiles are 64x64, cut from a 3x3 grid of 85x85 cells of the image at 255x255: from their centres here, where
TransNAS-Bench-101 (arXiv:2105.11871) crops at random. The orders are 1,000 distinct ones drawn with a fixed seed, not
the published set of largest Hamming distances: to an untrained network the label is as arbitrary either way.
"""

from dataclasses import dataclass
from functools import cache
from itertools import permutations
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs.taskonomy import LICENCE, MEAN, STD, Picture, Taskonomy, how_to_get
from harness.errors import OptionError
from harness.inputs import DATA_SETS
from harness.randomness import derive_seed

N_ORDERS = 1_000
TILE = 64
_GRID = 3
_CELL = 85
_N_TILES = _GRID * _GRID


@dataclass(frozen=True)
class Jigsaw(Taskonomy):
    """Inputs are the tiles [9, 3, 64, 64] of the official code, flattened to [27, 64, 64]; targets int64 [n].

    Intensities are normalised as for the other tasks. The official code normalises each tile separately by default;
    NASLib disables this.
    """

    def network_input(self, picture: Picture, row: int) -> NDArray[np.uint8]:
        tiles = []
        for cell in orders()[self._order(row)]:
            top, left = (place * _CELL + (_CELL - TILE) // 2 for place in divmod(cell, _GRID))
            tiles.append(picture[top : top + TILE, left : left + TILE])
        return np.concatenate(tiles, axis=-1)

    def made_target(self, picture: Picture, row: int) -> NDArray[np.int64]:
        return np.asarray(self._order(row), dtype=np.int64)

    def read_target(self, path: Path) -> NDArray[Any]:
        raise OptionError(f"{self.name} has no files of targets.")

    def _order(self, row: int) -> int:
        return derive_seed(self.name, "order", row) % N_ORDERS


@cache
def orders() -> tuple[tuple[int, ...], ...]:
    """For each label, which cell of the grid the first, second, ... tile is from."""
    return tuple(Random(derive_seed("jigsaw", "orders")).sample(list(permutations(range(_N_TILES))), N_ORDERS))


JIGSAW = Jigsaw(
    name="jigsaw",
    n_classes=N_ORDERS,
    shape=(3 * _N_TILES, TILE, TILE),
    mean=MEAN * _N_TILES,
    std=STD * _N_TILES,
    licence=LICENCE,
    how_to_get=how_to_get("rgb", "png"),
    target_ending=None,
    picture_size=_GRID * _CELL,
)

DATA_SETS.register(JIGSAW.name)(JIGSAW)
