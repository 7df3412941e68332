"""Counts of a NAS-Bench-MR network without building it."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.nasbench_mr.network import neighbours
from benchmarks.nasbench_mr.structure import Structure
from harness.inputs import DataSet
from harness.space import Layer

PUBLISHED_CLASSES = 50
"""Outputs of the network whose parameters and FLOPs are published, whatever the setting."""
_COLOURS = 3


@dataclass(frozen=True)
class Convolution:
    """A convolution without bias, its normalisation and the ReLU after it, to outputs of `size` x `size`."""

    n_in: int
    n_out: int
    kernel: int
    size: int
    repeats: int = 1

    @property
    def layer(self) -> Layer:
        """Its counts."""
        weights = self.n_in * self.n_out * self.kernel**2
        return Layer(weights, weights + 2 * self.n_out, weights * self.size**2, live=True, repeats=self.repeats)

    @property
    def n_outputs(self) -> int:
        """Numbers after its normalisation."""
        return self.n_out * self.size**2 * self.repeats


def convolutions(plan: Structure, size: int, *, dense: bool) -> Iterator[Convolution]:
    """All convolutions but the classifier, for square images of `size` pixels."""
    first, second = plan.stem
    yield Convolution(_COLOURS, first, 3, size // 2)
    sizes = [size // 4 >> branch for branch in range(len(plan.stages))]
    yield Convolution(first, second, 3, sizes[0])
    before: tuple[int, ...] = (second,)
    for stage in plan.stages:
        for _ in range(stage.repeat):
            yield from _fusion(before, stage.widths, sizes)
            for width, n_units, at in zip(stage.widths, stage.units, sizes, strict=False):
                yield Convolution(width, width, 3, at, repeats=2 * n_units)
            before = stage.widths
    yield Convolution(sum(before), plan.last, 1, sizes[0 if dense else len(before) - 1])


def _fusion(before: tuple[int, ...], after: tuple[int, ...], sizes: list[int]) -> Iterator[Convolution]:
    for target in range(len(before)):
        for source in neighbours(target, len(before)):
            # What comes from a coarser branch is enlarged after its convolution.
            at = sizes[max(source, target)]
            yield Convolution(before[source], after[target], 1 if source > target else 3, at)
    if len(after) > len(before):
        yield Convolution(after[-2], after[-1], 3, sizes[len(after) - 1])


def layers(plan: Structure, data_set: DataSet, *, dense: bool) -> Iterator[Layer]:
    """The layers of the network with the head of a task; its classifier is a 1x1 convolution with bias."""
    found = list(convolutions(plan, data_set.shape[1], dense=dense))
    yield from (convolution.layer for convolution in found)
    weights = plan.last * data_set.n_classes
    n_positions = found[-1].size ** 2 if dense else 1
    yield Layer(weights, weights + data_set.n_classes, weights * n_positions, live=True)


def elementwise(plan: Structure, data_set: DataSet, *, dense: bool) -> int:
    """Elementwise FLOPs, see `SearchSpace.elementwise_flops`; resizing is not counted."""
    found = list(convolutions(plan, data_set.shape[1], dense=dense))
    # Normalisation and activation of each convolution: of a residual block the second activation follows the sum.
    total = 3 * sum(convolution.n_outputs for convolution in found)
    n_before = 1
    for stage in plan.stages:
        for _ in range(stage.repeat):
            # A fusion has one activation more for each sum.
            total += sum(
                width * (data_set.shape[1] // 4 >> at) ** 2 for at, width in enumerate(stage.widths[:n_before])
            )
            n_before = len(stage.widths)
    return total if dense else total + found[-1].n_outputs  # pooling


def depth(plan: Structure) -> int:
    """Convolutions on the longest path."""
    longest = [2]
    for stage in plan.stages:
        for _ in range(stage.repeat):
            fused = [1 + max(longest[at] for at in neighbours(to, len(longest))) for to in range(len(longest))]
            if len(stage.widths) > len(fused):
                fused.append(fused[-1] + 1)
            longest = [before + 2 * n for before, n in zip(fused, stage.units, strict=True)]
    return max(longest) + 2


def published(plan: Structure, size: int) -> tuple[int, int]:
    """Parameters and FLOPs as in the published files: of the network with 50 classes, for every setting.

    FLOPs are those of the package thop: 2 for each output of a normalisation beside the convolutions, and the bias.
    """
    found = list(convolutions(plan, size, dense=False))
    weights = plan.last * PUBLISHED_CLASSES
    params = sum(each.layer.n_params * each.repeats for each in found) + weights + PUBLISHED_CLASSES
    flops = sum(each.layer.flops * each.repeats + 2 * each.n_outputs for each in found) + weights + PUBLISHED_CLASSES
    return params, flops
