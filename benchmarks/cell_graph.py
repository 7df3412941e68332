"""Cells with operations on edges: live operations, and isomorphism of cells.

A cell is a directed acyclic graph of summing nodes 0 .. n-1; every edge (source, target) holds one operation. `none`
cuts an edge and `skip_connect` copies; every other operation is a vertex of the canonical form. There, none-edges and
dead operations are dropped, skips contracted, and sums flattened into multisets of sources; two cells are the same
if their operations can be matched one to one. Operations are never merged, not even two equal poolings of one tensor,
because evidence counts operations.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations, product

NONE = "none"
SKIP = "skip_connect"
INPUT = -1  # the cell's input as a source; operations are sources by their edge index

Edge = tuple[int, int]
Sources = Counter[int]


@dataclass(frozen=True)
class CanonicalCell:
    """The canonical form of a cell.

    `key` is equal for equal cells and for no others. `operations` lists the edges that hold live operations other than
    skips; equal cells list matching operations at the same positions.
    """

    key: str
    operations: tuple[int, ...]


def live_edges(cell: Sequence[str], edges: tuple[Edge, ...]) -> frozenset[int]:
    """Indices of the edges, including skips, that lie on a path from the first node to the last."""
    return _joining(tuple(operation != NONE for operation in cell), edges)


@cache
def _joining(kept: tuple[bool, ...], edges: tuple[Edge, ...]) -> frozenset[int]:
    """Indices of the kept edges on paths from the first node to the last."""
    left = [(index, *edges[index]) for index, is_kept in enumerate(kept) if is_kept]
    forward, backward = {0}, {max(target for _, target in edges)}
    for _, source, target in sorted(left, key=lambda edge: edge[2]):
        if source in forward:
            forward.add(target)
    for _, source, target in sorted(left, key=lambda edge: -edge[1]):
        if target in backward:
            backward.add(source)
    return frozenset(index for index, source, target in left if source in forward and target in backward)


def is_reachable(cell: Sequence[str], edges: tuple[Edge, ...]) -> bool:
    """Whether every operation lies on a path from the first node to the last; true of a cell without operations."""
    return len(live_edges(cell, edges)) == sum(operation != NONE for operation in cell)


CELL_POPULATIONS = {
    "connected": "the cells with a path from input to output",
    "reachable": "the cells whose operations all lie on a path from input to output, the cell without any among them",
}


def in_population(population: str, cell: Sequence[str], edges: tuple[Edge, ...]) -> bool:
    """Whether a cell belongs to one of `CELL_POPULATIONS`."""
    return bool(live_edges(cell, edges)) if population == "connected" else is_reachable(cell, edges)


def longest_path(cell: Sequence[str], edges: tuple[Edge, ...], lengths: Sequence[int]) -> int:
    """The largest sum of `lengths` of edges on a live path from the first node to the last; 0 without a path."""
    live = live_edges(cell, edges)
    reach = {0: 0}
    for index in sorted(live, key=lambda edge: edges[edge][1]):
        source, target = edges[index]
        reach[target] = max(reach.get(target, 0), reach[source] + lengths[index])
    return reach.get(max(target for _, target in edges), 0)


def canonicalise(cell: Sequence[str], edges: tuple[Edge, ...]) -> CanonicalCell:
    """The canonical form of `cell`, whose operation on `edges[i]` is `cell[i]`."""
    live = live_edges(cell, edges)
    return _canonicalise_live(tuple(name if index in live else NONE for index, name in enumerate(cell)), edges)


@cache
def _canonicalise_live(cell: tuple[str, ...], edges: tuple[Edge, ...]) -> CanonicalCell:
    """The canonical form of a cell without dead operations; many cells share it."""
    inputs, output = _flatten(cell, edges)
    groups = _refine(cell, inputs, output)
    best: tuple[object, tuple[int, ...]] | None = None
    for arrangement in product(*(permutations(group) for group in groups)):
        order = tuple(operation for group in arrangement for operation in group)
        label = {operation: position for position, operation in enumerate(order)} | {INPUT: INPUT}
        encoding = (
            tuple((cell[operation], _labelled(inputs[operation], label)) for operation in order),
            _labelled(output, label),
        )
        if best is None or encoding < best[0]:  # type: ignore[operator]  # nested tuples of equal shape
            best = (encoding, order)
    assert best is not None  # product() of no groups yields one empty arrangement
    return CanonicalCell(key=repr(best[0]), operations=best[1])


def _flatten(cell: Sequence[str], edges: Sequence[Edge]) -> tuple[dict[int, Sources], Sources]:
    """The sources of each operation and of the output, with multiplicities, skips contracted."""
    live = [index for index, operation in enumerate(cell) if operation != NONE]
    last = max(target for _, target in edges)
    node_sources: list[Sources] = [Counter({INPUT: 1})] + [Counter() for _ in range(last)]
    inputs: dict[int, Sources] = {}
    for index in sorted(live, key=lambda edge: edges[edge][1]):
        source, target = edges[index]
        if cell[index] == SKIP:
            node_sources[target].update(node_sources[source])
        else:
            inputs[index] = node_sources[source]
            node_sources[target][index] += 1
    return inputs, node_sources[last]


def _refine(cell: Sequence[str], inputs: dict[int, Sources], output: Sources) -> list[list[int]]:
    """Operations grouped by colour refinement: only members of one group can correspond to each other."""
    consumers: dict[int, Sources] = {operation: Counter() for operation in inputs}
    for operation, sources in inputs.items():
        for source, times in sources.items():
            if source != INPUT:
                consumers[source][operation] = times
    colour: dict[int, int] = dict.fromkeys(inputs, 0) | {INPUT: INPUT}
    n_colours = 0
    while True:
        signature = {
            operation: (
                cell[operation],
                colour[operation],
                _labelled(inputs[operation], colour),
                _labelled(consumers[operation], colour),
                output[operation],
            )
            for operation in inputs
        }
        ranks = {value: rank for rank, value in enumerate(sorted(set(signature.values())))}
        colour = {operation: ranks[signature[operation]] for operation in inputs} | {INPUT: INPUT}
        if len(ranks) == n_colours:
            break
        n_colours = len(ranks)
    return [[operation for operation in inputs if colour[operation] == rank] for rank in range(n_colours)]


def _labelled(sources: Sources, label: dict[int, int]) -> tuple[tuple[int, int], ...]:
    return tuple(sorted([(label[source], times) for source, times in sources.items()]))
