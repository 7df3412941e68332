"""Spaces of cells whose edges carry operations: what NATS-Bench topology and TransNAS-Bench-101 micro share."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from random import Random
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.cell_graph import CELL_POPULATIONS, NONE, CanonicalCell, Edge, canonicalise, in_population, live_edges
from harness.space import Architecture, Execute, Removal, SearchSpace
from harness.space.graph import ArchitectureGraph, GraphEdge
from harness.space.positions import Position

Cell = tuple[str, ...]
"""The operation on each edge, in the order of `EdgeCellSpace.edges`."""


class EdgeCellSpace(SearchSpace):
    """Cells of `n_nodes` summing nodes, the first the input and the last the output; each edge holds one operation.

    Attributes:
        operations: what an edge may hold, `none` among them.
        edges: (source, target) in the order of a cell's operations.
        labels: each operation as pictures name it.
        caption: the sentence below the picture of a cell.
        widest: the operation with the most weights, which all edges of the usual start of a shrinking search hold.
    """

    operations: ClassVar[tuple[str, ...]]
    edges: ClassVar[tuple[Edge, ...]]
    labels: ClassVar[Mapping[str, str]]
    caption: ClassVar[str]
    widest: ClassVar[str]
    populations: ClassVar[Mapping[str, str]] = {**SearchSpace.populations, **CELL_POPULATIONS}

    @abstractmethod
    def name_of(self, cell: Cell) -> Architecture:
        """The official string of a cell."""

    def canonical_cell(self, cell: Cell) -> CanonicalCell:
        """The canonical form of a cell; a space where an operation is not what it is called overrides it."""
        return canonicalise(cell, self.edges)

    @property
    def n_nodes(self) -> int:
        """Nodes of a cell, input and output among them."""
        return max(target for _, target in self.edges) + 1

    @cached_property
    def architectures(self) -> Sequence[Architecture]:
        return tuple(map(Architecture, self._cells))

    @cached_property
    def _cells(self) -> dict[str, Cell]:
        return {self.name_of(cell): cell for cell in product(self.operations, repeat=len(self.edges))}

    def cell(self, arch: Architecture) -> Cell:
        """The operation on each edge of `edges`."""
        return self._cells[arch]

    def __contains__(self, arch: str) -> bool:
        return arch in self._cells

    def canonical(self, arch: Architecture) -> Architecture:
        return self._first_of_class[self.canonical_cell(self.cell(arch)).key]

    @cached_property
    def _first_of_class(self) -> dict[str, Architecture]:
        first: dict[str, Architecture] = {}
        for arch in self.architectures:
            first.setdefault(self.canonical_cell(self.cell(arch)).key, arch)
        return first

    def members(self, population: str) -> NDArray[np.bool_]:
        if population not in CELL_POPULATIONS:
            return super().members(population)
        return np.array([in_population(population, self.cell(arch), self.edges) for arch in self.architectures])

    @cached_property
    def positions(self) -> Sequence[Position]:
        """The edges, `0-1` and so on, each with an operation."""
        return tuple(Position(f"{source}-{target}", self.operations) for source, target in self.edges)

    def values_at(self, arch: Architecture) -> Sequence[tuple[str, ...]]:
        return [(operation,) for operation in self.cell(arch)]

    def executed(self, arch: Architecture, execute: Execute) -> frozenset[int]:
        """Indices of the edges whose operations a network runs."""
        return live_edges(self.cell(arch), self.edges) if execute == "live" else frozenset(range(len(self.edges)))

    def edge_keys(self, arch: Architecture) -> dict[int, str]:
        """By edge, the text from which its operation's parameters are drawn: equal for matching live operations."""
        canonical = self.canonical_cell(self.cell(arch))
        keys = {index: f"{arch}/edge{index}" for index in range(len(self.edges))}
        for position, index in enumerate(canonical.operations):
            keys[index] = f"{canonical.key}/operation{position}"
        return keys

    def graph(self, arch: Architecture) -> ArchitectureGraph:
        cell = self.cell(self.check(arch))
        live = live_edges(cell, self.edges)
        edges = (
            GraphEdge(source, target, self.labels[cell[index]], live=index in live)
            for index, (source, target) in enumerate(self.edges)
        )
        inner = (f"node {node}" for node in range(1, self.n_nodes - 1))
        return ArchitectureGraph(("input", *inner, "output"), tuple(edges), self.caption)

    def neighbours(self, arch: Architecture) -> Sequence[Architecture]:
        """The cells with one edge's operation changed to any other."""
        cell = self.cell(self.check(arch))
        return tuple(
            self.name_of((*cell[:index], operation, *cell[index + 1 :]))
            for index in range(len(self.edges))
            for operation in self.operations
            if operation != cell[index]
        )

    def removals(self, arch: Architecture) -> Sequence[Removal]:
        """The cells in which one more edge holds `none`; edges that are dead stay until they are removed themselves."""
        cell = self.cell(self.check(arch))
        n_edges = sum(operation != NONE for operation in cell)
        return tuple(
            Removal(f"{source}-{target}", self.name_of((*cell[:index], NONE, *cell[index + 1 :])), n_edges - 1)
            for index, (source, target) in enumerate(self.edges)
            if cell[index] != NONE
        )

    def fullest(self, rng: Random) -> Iterator[Architecture]:
        """The cell with `widest` on every edge, then cells of random operations without `none`."""
        yield self.name_of((self.widest,) * len(self.edges))
        kept = [operation for operation in self.operations if operation != NONE]
        while True:
            yield self.name_of(tuple(rng.choice(kept) for _ in self.edges))
