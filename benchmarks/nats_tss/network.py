"""The network of a NATS-Bench topology cell: the macro skeleton of NAS-Bench-201, arXiv:2001.00326, Section 2.1."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.cell_graph import NONE, SKIP
from benchmarks.nats_blocks import ActConvNorm, Reduction, pooled, stem
from harness.inputs import DataSet

N_STAGES = 3


@dataclass(frozen=True)
class Skeleton:
    """Width of the first stage, doubled at each of the two reductions, and cells per stage."""

    channels: int
    cells_per_stage: int

    def stages(self, data_set: DataSet) -> list[tuple[int, int]]:
        """(channels, positions) of each stage; height and width of the images are multiples of 4."""
        _, height, width = data_set.shape
        return [(self.channels * 2**stage, height * width // 4**stage) for stage in range(N_STAGES)]


class Zero(nn.Module):
    """The `none` operation of the official code."""

    def forward(self, features: Tensor) -> Tensor:
        return features.mul(0.0)


class AveragePool(nn.AvgPool2d):
    """The mean of 3 x 3 neighbours, as many as lie within the image.

    On a CPU by a depthwise convolution, which is faster than PyTorch's pooling. In float32 value and gradient have the
    same bits, since both add up the neighbours row by row; in bfloat16 they are rounded twice.
    """

    def __init__(self) -> None:
        super().__init__(3, stride=1, padding=1, count_include_pad=False)

    def forward(self, features: Tensor) -> Tensor:
        if features.device.type == "cpu" and features.dtype in (torch.float32, torch.bfloat16):
            if not torch.is_grad_enabled():
                return _Mean.forward(features, False)  # the same, without the bookkeeping of a Function
            return cast(Tensor, _Mean.apply(features, False))  # type: ignore[no-untyped-call]
        return super().forward(features)


class _Mean(torch.autograd.Function):
    """The sum of the neighbours over their number: divided after the sum or, for its gradient, before it.

    Each is the gradient of the other, and linear, so that nothing is kept and every derivative is one of the two.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(features: Tensor, divides_first: bool) -> Tensor:
        counts = _neighbours(features.new_ones(1, 1, *features.shape[2:]))
        return _neighbours(features / counts) if divides_first else _neighbours(features).div_(counts)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, bool], output: Tensor) -> None:
        ctx.divides_first = inputs[1]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _Mean.apply(gradient, not ctx.divides_first), None  # type: ignore[no-untyped-call]

    @staticmethod
    def jvp(ctx: Any, tangent: Tensor, _: None) -> Tensor:
        return _Mean.forward(tangent, ctx.divides_first)


def _neighbours(features: Tensor) -> Tensor:
    """The sum over the 3 x 3 neighbours that lie within the image, channel by channel."""
    n_channels = features.shape[1]
    return F.conv2d(features, features.new_ones(n_channels, 1, 3, 3), padding=1, groups=n_channels)


class Cell(nn.Module):
    """Nodes that sum the operations on their incoming edges; only `executed` edges run."""

    def __init__(self, operations: Sequence[tuple[int, int, str]], executed: frozenset[int], channels: int) -> None:
        super().__init__()
        self.edges = nn.ModuleList(_operation(name, channels) for _, _, name in operations)
        self._plan = [
            (index, source, target) for index, (source, target, _) in enumerate(operations) if index in executed
        ]
        self._last = max(target for _, target, _ in operations)

    def forward(self, features: Tensor) -> Tensor:
        nodes: dict[int, Tensor] = {0: features}
        for index, source, target in self._plan:  # edges are ordered by their target
            value = self.edges[index](nodes[source])
            nodes[target] = nodes[target] + value if target in nodes else value
        # Without a live path nothing is executed and the output is constant.
        return nodes[self._last] if self._last in nodes else features.new_zeros(features.shape)


class CellNetwork(nn.Module):
    """Stem, three stages of one repeated cell with reductions between them, pooled features, classifier.

    `origin` is the text of the skeleton's modules and that of each edge's operation; see `SearchSpace.assemble`.
    """

    def __init__(
        self,
        skeleton: Skeleton,
        data_set: DataSet,
        *,
        operations: Sequence[tuple[int, int, str]],
        executed: frozenset[int],
        origin: tuple[str, Mapping[int, str]],
    ) -> None:
        super().__init__()
        stages = skeleton.stages(data_set)
        width = stages[-1][0]
        self.stem = stem(data_set.shape[0], skeleton.channels)
        blocks: list[nn.Module] = []
        for stage, (channels, _) in enumerate(stages):
            if stage:
                blocks.append(Reduction(channels // 2, channels))
            blocks += [Cell(operations, executed, channels) for _ in range(skeleton.cells_per_stage)]
        self.blocks = nn.Sequential(*blocks)
        self.last = pooled(width)
        self.classifier = nn.Linear(width, data_set.n_classes)
        self.init_keys = {name: origin_of(name, *origin) for name, _ in self.named_modules()}
        self.cells = ("stem", *(f"blocks.{place}" for place in range(len(blocks))))

    def forward(self, images: Tensor) -> Tensor:
        return cast(Tensor, self.classifier(self.last(self.blocks(self.stem(images)))))


def _operation(name: str, channels: int) -> nn.Module:
    if name == NONE:
        return Zero()
    if name == SKIP:
        return nn.Identity()
    if name == "avg_pool_3x3":
        return AveragePool()
    return ActConvNorm(channels, channels, 1 if name == "nor_conv_1x1" else 3)


def origin_of(name: str, skeleton: str, edges: Mapping[int, str]) -> str:
    """The text of a module's draw: an operation's own text and its block's number, for all others their name."""
    parts = name.split(".")  # blocks.<block>.edges.<edge>...
    if len(parts) > 3 and parts[2] == "edges":
        return f"{edges[int(parts[3])]}/block{parts[1]}"
    return f"{skeleton}/{name}"
