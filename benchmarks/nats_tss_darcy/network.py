"""The network of NAS-Bench-360's Darcy Flow: no stride, no pooling over the image, cells that double the width.

Tu et al., NeurIPS 2022, arXiv:2110.05668; https://github.com/rtu715/NAS-Bench-360, commit 587bb09,
precompute/darcyflow. It is built from the cells of NAS-Bench-201 (arXiv:2001.00326), and keeps every position: a value
is predicted at each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import cast

from torch import Tensor, nn

from benchmarks.cell_graph import NONE, SKIP, longest_path
from benchmarks.nats_blocks import ActConvNorm, block_elementwise, conv_layer, stem
from benchmarks.nats_tss.network import AveragePool, Cell, origin_of
from harness.inputs import DataSet
from harness.space import Layer

WIDTHS = (16, 32, 64)
CELLS_PER_STAGE = 5
_KERNELS = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}
_POOL = "avg_pool_3x3"

Operations = Sequence[tuple[int, int, str]]
"""(source, target, operation) of each edge, ordered by target."""


@dataclass(frozen=True)
class Place:
    """Where a cell is: its channels before and after, and how many equal cells are described at once."""

    n_in: int
    n_out: int
    repeats: int = 1

    @property
    def widens(self) -> bool:
        """Whether edges from the cell's input change the number of channels."""
        return self.n_in != self.n_out

    def width_before(self, source: int) -> int:
        """Channels that an operation from a node reads; all write `n_out`."""
        return self.n_in if source == 0 else self.n_out


PLACES = (
    Place(WIDTHS[0], WIDTHS[0], CELLS_PER_STAGE),
    *(
        place
        for before, after in pairwise(WIDTHS)
        for place in (Place(before, after), Place(after, after, CELLS_PER_STAGE))
    ),
)
"""The cells in order."""


class Zeros(nn.Module):
    """The `none` operation where the width changes: its zeros do not depend on the input."""

    def __init__(self, n_out: int) -> None:
        super().__init__()
        self._n_out = n_out

    def forward(self, features: Tensor) -> Tensor:
        n, _, *size = features.shape
        return features.new_zeros(n, self._n_out, *size)


class WideningCell(Cell):
    """The searched cell where the width doubles: its operations on the input do that.

    A skip becomes a 1x1 convolution with normalisation, without activation; a pooling is preceded by an `ActConvNorm`.
    """

    def __init__(self, operations: Operations, executed: frozenset[int], place: Place) -> None:
        super().__init__(operations, executed, place.n_out)
        for index, (source, _, name) in enumerate(operations):
            if source == 0:
                self.edges[index] = _widening(name, place.n_in, place.n_out)
        self._n_out = place.n_out

    def forward(self, features: Tensor) -> Tensor:
        if self._plan:
            return super().forward(features)
        n, _, *size = features.shape
        return features.new_zeros(n, self._n_out, *size)


class FieldNetwork(nn.Module):
    """Stem, cells, normalisation and ReLU, and a linear layer at every position.

    Input [batch, channels, height, width], output [batch, n_classes, height, width]; the published code has the
    channels last. `origin` is the text of the fixed modules and that of each edge's operation; see
    `SearchSpace.assemble`.
    """

    def __init__(
        self,
        data_set: DataSet,
        *,
        operations: Operations,
        executed: frozenset[int],
        origin: tuple[str, Mapping[int, str]],
    ) -> None:
        super().__init__()
        self.stem = stem(data_set.shape[0], WIDTHS[0])
        blocks: list[nn.Module] = []
        for place in PLACES:
            if place.widens:
                blocks.append(WideningCell(operations, executed, place))
            else:
                blocks += [Cell(operations, executed, place.n_out) for _ in range(place.repeats)]
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Sequential(nn.BatchNorm2d(WIDTHS[-1]), nn.ReLU())
        self.classifier = nn.Linear(WIDTHS[-1], data_set.n_classes)
        self.init_keys = {name: origin_of(name, *origin) for name, _ in self.named_modules()}
        self.cells = ("stem", *(f"blocks.{place}" for place in range(len(blocks))))

    def forward(self, images: Tensor) -> Tensor:
        features = self.last(self.blocks(self.stem(images)))
        return cast(Tensor, self.classifier(features.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))


def cell_layers(operations: Operations, live: frozenset[int], place: Place, area: int) -> list[Layer]:
    """The convolutions of a cell with `area` positions, edge by edge."""
    found = []
    for index, (source, _, name) in enumerate(operations):
        n_in = place.width_before(source)
        changes = n_in != place.n_out and name in (SKIP, _POOL)
        kernel = 1 if changes else _KERNELS.get(name)
        if kernel is not None:
            found.append(conv_layer(n_in, place.n_out, kernel, area, index in live, place.repeats))
    return found


def cell_elementwise(operations: Operations, place: Place, area: int) -> int:
    """Elementwise FLOPs of a cell; see `SearchSpace.elementwise_flops`."""
    total = 0
    for source, _, name in operations:
        n_in = place.width_before(source)
        changes = n_in != place.n_out
        if name in _KERNELS or (changes and name == _POOL):
            total += block_elementwise(n_in, place.n_out, area)
        if changes and name == SKIP:
            total += 2 * place.n_out * area
        if name == _POOL:
            total += place.n_out * area
    return total * place.repeats


def cell_depth(operations: Operations, place: Place) -> int:
    """Convolutions on the longest live path through a cell, and through its equals."""
    edges = tuple((source, target) for source, target, _ in operations)
    lengths = [
        int(name in _KERNELS or (place.widens and source == 0 and name != NONE)) for source, _, name in operations
    ]
    return longest_path([name for _, _, name in operations], edges, lengths) * place.repeats


def _widening(name: str, n_in: int, n_out: int) -> nn.Module:
    if name == NONE:
        return Zeros(n_out)
    if name == SKIP:
        return nn.Sequential(nn.Conv2d(n_in, n_out, 1, bias=False), nn.BatchNorm2d(n_out))
    if name == _POOL:
        return nn.Sequential(ActConvNorm(n_in, n_out, 1), AveragePool())
    return ActConvNorm(n_in, n_out, _KERNELS[name])
