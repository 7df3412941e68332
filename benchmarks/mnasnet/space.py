"""MnasNet's search space with the 5,125 networks of Accel-NASBench. Ahmad et al., DAC 2024, arXiv:2404.08005."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from torch import nn

from benchmarks.mnasnet.network import MnasNetwork
from benchmarks.mnasnet.structure import (
    EXPANSION,
    HEAD_WIDTH,
    KERNEL,
    LAYERS,
    NAMES,
    OPTIONS,
    SQUEEZES,
    STEM_WIDTH,
    WIDTHS,
    blocks,
    read,
    stages_of,
    write,
)
from benchmarks.mobile_blocks import classifier_layer, normalised_layer, reduced
from benchmarks.trained_codes import read_choices
from harness.inputs import DataSet
from harness.space import BENCHMARKS, Architecture, Choices, Execute, Layer, SampledSpace
from harness.space.graph import ArchitectureGraph

_TRAINED = Path(__file__).parent / "trained.txt"


class Mnasnet(SampledSpace):
    """Seven stages of inverted bottlenecks: expansion, kernel, number of layers and squeeze-and-excitation of each.

    Of 10^11 such networks Accel-NASBench trained 5,138 at random, 13 of them twice: 16 epochs on ImageNet at 160 to 192
    pixels, tested at 256, some 10 points below a full training. They are listed here; a search can propose any other.
    Ahmad et al., DAC 2024, arXiv:2404.08005.
    """

    name: ClassVar[str] = "mnasnet"
    version: ClassVar[int] = 1
    data_sets: ClassVar[tuple[str, ...]] = ("imagenet",)
    default_truth: ClassVar[Mapping[str, str | Sequence[str]]] = {"imagenet": "val_top1"}
    options: ClassVar[Sequence[Sequence[int]]] = OPTIONS
    choice_names: ClassVar[Sequence[str]] = NAMES

    @cached_property
    def architectures(self) -> Sequence[Architecture]:
        """The trained ones, in the order of the published files; of two equal ones the first."""
        return tuple(map(self.of_choices, read_choices(_TRAINED, OPTIONS)))

    def choices(self, arch: str) -> Choices:
        return read(arch)

    def of_choices(self, choices: Choices) -> Architecture:
        return Architecture(write(choices))

    def layers(self, arch: Architecture, data_set: DataSet) -> Sequence[Layer]:
        return tuple(_layers(read(arch), data_set))

    def depth(self, arch: Architecture, data_set: DataSet) -> int:
        """Stem, blocks with the two convolutions of squeeze-and-excitation, last convolution and classifier."""
        return 3 + sum(block.depth for block in blocks(read(arch)))

    def elementwise_flops(self, arch: Architecture, data_set: DataSet) -> int:
        size = reduced(data_set.shape[1], 2)
        total = 3 * STEM_WIDTH * size**2
        for block in blocks(read(arch)):
            total += block.elementwise(size)
            size = reduced(size, block.stride)
        return total + 4 * HEAD_WIDTH * size**2  # normalisation, activation and pooling

    def costs(self, arch: Architecture, data_set: DataSet) -> dict[str, float]:
        """In addition to params and flops: `layers`, the number of blocks, and `published_macs` as in the table.

        The table's are those of the package thop: 4 for each output of a normalisation, and the inputs and the output
        of each average pooling, beside convolutions and classifier.
        """
        own = super().costs(arch, data_set)
        further = _elementwise_macs(read(arch), data_set.shape[1]) - data_set.n_classes
        return own | {"layers": len(blocks(read(arch))), "published_macs": own["flops"] + further}

    def assemble(self, arch: Architecture, data_set: DataSet, execute: Execute) -> nn.Module:
        """One network for both values of `execute`, because nothing in it is dead."""
        return MnasNetwork(read(arch), data_set, origin=arch)

    def graph(self, arch: Architecture) -> ArchitectureGraph:
        labels, size = [f"stem\nconv 3x3\n{STEM_WIDTH} channels\nsize 1/2"], 2
        planned = iter(blocks(read(self.check(arch))))
        for stage, width in zip(stages_of(read(arch)), WIDTHS, strict=True):
            for block in (next(planned) for _ in range(stage[LAYERS])):
                size *= block.stride
            depth = f"{stage[LAYERS]} layer{'s' if stage[LAYERS] > 1 else ''}{', SE' if stage[SQUEEZES] else ''}"
            labels.append(f"{depth}\nkernel {stage[KERNEL]}, x{stage[EXPANSION]}\n{width} channels\nsize 1/{size}")
        caption = "Stages of inverted bottlenecks; xN is the expansion, SE squeeze-and-excitation."
        return ArchitectureGraph.chain([*labels, f"conv 1x1\n{HEAD_WIDTH} channels\nmean, classifier"], caption)


def _layers(choices: Choices, data_set: DataSet) -> Iterator[Layer]:
    channels, size = data_set.shape[0], reduced(data_set.shape[1], 2)
    yield normalised_layer(channels * 9, STEM_WIDTH, size)
    planned = blocks(choices)
    for block in planned:
        yield from block.layers(size)
        size = reduced(size, block.stride)
    yield normalised_layer(planned[-1].n_out, HEAD_WIDTH, size)
    yield classifier_layer(HEAD_WIDTH, data_set.n_classes)


def _elementwise_macs(choices: Choices, size: int) -> int:
    """What the package thop counts beside convolutions and classifier."""
    size = reduced(size, 2)
    total = 4 * STEM_WIDTH * size**2
    for block in blocks(choices):
        after = reduced(size, block.stride)
        total += 4 * block.n_normalised(size)
        total += block.n_hidden * (after**2 + 1) if block.n_squeezed else 0
        size = after
    return total + HEAD_WIDTH * (4 * size**2 + size**2 + 1)


BENCHMARKS.register("mnasnet")(Mnasnet())
