"""Cells of NAS-Bench-101, arXiv:1902.09635, Section 2.1: graphs with operations on their vertices, and their names."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import md5
from itertools import combinations

CONV_3X3 = "conv3x3-bn-relu"
CONV_1X1 = "conv1x1-bn-relu"
MAX_POOL = "maxpool3x3"
OPERATIONS = (CONV_3X3, CONV_1X1, MAX_POOL)
"""In the order of the official configuration: an operation's label in the hash is its index here."""

MAX_VERTICES = 7
MAX_EDGES = 9
_INPUT_LABEL, _OUTPUT_LABEL = -1, -2
_BITS_PER_OPERATION = 2

Edge = tuple[int, int]

EDGES: tuple[Edge, ...] = tuple((source, target) for target in range(MAX_VERTICES) for source in range(target))
"""All edges, grouped by their target: the official bit order, in which a graph has the same bits at any size."""

BIT = {edge: bit for bit, edge in enumerate(EDGES)}


@dataclass(frozen=True)
class Cell:
    """A directed acyclic graph: vertex 0 is the input, the last is the output, every other one holds an operation.

    `edges` are (source, target) with source < target, in the order of `EDGES`; `operations` are those of the vertices
    1, 2, ... The cell is pruned: every vertex lies on a path from the input to the output.
    """

    edges: tuple[Edge, ...]
    operations: tuple[str, ...]

    @property
    def n_vertices(self) -> int:
        """Input and output included."""
        return len(self.operations) + 2

    @cached_property
    def sources(self) -> tuple[tuple[int, ...], ...]:
        """The vertices that each vertex reads, ascending."""
        return tuple(tuple(s for s, t in self.edges if t == vertex) for vertex in range(self.n_vertices))

    @cached_property
    def targets(self) -> tuple[tuple[int, ...], ...]:
        """The vertices that read each vertex, ascending."""
        return tuple(tuple(t for s, t in self.edges if s == vertex) for vertex in range(self.n_vertices))

    @property
    def code(self) -> int:
        """The cell as 31 bits: one for each edge of `EDGES`, then two for each operation."""
        edges = sum(1 << BIT[edge] for edge in self.edges)
        labels = sum(OPERATIONS.index(op) << _BITS_PER_OPERATION * at for at, op in enumerate(self.operations))
        return edges | labels << len(EDGES)

    @classmethod
    def of_code(cls, code: int) -> "Cell":
        """The cell that has this code."""
        edges = tuple(edge for bit, edge in enumerate(EDGES) if code >> bit & 1)
        labels = code >> len(EDGES)
        inner = range(edges[-1][1] - 1)
        return cls(edges, tuple(OPERATIONS[labels >> _BITS_PER_OPERATION * at & 3] for at in inner))

    @property
    def name(self) -> str:
        """The official module hash: 32 hexadecimal digits, equal for isomorphic cells.

        Colour refinement with MD5 as the colours, as many rounds as there are vertices. The texts that are hashed hold
        Python integers: those of NumPy print differently since its version 2, and would give other names.
        """
        labels = (_INPUT_LABEL, *map(OPERATIONS.index, self.operations), _OUTPUT_LABEL)
        neighbours = list(zip(self.sources, self.targets, strict=True))
        colours = [
            _md5(f"({len(targets)}, {len(sources)}, {label})")
            for (sources, targets), label in zip(neighbours, labels, strict=True)
        ]
        for _ in colours:
            colours = [
                _md5(f"{_joined(colours, sources)}|{_joined(colours, targets)}|{colour}")
                for (sources, targets), colour in zip(neighbours, colours, strict=True)
            ]
        return _md5(str(sorted(colours)))


def pruned(edges: Iterable[Edge], operations: Sequence[str]) -> Cell | None:
    """The cell that is left of a graph without the vertices that are on no path from input to output.

    Args:
        edges: (source, target), acyclic, in any order of the inner vertices; vertex 0 is the input, the last vertex
            the output.
        operations: of the inner vertices.

    Returns:
        The cell, its vertices in topological order; None without a path from input to output.
    """
    last = len(operations) + 1
    edges = set(edges)
    reached = _reached(0, edges) & _reached(last, {(target, source) for source, target in edges})
    if last not in reached:
        return None
    left = {edge for edge in edges if reached.issuperset(edge)}
    order: list[int] = []
    while len(order) < len(reached):
        blocked = {target for source, target in left if source not in order}
        order.append(min(reached - blocked - set(order)))
    place = {vertex: position for position, vertex in enumerate(order)}
    renamed = sorted(((place[source], place[target]) for source, target in left), key=BIT.__getitem__)
    return Cell(tuple(renamed), tuple(operations[vertex - 1] for vertex in order[1:-1]))


def one_edge_less(cell: Cell) -> dict[Edge, Cell]:
    """By edge, the cell that is left without it, pruned; without the edges that the last path needs."""
    left = {edge: pruned(set(cell.edges) - {edge}, cell.operations) for edge in cell.edges}
    return {edge: found for edge, found in left.items() if found is not None}


def one_step_away(cell: Cell) -> set[Cell]:
    """The cells one change away from a cell, pruned; not yet reduced to one per isomorphism class.

    A change is another operation at a vertex, an edge added between two vertices in whichever direction keeps the graph
    acyclic, a vertex inserted with one edge in and one out, or what undoes one of these two: an edge taken away, and
    with it at most one vertex that has one other edge. So each change leads back by one.
    """
    last = cell.n_vertices - 1
    edges = set(cell.edges)
    free = [edge for edge in _acyclic(cell) if edge not in edges] if len(edges) < MAX_EDGES else []
    found = [pruned(edges | {edge}, cell.operations) for edge in free]
    for edge in cell.edges:
        left = pruned(edges - {edge}, cell.operations)
        lost = left and (cell.n_vertices - left.n_vertices, len(cell.edges) - len(left.edges))
        if lost in ((0, 1), (1, 2)):  # taking more away cannot be undone by one change
            found.append(left)
    for at, operation in enumerate(cell.operations):
        for other in OPERATIONS:
            if other != operation:
                found.append(Cell(cell.edges, (*cell.operations[:at], other, *cell.operations[at + 1 :])))
    if cell.n_vertices < MAX_VERTICES and len(edges) + 2 <= MAX_EDGES:
        moved = {(source, target + (target == last)) for source, target in edges}  # the output makes room for `last`
        for source, target in _acyclic(cell):
            inserted = moved | {(source, last), (last, target + (target == last))}
            found += [pruned(inserted, (*cell.operations, operation)) for operation in OPERATIONS]
    return {other for other in found if other is not None}


def _acyclic(cell: Cell) -> list[Edge]:
    """The edges that a cell has or could be given: no path leads back, the input reads and the output feeds nothing."""
    edges = set(cell.edges)
    after = [_reached(vertex, edges) for vertex in range(cell.n_vertices)]
    found = []
    for low, high in combinations(range(cell.n_vertices), 2):
        found.append((low, high))
        if low > 0 and high < cell.n_vertices - 1 and high not in after[low]:
            found.append((high, low))
    return found


def _reached(start: int, edges: set[Edge]) -> set[int]:
    """The vertices on paths from `start`, itself included."""
    found, frontier = {start}, [start]
    while frontier:
        vertex = frontier.pop()
        new = {target for source, target in edges if source == vertex} - found
        found |= new
        frontier += new
    return found


def _joined(colours: list[str], vertices: Sequence[int]) -> str:
    return "".join(sorted([colours[vertex] for vertex in vertices]))


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
