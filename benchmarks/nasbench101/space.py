"""NAS-Bench-101: 423,624 cells. Ying et al., ICML 2019, arXiv:1902.09635."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from random import Random
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import nn

from benchmarks.nasbench101.catalogue import Names, catalogue, is_name
from benchmarks.nasbench101.cell import (
    CONV_1X1,
    CONV_3X3,
    EDGES,
    MAX_EDGES,
    MAX_POOL,
    Cell,
    one_edge_less,
    one_step_away,
)
from benchmarks.nasbench101.layers import layer_table
from benchmarks.nasbench101.network import CellNetwork
from benchmarks.nasbench101.notations import notations
from benchmarks.nasbench101.positions import held_by, positions, values_of
from benchmarks.nasbench101.reference import reference_checks
from benchmarks.own_images import unfit_images
from harness.inputs import DataSet
from harness.space import BENCHMARKS, Architecture, Execute, Layer, LayerTable, Notation, Removal, SearchSpace
from harness.space.graph import ArchitectureGraph, GraphEdge
from harness.space.positions import Position
from harness.space.reference import ReferenceCheck

_LABELS = {CONV_3X3: "conv 3x3", CONV_1X1: "conv 1x1", MAX_POOL: "max pool 3x3"}


class NasBench101(SearchSpace):
    """Cells of at most seven vertices, which hold one of three operations, and nine edges.

    An architecture is named by its official module hash; the official order is that of the names. The vertices of the
    stored cell are in the order of the official data, which matters for the channels: where they do not divide evenly,
    the first vertices take the remainder.
    """

    name: ClassVar[str] = "nasbench101"
    version: ClassVar[int] = 2  # 2: the classifier starts as nasbench-pytorch's
    data_sets: ClassVar[tuple[str, ...]] = ("cifar10",)

    @property
    def architectures(self) -> Sequence[Architecture]:
        return Names()

    def index(self, arch: Architecture) -> int:
        row = catalogue().row(self.check(arch))
        assert row is not None  # it was checked
        return row

    def read_official(self, text: str) -> Architecture | None:
        """The module hash, in upper or lower case."""
        return super().read_official(text.strip().lower())

    def further_notations(self) -> Sequence[Notation]:
        return notations(self)

    def beginning_with(self, prefix: str) -> Sequence[Architecture]:
        names = self.architectures  # sorted; no hexadecimal digit comes after "f"
        return names[bisect_left(names, prefix) : bisect_left(names, f"{prefix}g")]

    def canonical(self, arch: Architecture) -> Architecture:
        """The architecture itself: cells are pruned, and isomorphic ones have the same name."""
        return self.check(arch)

    def canonical_forms(self, archs: Sequence[Architecture]) -> list[Architecture]:
        catalogue().rows(archs)  # raises for a name that no cell has
        return list(archs)

    def cell(self, arch: Architecture) -> Cell:
        """The graph and its operations.

        Raises:
            UnknownNameError: if no cell has this name.
        """
        return catalogue().cell(arch)

    def __contains__(self, arch: str) -> bool:
        return is_name(arch) and catalogue().row(arch) is not None

    def unfit(self, data_set: DataSet) -> str:
        return unfit_images(data_set, multiple_of=4)

    @property
    def positions(self) -> Sequence[Position]:
        """See `benchmarks.nasbench101.positions`: a cell's vertices are not told apart, they are counted."""
        return positions()

    def values_at(self, arch: Architecture) -> Sequence[tuple[str, ...]]:
        return values_of(self.cell(arch))

    def values_held(self, archs: Sequence[Architecture]) -> list[NDArray[np.bool_]]:
        known = catalogue()
        return held_by(known.codes[known.rows(archs)])

    def layers(self, arch: Architecture, data_set: DataSet) -> Sequence[Layer]:
        return self.layer_table([arch], data_set).row(0)

    def layer_table(self, archs: Sequence[Architecture], data_set: DataSet) -> LayerTable:
        known = catalogue()
        return layer_table(known.codes[known.rows(archs)], data_set)

    def assemble(self, arch: Architecture, data_set: DataSet, execute: Execute) -> nn.Module:
        return CellNetwork(self.cell(arch), data_set)  # a pruned cell has nothing dead to execute or to leave out

    def graph(self, arch: Architecture) -> ArchitectureGraph:
        cell = self.cell(self.check(arch))
        vertices = ("input", *(_LABELS[operation] for operation in cell.operations), "output")
        edges = tuple(GraphEdge(source, target) for source, target in cell.edges)
        caption = "The cell: operations sum what they read, the output concatenates it. All nine cells are equal."
        return ArchitectureGraph(vertices, edges, caption)

    def reference_checks(self) -> Iterator[ReferenceCheck]:
        return reference_checks(self)

    def neighbours(self, arch: Architecture) -> Sequence[Architecture]:
        """The architectures that one change makes, sorted: see `cell.one_step_away`."""
        names = {cell.name for cell in one_step_away(self.cell(self.check(arch)))}
        return tuple(sorted(map(Architecture, names - {arch})))

    def removals(self, arch: Architecture) -> Sequence[Removal]:
        """The cells with one edge less, pruned; an edge without which no path is left stays."""
        found = one_edge_less(self.cell(self.check(arch)))
        return tuple(
            Removal(f"{source}-{target}", Architecture(left.name), len(left.edges))
            for (source, target), left in found.items()
        )

    def fullest(self, rng: Random) -> Iterator[Architecture]:
        """Cells of nine edges, the most that the space has, drawn uniformly."""
        rows = self._fullest_rows
        while True:
            yield self.architectures[int(rng.choice(rows))]

    @cached_property
    def _fullest_rows(self) -> NDArray[np.int64]:
        edges = catalogue().codes & np.uint32((1 << len(EDGES)) - 1)
        return np.flatnonzero(np.bitwise_count(edges) == MAX_EDGES)


BENCHMARKS.register("nasbench101")(NasBench101())
