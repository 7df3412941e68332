"""What a restriction can name of a NAS-Bench-101 cell: its operations, how often each occurs, its edges and vertices.

The vertices of a cell have no names that isomorphic cells share, so that nothing is said of a single one.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from benchmarks.nasbench101.cell import EDGES, MAX_EDGES, MAX_VERTICES, OPERATIONS, Cell
from harness.space.positions import Position

_MOST_INNER = MAX_VERTICES - 2
_FEWEST_VERTICES = 2


@cache
def positions() -> tuple[Position, ...]:
    """`operations` of all inner vertices, the number of vertices with each operation, `edges` and `vertices`.

    `vertices` include input and output, as in the paper.
    """
    return (
        Position("operations", OPERATIONS, is_shared=True),
        *(Position(operation, _numbers(0, _MOST_INNER)) for operation in OPERATIONS),
        Position("edges", _numbers(1, MAX_EDGES)),
        Position("vertices", _numbers(_FEWEST_VERTICES, MAX_VERTICES)),
    )


def values_of(cell: Cell) -> Sequence[tuple[str, ...]]:
    """What a cell holds at each of `positions`."""
    counts = [cell.operations.count(operation) for operation in OPERATIONS]
    numbers = (*counts, len(cell.edges), cell.n_vertices)
    held = tuple(operation for operation, count in zip(OPERATIONS, counts, strict=True) if count)
    return [held, *((str(number),) for number in numbers)]


def held_by(codes: NDArray[np.uint32]) -> list[NDArray[np.bool_]]:
    """For each of `positions`, whether the cells of some codes [n_cells] hold each value, [n_cells, n_values]."""
    bits = (codes[:, None] >> np.arange(len(EDGES), dtype=np.uint32) & 1).astype(bool)
    last = len(EDGES) - 1 - np.argmax(bits[:, ::-1], axis=1)  # the bits are grouped by target, the output is the last
    n_vertices = np.array([target for _, target in EDGES])[last] + 1
    shifts = (len(EDGES) + 2 * np.arange(_MOST_INNER)).astype(np.uint32)
    labels = codes[:, None] >> shifts & 3
    there = np.arange(_MOST_INNER) < n_vertices[:, None] - 2
    counts = [(there & (labels == label)).sum(axis=1) for label in range(len(OPERATIONS))]
    numbers = (*counts, bits.sum(axis=1), n_vertices)
    held = [np.stack([count > 0 for count in counts], axis=1)]
    for position, values in zip(positions()[1:], numbers, strict=True):
        held.append(values[:, None] == np.array(position.values, dtype=np.int64))
    return held


def _numbers(low: int, high: int) -> tuple[str, ...]:
    return tuple(map(str, range(low, high + 1)))
