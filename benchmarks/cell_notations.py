"""Notations of a space whose architectures are cells, from the readers and writers of `edge_notations`."""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.cell_graph import Edge
from benchmarks.edge_cells import Cell, EdgeCellSpace
from benchmarks.edge_notations import EdgeWriting
from harness.space import Architecture, Notation


@dataclass(frozen=True)
class CellNotations:
    """Makes the notations of a space; `words` say in one line what one is, see `Notation`."""

    space: EdgeCellSpace
    writing: EdgeWriting

    def tuples(self, name: str, words: str, operations: Sequence[str], edges: Sequence[Edge]) -> Notation:
        """NASLib's tuple: an index into `operations` for each of `edges`."""
        return Notation(
            name,
            words,
            lambda text: self._named(self.writing.of_tuple(text, operations, edges)),
            lambda arch: self.writing.tuple_text(self.space.cell(arch), operations, edges),
        )

    def dictionaries(self, words: str) -> Notation:
        """A dictionary from edge to operation, called `edges`."""
        return Notation(
            "edges",
            words,
            lambda text: self._named(self.writing.of_dictionary(text)),
            lambda arch: self.writing.dictionary_text(self.space.cell(arch)),
        )

    def lists(self, words: str) -> Notation:
        """For each node after the first a list of (operation, source), called `lists`."""
        return Notation(
            "lists",
            words,
            lambda text: self._named(self.writing.of_lists(text)),
            lambda arch: self.writing.lists_text(self.space.cell(arch)),
        )

    def _named(self, cell: Cell | None) -> Architecture | None:
        return None if cell is None else self.space.name_of(cell)
