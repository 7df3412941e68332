"""All cells of NAS-Bench-101, one per module hash: arXiv:1902.09635, Section 2.2.

The official script hashes every labelled graph and keeps the first one of each hash, in the order of number of
vertices, edge bits, operations. Here these first graphs are found by symmetry without hashing the others: two
graphs are isomorphic if a permutation of the inner vertices maps one to the other, so the first is the one that no
permutation makes smaller.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import md5
from itertools import pairwise, permutations, product

import numpy as np
from numpy.typing import NDArray

from benchmarks.nasbench101.cell import BIT, EDGES, MAX_EDGES, MAX_VERTICES, OPERATIONS, Cell

Hexes = NDArray[np.bytes_]

_N_HEX = 32
_BAR = ord("|")


@dataclass(frozen=True, eq=False)
class Family:
    """The cells that share a graph: `labels` int64 [n_cells, n_vertices - 2] index `OPERATIONS`."""

    graph: Cell
    labels: NDArray[np.int64]

    def codes(self) -> NDArray[np.uint32]:
        """`Cell.code` of each cell, [n_cells]."""
        edges = sum(1 << BIT[edge] for edge in self.graph.edges)
        shifts = len(EDGES) + 2 * np.arange(self.labels.shape[1])
        codes: NDArray[np.int64] = edges + (self.labels << shifts).sum(axis=1)
        return codes.astype(np.uint32)

    def names(self) -> Hexes:
        """`Cell.name` of each cell, S32 [n_cells]: the same computation on all labellings at once."""
        n_cells, n_vertices = len(self.labels), self.graph.n_vertices
        outer = np.zeros((n_cells, 1), dtype=np.int64)
        labels = np.hstack([outer - 1, self.labels, outer - 2]).tolist()
        degrees = [(len(t), len(s)) for s, t in zip(self.graph.sources, self.graph.targets, strict=True)]
        texts = [str((*degrees[vertex], row[vertex])) for row in labels for vertex in range(n_vertices)]
        colours = _md5_of([text.encode() for text in texts]).reshape(n_cells, n_vertices)
        bar = np.full((n_cells, 1), _BAR, dtype=np.uint8)
        for _ in range(n_vertices):
            refined = np.empty_like(colours)
            for vertex in range(n_vertices):
                sources, targets = self.graph.sources[vertex], self.graph.targets[vertex]
                parts = [_sorted_bytes(colours, sources), bar, _sorted_bytes(colours, targets), bar]
                refined[:, vertex] = _md5_of(_rows(np.hstack([*parts, _sorted_bytes(colours, (vertex,))])))
            colours = refined
        colours.sort(axis=1)
        return _md5_of([str([colour.decode() for colour in row]).encode() for row in colours.tolist()])


def all_cells(advance: Callable[[int], None] = lambda n_cells: None) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """Every cell of the space, sorted by name.

    Args:
        advance: called with the number of cells named since the last call.

    Returns:
        The names' bytes [n_cells, 16] and the cells' codes [n_cells].
    """
    names, codes = [], []
    for n_vertices in range(2, MAX_VERTICES + 1):
        for family in families(n_vertices):
            names.append(family.names())
            codes.append(family.codes())
            advance(len(family.labels))
    name, code = np.concatenate(names), np.concatenate(codes)
    order = np.argsort(name)
    digests = np.frombuffer(bytes.fromhex(b"".join(name[order].tolist()).decode()), dtype=np.uint8)
    return digests.reshape(-1, _N_HEX // 2), code[order]


def families(n_vertices: int) -> Iterator[Family]:
    """The graphs of a size up to isomorphism, each with its labellings up to isomorphism."""
    graphs = pruned_graphs(n_vertices)
    labels = np.array(list(product(range(len(OPERATIONS)), repeat=n_vertices - 2)), dtype=np.int64)
    labels = labels.reshape(len(OPERATIONS) ** (n_vertices - 2), n_vertices - 2)
    is_first = np.ones(len(graphs), dtype=bool)
    fixes: list[tuple[NDArray[np.bool_], NDArray[np.bool_]]] = []
    for order in permutations(range(1, n_vertices - 1)):
        stays_sorted, moved = _renamed(graphs, (0, *order, n_vertices - 1))
        is_first &= ~(stays_sorted & (moved < graphs))
        fixes.append((stays_sorted & (moved == graphs), _stays_first(labels, order)))
    for row in np.flatnonzero(is_first):
        kept = np.ones(len(labels), dtype=bool)
        for fixed, stays_first in fixes:
            if fixed[row]:
                kept &= stays_first
        edges = tuple(edge for bit, edge in enumerate(EDGES) if graphs[row] >> bit & 1)
        yield Family(Cell(edges, OPERATIONS[:1] * (n_vertices - 2)), labels[kept])


def pruned_graphs(n_vertices: int) -> NDArray[np.uint32]:
    """Edge bits, ascending, of the graphs whose inner vertices all read and are read, with at most nine edges."""
    graphs = np.arange(1 << n_vertices * (n_vertices - 1) // 2, dtype=np.uint32)
    n_edges = sum((graphs >> bit & 1 for bit in range(n_vertices * (n_vertices - 1) // 2)), np.zeros_like(graphs))
    graphs = graphs[n_edges <= MAX_EDGES]
    for vertex in range(n_vertices):
        into = sum(1 << BIT[source, vertex] for source in range(vertex))
        out_of = sum(1 << BIT[vertex, target] for target in range(vertex + 1, n_vertices))
        for mask in (into, out_of):
            if mask:
                graphs = graphs[graphs & mask != 0]
    return graphs


def _renamed(graphs: NDArray[np.uint32], names: Sequence[int]) -> tuple[NDArray[np.bool_], NDArray[np.uint32]]:
    """Graphs whose vertex v is called `names[v]`: whether edges still lead to higher vertices, and the new bits."""
    stays_sorted = np.ones(len(graphs), dtype=bool)
    moved = np.zeros_like(graphs)
    for (source, target), bit in BIT.items():
        if target < len(names):
            has = graphs >> bit & 1
            if names[source] < names[target]:
                moved |= has << BIT[names[source], names[target]]
            else:
                stays_sorted &= has == 0
    return stays_sorted, moved


def _stays_first(labels: NDArray[np.int64], order: Sequence[int]) -> NDArray[np.bool_]:
    """Whether each labelling, of vertices renamed as `order` says, is not before itself in the list of labellings."""
    moved = np.zeros_like(labels)
    for vertex, name in enumerate(order):
        moved[:, name - 1] = labels[:, vertex]
    places = len(OPERATIONS) ** np.arange(labels.shape[1])[::-1]
    found: NDArray[np.bool_] = (moved * places).sum(axis=1) >= np.arange(len(labels))
    return found


def _sorted_bytes(colours: Hexes, vertices: Sequence[int]) -> NDArray[np.uint8]:
    """Each row's colours at some vertices, sorted and joined: [n_cells, 32 * n_vertices]."""
    chosen = np.ascontiguousarray(np.sort(colours[:, list(vertices)], axis=1))
    return chosen.view(np.uint8).reshape(len(colours), _N_HEX * len(vertices))


def _rows(table: NDArray[np.uint8]) -> list[bytes]:
    whole, width = table.tobytes(), table.shape[1]
    return [whole[start:stop] for start, stop in pairwise(range(0, len(whole) + 1, width))]


def _md5_of(texts: list[bytes]) -> Hexes:
    digests = b"".join([md5(text, usedforsecurity=False).digest() for text in texts])
    return np.frombuffer(digests.hex().encode(), dtype=f"S{_N_HEX}")
