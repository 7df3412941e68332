"""The cells of TransNAS-Bench-101: four summing nodes (micro), or a residual block (macro). arXiv:2105.11871."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.cell_graph import NONE, SKIP, longest_path
from benchmarks.nats_blocks import ActConvNorm, block_elementwise, conv_layer
from benchmarks.transnas.skeleton import Block
from harness.space import Layer

CONV_1X1 = "conv1x1"
CONV_3X3 = "conv3x3"
OPERATIONS = (NONE, SKIP, CONV_1X1, CONV_3X3)
"""By their digit in an architecture's string."""
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
_LAST = 3
_KERNELS = {CONV_1X1: 1, CONV_3X3: 3}

Cell = tuple[str, ...]


class FactorizedReduction(nn.Module):
    """A skip connection that changes the shape: ReLU, two 1x1 convolutions on shifted grids, batch normalisation."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.act = nn.ReLU()
        self.convs = nn.ModuleList(nn.Conv2d(n_in, n_out // 2, 1, stride, bias=False) for _ in range(2))
        self.norm = nn.BatchNorm2d(n_out)

    def forward(self, features: Tensor) -> Tensor:
        active = self.act(features)
        shifted = F.pad(active, (0, 1, 0, 1))[:, :, 1:, 1:]
        return cast(Tensor, self.norm(torch.cat([self.convs[0](active), self.convs[1](shifted)], dim=1)))


class Zero(nn.Module):
    """The `none` operation of the official code: if it doubles the channels, its zeros do not depend on the input."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self._keeps_width = n_in == n_out
        self._n_out = n_out
        self._stride = stride

    def forward(self, features: Tensor) -> Tensor:
        if self._keeps_width:
            return features[:, :, :: self._stride, :: self._stride].mul(0.0)
        return _zeros(features, self._n_out, self._stride)


class MicroCell(nn.Module):
    """Nodes that sum the operations on their incoming edges; edges from the input change the shape; `executed` run."""

    def __init__(self, cell: Cell, executed: frozenset[int], block: Block) -> None:
        super().__init__()
        self.edges = nn.ModuleList(_operation(name, *_shape(index, block)) for index, name in enumerate(cell))
        self._plan = [(index, *edge) for index, edge in enumerate(EDGES) if index in executed]
        self._block = block

    def forward(self, features: Tensor) -> Tensor:
        nodes: dict[int, Tensor] = {0: features}
        for index, source, target in self._plan:  # edges are ordered by their target
            value = self.edges[index](nodes[source])
            nodes[target] = nodes[target] + value if target in nodes else value
        # Without a live path nothing is executed and the output is constant.
        return nodes[_LAST] if _LAST in nodes else _zeros(features, self._block.n_out, self._block.stride)


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with a shortcut."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.first = ActConvNorm(block.n_in, block.n_out, 3, block.stride)
        self.second = ActConvNorm(block.n_out, block.n_out, 3)
        self.shortcut: nn.Module = nn.Identity()
        if block.reshapes:
            # The official code means affine=True and track_running_stats=True, but passes them as eps and momentum.
            norm = nn.BatchNorm2d(block.n_out, eps=1.0, momentum=1.0)
            self.shortcut = nn.Sequential(nn.Conv2d(block.n_in, block.n_out, 1, block.stride, bias=False), norm)

    def forward(self, features: Tensor) -> Tensor:
        return cast(Tensor, self.shortcut(features) + self.second(self.first(features)))


def cell_layers(cell: Cell, live: frozenset[int], block: Block) -> list[Layer]:
    """The convolutions of a `MicroCell`, edge by edge."""
    found = []
    for index, name in enumerate(cell):
        n_in, n_out, stride = _shape(index, block)
        if name in _KERNELS:
            found.append(conv_layer(n_in, n_out, _KERNELS[name], block.size**2, index in live))
        elif name == SKIP and (stride != 1 or n_in != n_out):
            found += [conv_layer(n_in, n_out // 2, 1, block.size**2, index in live)] * 2
    return found


def residual_layers(block: Block) -> list[Layer]:
    """The convolutions of a `ResidualBlock`."""
    pixels = block.size**2
    found = [conv_layer(block.n_in, block.n_out, 3, pixels), conv_layer(block.n_out, block.n_out, 3, pixels)]
    if block.reshapes:
        found.append(conv_layer(block.n_in, block.n_out, 1, pixels))
    return found


def cell_elementwise(cell: Cell, block: Block) -> int:
    """Elementwise FLOPs of a `MicroCell`; a skip that changes the shape has a ReLU and a normalisation too."""
    total = 0
    for index, name in enumerate(cell):
        n_in, n_out, stride = _shape(index, block)
        if name in _KERNELS or (name == SKIP and (stride != 1 or n_in != n_out)):
            total += block_elementwise(n_in, n_out, block.size**2, stride)
    return total


def cell_depth(cell: Cell, block: Block) -> int:
    """Convolutions on the longest live path through a `MicroCell`."""
    lengths = [
        name in _KERNELS or (name == SKIP and source == 0 and block.reshapes)
        for name, (source, _) in zip(cell, EDGES, strict=True)
    ]
    return longest_path(cell, EDGES, lengths)


def residual_elementwise(block: Block) -> int:
    """Elementwise FLOPs of a `ResidualBlock`."""
    pixels = block.size**2
    blocks = block_elementwise(block.n_in, block.n_out, pixels, block.stride) + 3 * block.n_out * pixels
    return blocks + 2 * block.n_out * pixels * block.reshapes


RESIDUAL_DEPTH = 2
"""Layers on the longest path through a `ResidualBlock`."""


def _shape(index: int, block: Block) -> tuple[int, int, int]:
    """(channels in, channels out, stride) of the operation on an edge of a block."""
    from_input = EDGES[index][0] == 0
    return (block.n_in, block.n_out, block.stride) if from_input else (block.n_out, block.n_out, 1)


def _operation(name: str, n_in: int, n_out: int, stride: int) -> nn.Module:
    if name == NONE:
        return Zero(n_in, n_out, stride)
    if name == SKIP:
        return nn.Identity() if stride == 1 and n_in == n_out else FactorizedReduction(n_in, n_out, stride)
    return ActConvNorm(n_in, n_out, _KERNELS[name], stride)


def _zeros(features: Tensor, n_out: int, stride: int) -> Tensor:
    batch, _, height, width = features.shape
    return features.new_zeros(batch, n_out, -(-height // stride), -(-width // stride))
