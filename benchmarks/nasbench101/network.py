"""The network of a NAS-Bench-101 cell: arXiv:1902.09635, Sections 2.2 and 2.3, as the official code builds it.

Batch normalisation has TensorFlow's decay .997, which is PyTorch's momentum .003, and epsilon 1e-5, everywhere.
(nasbench-pytorch passes .997 as momentum to stem and projections, and leaves the operations at .1.) Parameters start
as in nasbench-pytorch, with which the published proxies were measured: convolutions from N(0, 2 / fan_out), the
classifier from N(0, 0.01^2) with biases 0.
"""

from typing import cast

import torch
from torch import Tensor, nn

from benchmarks.nasbench101.cell import CONV_1X1, CONV_3X3, Cell
from harness.inputs import DataSet
from harness.space.initialise import Initialisation

STEM_CHANNELS = 128
N_STACKS = 3
CELLS_PER_STACK = 3
_NORM_MOMENTUM = 0.003
_NORM_EPSILON = 1e-5

_KERNELS = {CONV_3X3: 3, CONV_1X1: 1}


class ConvNormAct(nn.Module):
    """Convolution without bias, batch normalisation, ReLU: the order of NAS-Bench-101."""

    def __init__(self, n_in: int, n_out: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(n_in, n_out, kernel, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(n_out, eps=_NORM_EPSILON, momentum=_NORM_MOMENTUM)
        self.act = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        return cast(Tensor, self.act(self.norm(self.conv(features))))


class CellModule(nn.Module):
    """Vertices that operate on the sum of their inputs.

    Every vertex that reads the cell's input has a 1x1 projection of its own; the output concatenates the inner vertices
    that it reads and adds the projected input. Surplus channels of a vertex are cut to the number of its reader.
    """

    def __init__(self, cell: Cell, n_in: int, n_out: int) -> None:
        super().__init__()
        self._channels = vertex_channels(cell, n_in, n_out)
        self._sources = cell.sources
        self.projections = nn.ModuleDict(
            {str(vertex): ConvNormAct(n_in, self._channels[vertex], 1) for vertex in cell.targets[0]}
        )
        self.operations = nn.ModuleDict(
            {
                str(vertex): _operation(name, self._channels[vertex])
                for vertex, name in enumerate(cell.operations, start=1)
            }
        )

    def forward(self, features: Tensor) -> Tensor:
        values = [features]
        for vertex, sources in enumerate(self._sources[1:-1], start=1):
            read = [_cut(values[source], self._channels[vertex]) for source in sources if source]
            values.append(self.operations[str(vertex)](self._with_input(vertex, read, features)))
        last = len(values)
        inner = [values[source] for source in self._sources[last] if source]
        return self._with_input(last, [torch.cat(inner, dim=1)] if inner else [], features)

    def _with_input(self, vertex: int, read: list[Tensor], features: Tensor) -> Tensor:
        """The sum of a vertex's inputs, the projected input last."""
        if 0 in self._sources[vertex]:
            read = [*read, self.projections[str(vertex)](features)]
        total = read[0]
        for value in read[1:]:
            total = total + value
        return total


class CellNetwork(nn.Module):
    """Stem, three stacks of three equal cells with max-pooling between them, pooled features, classifier.

    `init_keys`: see `SearchSpace.assemble`; `own_init`: see `harness.initialise.materialise`.
    """

    def __init__(self, cell: Cell, data_set: DataSet) -> None:
        super().__init__()
        self.stem = ConvNormAct(data_set.shape[0], STEM_CHANNELS, 3)
        blocks: list[nn.Module] = []
        n_in = STEM_CHANNELS
        for stack in range(N_STACKS):
            n_out = STEM_CHANNELS * 2**stack
            if stack:
                blocks.append(nn.MaxPool2d(2))
            for _ in range(CELLS_PER_STACK):
                blocks.append(CellModule(cell, n_in, n_out))
                n_in = n_out
        self.blocks = nn.Sequential(*blocks)
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.classifier = nn.Linear(n_in, data_set.n_classes)
        self.cells = (
            "stem",
            *(f"blocks.{place}" for place, block in enumerate(blocks) if isinstance(block, CellModule)),
        )
        name = cell.name
        self.init_keys = {module: f"{name}/{module}" for module, _ in self.named_modules()}
        self.own_init = {
            module: Initialisation.kaiming_normal_fan_out
            for module, kind in self.named_modules()
            if isinstance(kind, nn.Conv2d)
        } | {"classifier": Initialisation.narrow_normal}

    def forward(self, images: Tensor) -> Tensor:
        return cast(Tensor, self.classifier(self.pool(self.blocks(self.stem(images)))))


def vertex_channels(cell: Cell, n_in: int, n_out: int) -> list[int]:
    """Output channels of each vertex, [n_vertices].

    The output's channels are shared among the inner vertices that it reads, the first of them taking one of the
    remainder each; any other vertex has as many as the widest vertex that reads it.
    """
    last = cell.n_vertices - 1
    channels = [n_in, *[0] * len(cell.operations), n_out]
    read_last = [vertex for vertex in cell.sources[last] if vertex]
    for rank, vertex in enumerate(read_last):
        channels[vertex] = n_out // len(read_last) + (rank < n_out % len(read_last))
    for vertex in range(last - 1, 0, -1):
        if vertex not in read_last:
            channels[vertex] = max(channels[target] for target in cell.targets[vertex])
    return channels


def _cut(value: Tensor, n_channels: int) -> Tensor:
    """The first channels; the tensor itself where it has no more, since a slice would cost the backward pass a copy."""
    return value if value.shape[1] == n_channels else value[:, :n_channels]


def _operation(name: str, channels: int) -> nn.Module:
    if name in _KERNELS:
        return ConvNormAct(channels, channels, _KERNELS[name])
    return nn.MaxPool2d(3, stride=1, padding=1)
