"""Notations of cells with operations on edges: NASLib's tuples, dictionaries of edges, lists of nodes.

NASLib: https://github.com/automl/NASLib, naslib/search_spaces/nasbench201/conversions.py and .../transbench101.
Dictionaries are keyed as NASLib's `edge_op_dict` or as the super-networks of AutoDL-Projects (`1<-0`), lists are
`Structure.nodes` there, https://github.com/D-X-Y/AutoDL-Projects.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from benchmarks.cell_graph import NONE, SKIP, Edge
from benchmarks.edge_cells import Cell
from benchmarks.literals import literal, whole_numbers
from harness.errors import UnknownNameError
from harness.registry import unknown_name

NASLIB_EDGES: tuple[Edge, ...] = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
"""The edges of a cell of four nodes in NASLib's order, which numbers the nodes from 1."""

NASLIB_NAMES = {"Identity": SKIP, "Zero": NONE, "skip": SKIP, "zero": NONE, "identity": SKIP, "zeroize": NONE}
_TWO_NODES = re.compile(r"\D*(\d)\D+(\d)\D*", re.ASCII)


@dataclass(frozen=True)
class EdgeWriting:
    """The readers and writers of one space's cells; a cell is in the order of `edges`.

    Attributes:
        edges: (source, target), nodes from 0.
        operations: as official strings name them.
        other_names: further names of operations.
    """

    edges: tuple[Edge, ...]
    operations: tuple[str, ...]
    other_names: Mapping[str, str] = field(default_factory=dict)

    def operation(self, word: object) -> str:
        """An operation by one of its names.

        Raises:
            UnknownNameError: if there is none.
        """
        name = str(word)
        found = self.other_names.get(name, NASLIB_NAMES.get(name, name))
        if found not in self.operations:
            raise UnknownNameError(unknown_name("operation", name, list(self.operations)))
        return found

    def of_tuple(self, text: str, operations: Sequence[str], edges: Sequence[Edge]) -> Cell | None:
        """The cell of a list of indices into `operations`, one for each of `edges`.

        Raises:
            UnknownNameError: for an index that is too large, or another number of indices.
        """
        numbers = whole_numbers(text)
        if numbers is None:
            return None
        if len(numbers) != len(edges):
            raise UnknownNameError(f"it has {len(numbers)} operations; a cell has {len(edges)}")
        if max(numbers) >= len(operations):
            raise UnknownNameError(f"there is no operation {max(numbers)}; they are 0 to {len(operations) - 1}")
        by_edge = {edge: operations[number] for edge, number in zip(edges, numbers, strict=True)}
        return tuple(by_edge[edge] for edge in self.edges)

    def tuple_text(self, cell: Cell, operations: Sequence[str], edges: Sequence[Edge]) -> str:
        """What `of_tuple` reads."""
        by_edge = dict(zip(self.edges, cell, strict=True))
        return str(tuple(operations.index(by_edge[edge]) for edge in edges))

    def of_dictionary(self, text: str) -> Cell | None:
        """The cell of a dictionary of edges, its nodes from 0 or from 1.

        Raises:
            UnknownNameError: if it lacks an edge, has another one, or an unknown operation.
        """
        value = literal(text) if text.strip().startswith("{") else None
        if not isinstance(value, Mapping):
            return None
        named = [(_edge_of(key), operation) for key, operation in value.items()]
        nodes = [node for edge, _ in named if edge is not None for node in edge]
        if not nodes:
            return None
        offset = 0 if min(nodes) == 0 else 1
        cell = {}
        for edge, operation in named:
            if edge is None or (moved := (edge[0] - offset, edge[1] - offset)) not in self.edges:
                raise UnknownNameError(f"it has the edge {edge}; a cell has {_shown(self.edges)}")
            cell[moved] = self.operation(operation)
        lacking = [edge for edge in self.edges if edge not in cell]
        if lacking:
            raise UnknownNameError(f"it lacks the edges {_shown(lacking)}; write none where there is no operation")
        return tuple(cell[edge] for edge in self.edges)

    def dictionary_text(self, cell: Cell) -> str:
        """What `of_dictionary` reads, nodes from 0."""
        return str(dict(zip(self.edges, cell, strict=True)))

    def of_lists(self, text: str) -> Cell | None:
        """The cell of a list for each node after the first of (operation, source).

        Raises:
            UnknownNameError: if it lacks an edge, has another one, or an unknown operation.
        """
        value = literal(text) if text.strip()[:1] in ("(", "[") else None
        nodes = value if isinstance(value, list | tuple) else []
        pairs = [
            ((pair[1], target), pair[0])
            for target, node in enumerate(nodes, 1)
            for pair in (node if isinstance(node, list | tuple) else [])
            if isinstance(pair, list | tuple) and len(pair) == 2 and isinstance(pair[0], str)
        ]
        if not pairs:
            return None
        cell = {edge: self.operation(operation) for edge, operation in pairs}
        if set(cell) != set(self.edges) or len(pairs) != len(self.edges):
            raise UnknownNameError(f"its edges are {_shown(list(cell))}; a cell has {_shown(self.edges)}")
        return tuple(cell[edge] for edge in self.edges)

    def lists_text(self, cell: Cell) -> str:
        """What `of_lists` reads."""
        last = max(target for _, target in self.edges)
        pairs = list(zip(self.edges, cell, strict=True))
        return str([[(name, source) for (source, to), name in pairs if to == at] for at in range(1, last + 1)])


def _edge_of(key: object) -> Edge | None:
    """(source, target) of (0, 1), "0-1", "0->1" or "1<-0"."""
    if isinstance(key, tuple) and len(key) == 2 and all(isinstance(node, int) for node in key):
        return key
    found = _TWO_NODES.fullmatch(key) if isinstance(key, str) else None
    if found is None or not isinstance(key, str):
        return None
    first, second = int(found[1]), int(found[2])
    return (second, first) if "<-" in key else (first, second)


def _shown(edges: Sequence[object]) -> str:
    return ", ".join(map(str, edges))
