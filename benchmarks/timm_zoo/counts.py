"""Layers of the networks of timm's table, as counted once with timm 1.0.31; so that counting needs no timm.

`layers.npz` holds, for each row of the table, the number of its network, and the layers of each network; equal layers
are one line with their number. `python -m benchmarks.timm_zoo.count FILE` makes it anew.
"""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.space import Layer

FILE = Path(__file__).parent / "layers.npz"
FIELDS = ("n_weights", "n_params", "flops", "live", "repeats", "is_linear")


@cache
def _table() -> dict[str, NDArray[np.int64]]:
    with np.load(FILE, allow_pickle=False) as opened:
        return {name: opened[name].astype(np.int64) for name in opened.files}


@cache
def network_numbers() -> tuple[int, ...]:
    """For each row of the table the number of its network, equal ones having equal numbers; -1: not counted."""
    return tuple(_table()["network"].tolist())


def is_counted(row: int) -> bool:
    """Whether the file has the network of a row."""
    return network_numbers()[row] >= 0


def depth_of(row: int) -> int:
    """The largest number of layers on a path through the network of a row."""
    return int(_table()["depth"][network_numbers()[row]])


@cache
def layers_of(row: int) -> tuple[Layer, ...]:
    """The layers of the network of a row, for 1,000 classes and three channels; see `harness.space.tracing`."""
    table, number = _table(), network_numbers()[row]
    lines = slice(*table["starts"][number : number + 2].tolist())
    columns = [table[name][lines].tolist() for name in FIELDS]
    return tuple(
        Layer(weights, params, flops, live=bool(live), repeats=repeats, is_linear=bool(linear))
        for weights, params, flops, live, repeats, linear in zip(*columns, strict=True)
    )
