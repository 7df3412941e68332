"""NATS-Bench topology search space: 15,625 cells. Dong et al., TPAMI 2021, arXiv:2009.00437 and arXiv:2001.00326."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import pairwise
from random import Random
from typing import ClassVar

from torch import nn

from benchmarks.cell_graph import NONE, SKIP, Edge, live_edges, longest_path
from benchmarks.edge_cells import Cell, EdgeCellSpace
from benchmarks.nats_blocks import (
    REDUCTION_DEPTH,
    block_elementwise,
    classifier_layer,
    conv_layer,
    ends_elementwise,
    reduction_elementwise,
    reduction_layers,
)
from benchmarks.nats_tss.network import CellNetwork, Skeleton
from benchmarks.nats_tss.notations import notations
from benchmarks.nats_tss.reference import reference_checks
from benchmarks.own_images import unfit_images
from harness.inputs import DataSet
from harness.space import BENCHMARKS, Architecture, Execute, Layer, Notation
from harness.space.reference import ReferenceCheck

CONV_1X1 = "nor_conv_1x1"
CONV_3X3 = "nor_conv_3x3"
AVG_POOL = "avg_pool_3x3"
OPERATIONS = (NONE, SKIP, CONV_1X1, CONV_3X3, AVG_POOL)
_LABELS = {SKIP: "skip", CONV_1X1: "conv 1x1", CONV_3X3: "conv 3x3", AVG_POOL: "avg pool 3x3", NONE: NONE}
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
_OFFICIAL_SHUFFLE = 88  # the seed with which the benchmark's authors put the cells into their index order
_STEM_AND_CLASSIFIER = 2  # layers of each path outside of cells and reductions


class NatsTss(EdgeCellSpace):
    """Cells of four nodes; each of the six edges holds one of five operations."""

    name: ClassVar[str] = "nats_tss"
    version: ClassVar[int] = 1
    data_sets: ClassVar[tuple[str, ...]] = ("digits", "cifar10", "cifar100", "ImageNet16-120", "ninapro")
    operations: ClassVar[tuple[str, ...]] = OPERATIONS
    edges: ClassVar[tuple[Edge, ...]] = EDGES
    labels: ClassVar[Mapping[str, str]] = _LABELS
    caption: ClassVar[str] = "The cell: each node sums what its edges bring. All cells of the three stages are equal."

    @cached_property
    def architectures(self) -> Sequence[Architecture]:
        names = list(map(Architecture, self._cells))
        Random(_OFFICIAL_SHUFFLE).shuffle(names)
        return tuple(names)

    def unfit(self, data_set: DataSet) -> str:
        return unfit_images(data_set, multiple_of=4)

    def layers(self, arch: Architecture, data_set: DataSet) -> Sequence[Layer]:
        cell = self.cell(arch)
        live = live_edges(cell, EDGES)
        skeleton = skeleton_of(data_set)
        found = list(_skeleton_layers(skeleton, data_set, connected=bool(live)))
        for channels, area in skeleton.stages(data_set):
            for index, operation in enumerate(cell):
                if operation in (CONV_1X1, CONV_3X3):
                    kernel = 1 if operation == CONV_1X1 else 3
                    found.append(conv_layer(channels, channels, kernel, area, index in live, skeleton.cells_per_stage))
        return found

    def depth(self, arch: Architecture, data_set: DataSet) -> int:
        cell = self.cell(arch)
        if not live_edges(cell, EDGES):
            return 0
        in_cell = longest_path(cell, EDGES, [operation in (CONV_1X1, CONV_3X3) for operation in cell])
        n_stages = len(skeleton_of(data_set).stages(data_set))
        cells = in_cell * skeleton_of(data_set).cells_per_stage * n_stages
        return _STEM_AND_CLASSIFIER + cells + REDUCTION_DEPTH * (n_stages - 1)

    def elementwise_flops(self, arch: Architecture, data_set: DataSet) -> int:
        cell, skeleton = self.cell(arch), skeleton_of(data_set)
        stages = skeleton.stages(data_set)
        total = ends_elementwise(*stages[0], *stages[-1])
        for (before, _), (after, area) in pairwise(stages):
            total += reduction_elementwise(before, after, area)
        for channels, area in stages:
            convs = sum(operation in (CONV_1X1, CONV_3X3) for operation in cell)
            in_cell = convs * block_elementwise(channels, channels, area) + cell.count(AVG_POOL) * channels * area
            total += in_cell * skeleton.cells_per_stage
        return total

    def assemble(self, arch: Architecture, data_set: DataSet, execute: Execute) -> nn.Module:
        cell = self.cell(arch)
        return CellNetwork(
            skeleton_of(data_set),
            data_set,
            operations=[(source, target, cell[index]) for index, (source, target) in enumerate(EDGES)],
            executed=self.executed(arch, execute),
            origin=(self.canonical_cell(cell).key, self.edge_keys(arch)),
        )

    def reference_checks(self) -> Iterator[ReferenceCheck]:
        return reference_checks(self)

    def further_notations(self) -> Sequence[Notation]:
        return notations(self)

    def name_of(self, cell: Cell) -> Architecture:
        return cell_string(cell)


def cell_string(cell: Cell) -> Architecture:
    """The official string, `|op~source|+|op~source|op~source|+...`: one group for each node after the first."""
    return Architecture(_OFFICIAL_STRING.format(*cell))


_OFFICIAL_STRING = "+".join(  # filled in 15,625 times at every start
    "".join(f"|{{{place}}}~{source}" for place, (source, to) in enumerate(EDGES) if to == target) + "|"
    for target in range(1, max(target for _, target in EDGES) + 1)
)


def skeleton_of(data_set: DataSet) -> Skeleton:
    """The official macro skeleton, or the small one of the embedded benchmark."""
    return EMBEDDED if data_set.name == "digits" else OFFICIAL


OFFICIAL = Skeleton(channels=16, cells_per_stage=5)
EMBEDDED = Skeleton(channels=8, cells_per_stage=1)


def _skeleton_layers(skeleton: Skeleton, data_set: DataSet, connected: bool) -> list[Layer]:
    """Stem, residual reductions, final normalisation with classifier; live if the cell joins input and output."""
    stages = skeleton.stages(data_set)
    found = [conv_layer(data_set.shape[0], skeleton.channels, 3, stages[0][1], connected)]
    for (before, _), (after, area) in pairwise(stages):
        found += reduction_layers(before, after, area, connected)
    return [*found, classifier_layer(stages[-1][0], data_set.n_classes, connected)]


BENCHMARKS.register("nats_tss")(NatsTss())
