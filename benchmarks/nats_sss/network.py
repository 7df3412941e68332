"""The network of a NATS-Bench size architecture: one fixed cell, five widths. arXiv:2009.00437."""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

from torch import Tensor, nn

from benchmarks.nats_blocks import ActConvNorm, Reduction, pooled, stem
from harness.inputs import DataSet

CELL = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
"""The official name of the fixed cell: number 9930 of the topology search space, its best one on CIFAR-100."""


class Widening(nn.Module):
    """The skip between unequal widths: a 1x1 convolution and its normalisation.

    The official code creates a ReLU there that it does not execute at this resolution; so does this module.
    """

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.act = nn.ReLU()
        self.conv = nn.Conv2d(n_in, n_out, 1, bias=False)
        self.norm = nn.BatchNorm2d(n_out)

    def forward(self, features: Tensor) -> Tensor:
        return cast(Tensor, self.norm(self.conv(features)))


class FixedCell(nn.Module):
    """The cell `CELL`; only edges from its input change the width."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.edge_0_1 = ActConvNorm(n_in, n_out, 3)
        self.edge_0_2 = ActConvNorm(n_in, n_out, 3)
        self.edge_1_2 = ActConvNorm(n_out, n_out, 3)
        self.edge_0_3 = nn.Identity() if n_in == n_out else Widening(n_in, n_out)
        self.edge_1_3 = ActConvNorm(n_out, n_out, 3)
        self.edge_2_3 = ActConvNorm(n_out, n_out, 3)

    def forward(self, features: Tensor) -> Tensor:
        first = self.edge_0_1(features)
        second = self.edge_0_2(features) + self.edge_1_2(first)
        return cast(Tensor, self.edge_0_3(features) + self.edge_1_3(first) + self.edge_2_3(second))


class SizedNetwork(nn.Module):
    """Stem, cell, reduction, cell, reduction, cell, pooled features, classifier.

    `widths` are the five that the architecture names, one for each cell or reduction; the stem has the first one's.
    `origin` is the text from which, with a module's name, its parameters are drawn; see `SearchSpace.assemble`.
    """

    def __init__(self, widths: Sequence[int], data_set: DataSet, *, origin: str) -> None:
        super().__init__()
        self.stem = stem(data_set.shape[0], widths[0])
        blocks: list[nn.Module] = [FixedCell(widths[0], widths[0])]
        for position, (n_in, n_out) in enumerate(pairwise(widths)):
            blocks.append(FixedCell(n_in, n_out) if position % 2 else Reduction(n_in, n_out))
        self.blocks = nn.Sequential(*blocks)
        self.last = pooled(widths[-1])
        self.classifier = nn.Linear(widths[-1], data_set.n_classes)
        self.init_keys = {name: f"{origin}/{name}" for name, _ in self.named_modules()}
        self.cells = ("stem", *(f"blocks.{place}" for place in range(len(blocks))))

    def forward(self, images: Tensor) -> Tensor:
        return cast(Tensor, self.classifier(self.last(self.blocks(self.stem(images)))))
