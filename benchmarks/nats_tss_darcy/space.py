"""The cells of NATS-Bench topology in the Darcy Flow network of NAS-Bench-360. Tu et al., 2022, arXiv:2110.05668."""

from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from torch import nn

from benchmarks.cell_graph import SKIP, CanonicalCell, canonicalise, live_edges
from benchmarks.edge_cells import Cell
from benchmarks.nats_blocks import conv_layer
from benchmarks.nats_tss.space import EDGES, NatsTss
from benchmarks.nats_tss_darcy.network import (
    PLACES,
    WIDTHS,
    FieldNetwork,
    cell_depth,
    cell_elementwise,
    cell_layers,
)
from harness.inputs import DataSet
from harness.space import BENCHMARKS, Architecture, Execute, Layer
from harness.space.reference import ReferenceCheck

_WIDENING_SKIP = "widening_skip"
_STEM_AND_CLASSIFIER = 2  # layers of each path outside of cells


class NatsTssDarcy(NatsTss):
    """The 15,625 cells of nats_tss in another network: no strides, cells that double the width, a value per position.

    A skip from a cell's input is a convolution in the two cells that double the width, so that 6,815 networks are told
    apart, where nats_tss has 5,425.
    """

    name: ClassVar[str] = "nats_tss_darcy"
    version: ClassVar[int] = 1
    data_sets: ClassVar[tuple[str, ...]] = ("darcy",)
    default_truth: ClassVar[Mapping[str, str | Sequence[str]]] = {"darcy": "test200"}
    caption: ClassVar[str] = (
        "The cell: each node sums what its edges bring. In the two cells that double the width, the edges from the "
        "input do so."
    )

    def canonical_cell(self, cell: Cell) -> CanonicalCell:
        return canonical_form(cell)

    def unfit(self, data_set: DataSet) -> str:
        """Every data set of a user's own: the loss and the targets of this network are those of its task."""
        return "its networks give a value for each position, and were made for the data set darcy"

    def layers(self, arch: Architecture, data_set: DataSet) -> Sequence[Layer]:
        operations, live, area = _operations(self.cell(arch)), live_edges(self.cell(arch), EDGES), _area(data_set)
        connected = bool(live)
        weights = WIDTHS[-1] * data_set.n_classes
        n_outputs = data_set.n_classes * area
        n_params = weights + data_set.n_classes + 2 * WIDTHS[-1]
        return [
            conv_layer(data_set.shape[0], WIDTHS[0], 3, area, connected),
            *(layer for place in PLACES for layer in cell_layers(operations, live, place, area)),
            Layer(weights, n_params, weights * area + n_outputs, connected, is_linear=True),
        ]

    def depth(self, arch: Architecture, data_set: DataSet) -> int:
        cell = self.cell(arch)
        if not live_edges(cell, EDGES):
            return 0
        return _STEM_AND_CLASSIFIER + sum(cell_depth(_operations(cell), place) for place in PLACES)

    def elementwise_flops(self, arch: Architecture, data_set: DataSet) -> int:
        operations, area = _operations(self.cell(arch)), _area(data_set)
        ends = 2 * WIDTHS[0] * area + 3 * WIDTHS[-1] * area
        return ends + sum(cell_elementwise(operations, place, area) for place in PLACES)

    def assemble(self, arch: Architecture, data_set: DataSet, execute: Execute) -> nn.Module:
        cell = self.cell(arch)
        return FieldNetwork(
            data_set,
            operations=_operations(cell),
            executed=self.executed(arch, execute),
            origin=(self.canonical_cell(cell).key, self.edge_keys(arch)),
        )

    def reference_checks(self) -> Iterator[ReferenceCheck]:
        """None: the package of NATS-Bench has no such network."""
        yield from ()


def canonical_form(cell: Cell) -> CanonicalCell:
    """The canonical form of a cell: a skip from its input has weights in some cells, so it is contracted in none."""
    named = zip(cell, EDGES, strict=True)
    kept = tuple(_WIDENING_SKIP if name == SKIP and source == 0 else name for name, (source, _) in named)
    return canonicalise(kept, EDGES)


def _operations(cell: Cell) -> list[tuple[int, int, str]]:
    return [(source, target, name) for (source, target), name in zip(EDGES, cell, strict=True)]


def _area(data_set: DataSet) -> int:
    return data_set.shape[1] * data_set.shape[2]


BENCHMARKS.register("nats_tss_darcy")(NatsTssDarcy())
