"""NAS-Bench-Macro: 6,561 networks of eight searched blocks. Su et al., CVPR 2021, arXiv:2103.11922.

The network is that of the authors' code (https://github.com/xiusu/NAS-Bench-Macro, commit 61a2bfc).
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import nn

from benchmarks.mobile_blocks import MobileBlock, classifier_layer, normalised_layer, reduced
from benchmarks.nasbench_macro.network import MacroNetwork
from benchmarks.nasbench_macro.structure import (
    CHOICES,
    HEAD_WIDTH,
    IDENTITY,
    N_BLOCKS,
    STAGE_BLOCKS,
    STEM_WIDTH,
    Downsampling,
    canonical_digits,
    plans,
    stages_of,
)
from harness.inputs import DataSet
from harness.space import BENCHMARKS, Architecture, Execute, Layer, SearchSpace
from harness.space.graph import ArchitectureGraph
from harness.space.positions import Position

_COLOURS = 3


class NasbenchMacro(SearchSpace):
    """Eight blocks in three stages, each an identity (0) or one of two inverted bottlenecks (1, 2).

    The bottlenecks have expansion 3 and kernel 3, or expansion 6 and kernel 5. The first block of a stage halves the
    size and doubles the channels. Identities within a stage can be moved without changing the network: 3,969 networks
    were trained, three times each. Su et al., CVPR 2021, arXiv:2103.11922.
    """

    name: ClassVar[str] = "nasbench_macro"
    version: ClassVar[int] = 1
    data_sets: ClassVar[tuple[str, ...]] = ("cifar10",)
    default_truth: ClassVar[Mapping[str, str | Sequence[str]]] = {"cifar10": "test50"}
    populations: ClassVar[Mapping[str, str]] = {
        **SearchSpace.populations,
        "bottleneck_heads": "every stage begins with an inverted bottleneck, not with a strided 1x1 convolution",
    }

    @cached_property
    def architectures(self) -> Sequence[Architecture]:
        """In lexicographic order: the authors' file has none, it follows a directory listing."""
        return tuple(Architecture("".join(digits)) for digits in product(CHOICES, repeat=N_BLOCKS))

    def __contains__(self, arch: str) -> bool:
        return len(arch) == N_BLOCKS and set(arch) <= set(CHOICES)

    def canonical(self, arch: Architecture) -> Architecture:
        """The first one with the same network: identities directly follow the first block of each stage."""
        return Architecture(canonical_digits(arch))

    def members(self, population: str) -> NDArray[np.bool_]:
        if population == "bottleneck_heads":
            return np.array([all(stage[0] != IDENTITY for stage in stages_of(arch)) for arch in self.architectures])
        return super().members(population)

    @cached_property
    def positions(self) -> Sequence[Position]:
        """The blocks, `block1` to `block8`: 0 identity, 1 expansion 3 and kernel 3, 2 expansion 6 and kernel 5."""
        return tuple(Position(f"block{block}", tuple(CHOICES)) for block in range(1, N_BLOCKS + 1))

    def values_at(self, arch: Architecture) -> Sequence[tuple[str, ...]]:
        return [(choice,) for choice in arch]

    def layers(self, arch: Architecture, data_set: DataSet) -> Sequence[Layer]:
        return tuple(_layers(arch, data_set))

    def depth(self, arch: Architecture, data_set: DataSet) -> int:
        """Stem, blocks, last convolution and classifier."""
        return 3 + sum(plan.depth for plan in plans(arch) if plan)

    def elementwise_flops(self, arch: Architecture, data_set: DataSet) -> int:
        size = data_set.shape[1]
        total = 3 * STEM_WIDTH * size**2
        for plan in plans(arch):
            if plan:
                total += plan.elementwise(size)
                size = reduced(size, plan.stride)
        return total + 4 * HEAD_WIDTH * size**2  # normalisation, activation and pooling

    def costs(self, arch: Architecture, data_set: DataSet) -> dict[str, float]:
        """In addition to params and flops: `blocks` that are no identities, and `published_flops` as in the table.

        These leave out the bias of the classifier.
        """
        own = super().costs(arch, data_set)
        blocks = sum(choice != IDENTITY for choice in arch)
        return own | {"blocks": blocks, "published_flops": own["flops"] - data_set.n_classes}

    def assemble(self, arch: Architecture, data_set: DataSet, execute: Execute) -> nn.Module:
        """One network for both values of `execute`, because nothing in it is dead."""
        return MacroNetwork(arch, data_set)

    def graph(self, arch: Architecture) -> ArchitectureGraph:
        labels, at, size = [f"stem\nconv 3x3\n{STEM_WIDTH} channels"], 0, 1
        for n_blocks in STAGE_BLOCKS:
            for plan in plans(self.check(arch))[at : at + n_blocks]:
                size *= plan.stride if plan else 1
                labels.append(_label(plan, size))
            at += n_blocks
        caption = "The eight blocks; N to M channels, x3 and x6 are expansions of the block's input."
        return ArchitectureGraph.chain([*labels, f"conv 1x1\n{HEAD_WIDTH} channels\nmean, classifier"], caption)

    def neighbours(self, arch: Architecture) -> Sequence[Architecture]:
        """One of the blocks changed to either of the two others: 16 architectures."""
        self.check(arch)
        return tuple(
            Architecture(arch[:at] + choice + arch[at + 1 :])
            for at in range(N_BLOCKS)
            for choice in CHOICES
            if choice != arch[at]
        )


def _layers(arch: Architecture, data_set: DataSet) -> Iterator[Layer]:
    size = data_set.shape[1]
    yield normalised_layer(_COLOURS * 9, STEM_WIDTH, size)
    width = STEM_WIDTH
    for plan in plans(arch):
        if plan:
            yield from plan.layers(size)
            size, width = reduced(size, plan.stride), plan.n_out
    yield normalised_layer(width, HEAD_WIDTH, size)
    yield classifier_layer(HEAD_WIDTH, data_set.n_classes)


def _label(plan: MobileBlock | Downsampling | None, size: int) -> str:
    if plan is None:
        return "skip"
    if isinstance(plan, Downsampling):
        return f"conv 1x1\n{plan.n_in} to {plan.n_out}\nsize 1/{size}"
    return (
        f"kernel {plan.kernel}, x{plan.n_hidden // plan.n_in}\n"
        f"{'' if plan.n_in == plan.n_out else f'{plan.n_in} to '}{plan.n_out} channels\nsize 1/{size}"
    )


BENCHMARKS.register("nasbench_macro")(NasbenchMacro())
