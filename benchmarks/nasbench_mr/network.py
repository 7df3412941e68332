"""The networks of NAS-Bench-MR: HRNet-like, one to four resolutions side by side. arXiv:2103.13253, Section 3.

The three-dimensional network of the video tasks is not published: on them the image network sees one frame.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.nasbench_mr.structure import Stage, Structure
from harness.inputs import DataSet

Branches = list[Tensor]
"""Features [batch, width, height, width], each half the size of the one before."""


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions of equal width, and the input."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _conv(width, width, 3)
        self.second = nn.Sequential(*list(_conv(width, width, 3))[:2])
        self.act = nn.ReLU()

    def forward(self, features: Tensor) -> Tensor:
        return cast(Tensor, self.act(features + self.second(self.first(features))))


class Fusion(nn.Module):
    """From k branches to as many or one more: each is the sum of its neighbours at its own resolution.

    The additional branch is a strided convolution of the last sum.
    """

    def __init__(self, before: Sequence[int], after: Sequence[int]) -> None:
        super().__init__()
        self.paths = nn.ModuleDict()
        self.acts = nn.ModuleList()
        for target in range(len(before)):
            for source in neighbours(target, len(before)):
                kernel, stride = (1, 1) if source > target else (3, 1 + (source < target))
                self.paths[f"{source}_{target}"] = _conv(before[source], after[target], kernel, stride)
            self.acts.append(nn.ReLU())
        self.added = _conv(after[-2], after[-1], 3, 2) if len(after) > len(before) else None

    def forward(self, branches: Branches) -> Branches:
        fused = []
        for target, act in enumerate(self.acts):
            size = branches[target].shape[2:]
            parts = [
                _enlarged(self.paths[f"{source}_{target}"](branches[source]), size)
                for source in neighbours(target, len(branches))
            ]
            fused.append(act(_summed(parts)))
        return fused if self.added is None else [*fused, self.added(fused[-1])]


class Module(nn.Module):
    """A fusion, then the residual blocks of each branch."""

    def __init__(self, before: Sequence[int], stage: Stage) -> None:
        super().__init__()
        self.fusion = Fusion(before, stage.widths)
        self.branches = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(width) for _ in range(n)))
            for width, n in zip(stage.widths, stage.units, strict=True)
        )

    def forward(self, branches: Branches) -> Branches:
        fused = self.fusion(branches)
        return [branch(features) for branch, features in zip(self.branches, fused, strict=True)]


class MultiResolutionNetwork(nn.Module):
    """Stem, modules of one to four branches, and the head of the task.

    Input [batch, *data_set.shape], output [batch, n_classes], or [batch, n_classes, height, width] if `dense`. `origin`
    is the text from which, with a module's name, parameters are drawn; see `SearchSpace.assemble`.
    """

    def __init__(self, plan: Structure, data_set: DataSet, *, origin: str, dense: bool) -> None:
        super().__init__()
        first, second = plan.stem
        self.stem = nn.Sequential(*_conv(data_set.shape[0], first, 3, 2), *_conv(first, second, 3, 2))
        stages = [stage for stage in plan.stages for _ in range(stage.repeat)]
        widths = [(second,), *(stage.widths for stage in stages)]
        self.stages = nn.ModuleList(
            Module(before, stage) for (before, _), stage in zip(pairwise(widths), stages, strict=True)
        )
        self.head = _conv(sum(widths[-1]), plan.last, 1)
        self.pool = nn.Identity() if dense else nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Conv2d(plan.last, data_set.n_classes, 1)
        self._dense = dense
        self.init_keys = {name: f"{origin}/{name}" for name, _ in self.named_modules()}

    def forward(self, images: Tensor) -> Tensor:
        branches = [self.stem(images)]
        for module in self.stages:
            branches = module(branches)
        size = branches[0 if self._dense else -1].shape[2:]
        resized = [_resized(features, size) for features in branches]
        outputs = self.classifier(self.pool(self.head(torch.cat(resized, dim=1))))
        return _resized(outputs, images.shape[2:]) if self._dense else cast(Tensor, outputs.flatten(1))


def neighbours(target: int, n_branches: int) -> range:
    """The branches that a branch is fused from: itself, the next finer and the next coarser one."""
    return range(max(target - 1, 0), min(target + 2, n_branches))


def _conv(n_in: int, n_out: int, kernel: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(n_in, n_out, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(n_out), nn.ReLU())


def _summed(parts: Sequence[Tensor]) -> Tensor:
    total = parts[0]
    for part in parts[1:]:
        total = total + part
    return total


def _enlarged(features: Tensor, size: torch.Size) -> Tensor:
    """Twice the size by repetition where it is smaller, then exactly `size`."""
    if features.shape[2:] == size:
        return features
    return _resized(F.interpolate(features, scale_factor=2, mode="nearest"), size)


def _resized(features: Tensor, size: torch.Size) -> Tensor:
    if features.shape[2:] == size:
        return features
    return F.interpolate(features, size=size, mode="bilinear", align_corners=False)
