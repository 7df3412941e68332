"""TransNAS-Bench-101 micro: 4,096 cells in a fixed skeleton. Duan et al., CVPR 2021, arXiv:2105.11871."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import nn

from benchmarks.cell_graph import NONE, SKIP, CanonicalCell, Edge, canonicalise, live_edges
from benchmarks.edge_cells import Cell, EdgeCellSpace
from benchmarks.own_images import COLOURS, unfit_images
from benchmarks.transnas.cells import (
    CONV_1X1,
    CONV_3X3,
    EDGES,
    OPERATIONS,
    MicroCell,
    cell_depth,
    cell_elementwise,
    cell_layers,
)
from benchmarks.transnas.decoders import decoder_depth, decoder_elementwise, decoder_layers
from benchmarks.transnas.network import N_BEFORE_CELLS, TaskNetwork
from benchmarks.transnas.notations import micro_notations
from benchmarks.transnas.skeleton import (
    BASE_CHANNELS,
    STEM_DEPTH,
    TASKS,
    Skeleton,
    for_each_tile,
    n_tiles,
    stem_elementwise,
    stem_layers,
)
from harness.inputs import DataSet
from harness.space import BENCHMARKS, Architecture, Execute, Layer, Notation

SKELETON = Skeleton("41414")
_REDUCING_SKIP = "reducing_skip"
_LABELS = {SKIP: "skip", CONV_1X1: "conv 1x1", CONV_3X3: "conv 3x3", NONE: NONE}


class TransnasMicro(EdgeCellSpace):
    """Cells of four nodes; each of the six edges holds one of four operations.

    The networks are the full ones of the benchmark, with five modules and 64 base channels. NASLib also has a smaller
    one with three modules, which was not used for training.
    """

    name: ClassVar[str] = "transnas_micro"
    version: ClassVar[int] = 1
    data_sets: ClassVar[tuple[str, ...]] = TASKS
    operations: ClassVar[tuple[str, ...]] = OPERATIONS
    edges: ClassVar[tuple[Edge, ...]] = EDGES
    labels: ClassVar[Mapping[str, str]] = _LABELS
    widest: ClassVar[str] = CONV_3X3
    caption: ClassVar[str] = (
        "The cell: each node sums what its edges bring. Edges from the input change channels and size."
    )

    def further_notations(self) -> Sequence[Notation]:
        return micro_notations(self)

    def name_of(self, cell: Cell) -> Architecture:
        return cell_string(cell)

    def canonical_cell(self, cell: Cell) -> CanonicalCell:
        return canonical_form(cell)

    def unfit(self, data_set: DataSet) -> str:
        return unfit_images(data_set, multiple_of=32, n_channels=COLOURS)

    def layers(self, arch: Architecture, data_set: DataSet) -> Sequence[Layer]:
        cell = self.cell(arch)
        live = live_edges(cell, EDGES)
        size = data_set.shape[1]
        backbone = stem_layers(size, bool(live))
        for block in SKELETON.blocks(size):
            backbone += cell_layers(cell, live, block)
        return [*for_each_tile(backbone, data_set), *decoder_layers(SKELETON, data_set, bool(live))]

    def depth(self, arch: Architecture, data_set: DataSet) -> int:
        cell = self.cell(arch)
        if not live_edges(cell, EDGES):
            return 0
        cells = sum(cell_depth(cell, block) for block in SKELETON.blocks(data_set.shape[1]))
        return STEM_DEPTH + cells + decoder_depth(SKELETON, data_set)

    def elementwise_flops(self, arch: Architecture, data_set: DataSet) -> int:
        cell, size = self.cell(arch), data_set.shape[1]
        backbone = stem_elementwise(size) + sum(cell_elementwise(cell, block) for block in SKELETON.blocks(size))
        return backbone * n_tiles(data_set) + decoder_elementwise(SKELETON, data_set)

    def assemble(self, arch: Architecture, data_set: DataSet, execute: Execute) -> nn.Module:
        cell = self.cell(arch)
        canonical = canonical_form(cell)
        executed = self.executed(arch, execute)
        blocks = SKELETON.blocks(data_set.shape[1])
        cells = [MicroCell(cell, executed, block) for block in blocks]
        edges = self.edge_keys(arch)

        def origin(name: str) -> str:
            """An operation draws from its own text, its cell's number and its part's name; the rest from its name."""
            parts = name.split(".")  # backbone.<cell>.edges.<edge>.<part>
            if len(parts) > 3 and parts[2] == "edges":
                return f"{edges[int(parts[3])]}/cell{int(parts[1]) - N_BEFORE_CELLS}/{'.'.join(parts[4:])}"
            return f"{canonical.key}/{name}"

        return TaskNetwork(SKELETON, data_set, cells, origin)


def canonical_form(cell: Cell) -> CanonicalCell:
    """The canonical form of a cell.

    A skip from the cell's input is an operation with weights wherever the cell changes the shape, so it is contracted
    nowhere; skips between later nodes copy.
    """
    named = zip(cell, EDGES, strict=True)
    kept = tuple(_REDUCING_SKIP if name == SKIP and source == 0 else name for name, (source, _) in named)
    return canonicalise(kept, EDGES)


def cell_string(cell: Cell) -> Architecture:
    """The official string, `64-41414-a_bc_def`: the operations' digits, one group for each node after the first."""
    digits = "".join(str(OPERATIONS.index(name)) for name in cell)
    return Architecture(f"{BASE_CHANNELS}-{SKELETON.modules}-{digits[0]}_{digits[1:3]}_{digits[3:]}")


BENCHMARKS.register("transnas_micro")(TransnasMicro())
