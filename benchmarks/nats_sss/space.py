"""NATS-Bench size search space: 32,768 channel configurations. Dong et al., TPAMI 2021, arXiv:2009.00437."""

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise, product
from typing import ClassVar

from torch import nn

from benchmarks.literals import whole_numbers
from benchmarks.nats_blocks import (
    block_elementwise,
    classifier_layer,
    conv_layer,
    ends_elementwise,
    reduction_elementwise,
    reduction_layers,
)
from benchmarks.nats_sss.network import SizedNetwork
from benchmarks.own_images import unfit_images
from harness.errors import UnknownNameError
from harness.inputs import DataSet
from harness.space import BENCHMARKS, Architecture, Coordinates, Execute, Layer, Notation, SearchSpace
from harness.space.graph import ArchitectureGraph
from harness.space.positions import Position, numbered

WIDTHS = tuple(range(8, 65, 8))
N_WIDTHS = 5

Widths = tuple[int, ...]


class NatsSss(SearchSpace):
    """Widths of the five blocks of one network, each of 8, 16, ..., 64 channels."""

    name: ClassVar[str] = "nats_sss"
    version: ClassVar[int] = 1
    data_sets: ClassVar[tuple[str, ...]] = ("cifar10", "cifar100", "ImageNet16-120")

    @cached_property
    def architectures(self) -> Sequence[Architecture]:
        return tuple(self._widths)

    def canonical(self, arch: Architecture) -> Architecture:
        """`arch` itself: every operation is live, and its weights' shapes differ between any two architectures."""
        return arch

    def widths(self, arch: Architecture) -> Widths:
        """The number of channels of each of the five blocks."""
        return self._widths[arch]

    @cached_property
    def _widths(self) -> dict[Architecture, Widths]:
        return {size_string(widths): widths for widths in product(WIDTHS, repeat=N_WIDTHS)}

    @cached_property
    def coordinates(self) -> Coordinates:
        """The five widths."""
        return Coordinates(
            names=tuple(f"width {block}" for block in range(1, N_WIDTHS + 1)),
            levels=(tuple(map(float, WIDTHS)),) * N_WIDTHS,
            read=lambda arch: tuple(map(float, self.widths(arch))),
            write=lambda widths: size_string(tuple(map(int, widths))),
        )

    def __contains__(self, arch: str) -> bool:
        return arch in self._widths

    @cached_property
    def positions(self) -> Sequence[Position]:
        """The widths of the five blocks, `width1` to `width5`."""
        return numbered([f"width{block}" for block in range(1, N_WIDTHS + 1)], [WIDTHS] * N_WIDTHS)

    def values_at(self, arch: Architecture) -> Sequence[tuple[str, ...]]:
        return [(str(width),) for width in self.widths(arch)]

    def unfit(self, data_set: DataSet) -> str:
        return unfit_images(data_set, multiple_of=4)

    def layers(self, arch: Architecture, data_set: DataSet) -> Sequence[Layer]:
        widths = self.widths(arch)
        area = data_set.shape[1] * data_set.shape[2]
        found = [conv_layer(data_set.shape[0], widths[0], 3, area), *_cell_layers(widths[0], widths[0], area)]
        for position, (n_in, n_out) in enumerate(pairwise(widths)):
            if position % 2:
                found += _cell_layers(n_in, n_out, area)
            else:
                area //= 4
                found += reduction_layers(n_in, n_out, area)
        return [*found, classifier_layer(widths[-1], data_set.n_classes)]

    def depth(self, arch: Architecture, data_set: DataSet) -> int:
        """Equal for all: stem, three convolutions in each of three cells, two in each of two reductions, classifier."""
        return 1 + 3 * 3 + 2 * 2 + 1

    def elementwise_flops(self, arch: Architecture, data_set: DataSet) -> int:
        widths = self.widths(arch)
        area = stem_area = data_set.shape[1] * data_set.shape[2]
        total = _cell_elementwise(widths[0], widths[0], area)
        for position, (n_in, n_out) in enumerate(pairwise(widths)):
            if position % 2:
                total += _cell_elementwise(n_in, n_out, area)
            else:
                area //= 4
                total += reduction_elementwise(n_in, n_out, area)
        return total + ends_elementwise(widths[0], stem_area, widths[-1], area)

    def assemble(self, arch: Architecture, data_set: DataSet, execute: Execute) -> nn.Module:
        """One network for both values of `execute`, because nothing in it is dead."""
        return SizedNetwork(self.widths(arch), data_set, origin=arch)

    def graph(self, arch: Architecture) -> ArchitectureGraph:
        blocks = [
            f"{'reduction' if position % 2 else 'cell'}\n{width} channels"
            for position, width in enumerate(self.widths(self.check(arch)))
        ]
        caption = "Widths of the five blocks. The stem is as wide as the first; a reduction halves the image."
        return ArchitectureGraph.chain(["stem", *blocks, "classifier"], caption)

    def further_notations(self) -> Sequence[Notation]:
        words = "the widths as a tuple or list: (8, 16, 24, 32, 64)"
        return (Notation("widths", words, self._of_widths, lambda arch: str(self.widths(arch))),)

    def _of_widths(self, text: str) -> Architecture | None:
        widths = whole_numbers(text)
        if widths is None:
            return None
        if len(widths) != N_WIDTHS or not set(widths) <= set(WIDTHS):
            raise UnknownNameError(f"it must have {N_WIDTHS} widths, each of {', '.join(map(str, WIDTHS))}")
        return size_string(widths)

    def neighbours(self, arch: Architecture) -> Sequence[Architecture]:
        """One of the widths changed to any other: 35 architectures."""
        widths = self.widths(self.check(arch))
        return tuple(
            size_string((*widths[:index], width, *widths[index + 1 :]))
            for index in range(N_WIDTHS)
            for width in WIDTHS
            if width != widths[index]
        )


def size_string(widths: Widths) -> Architecture:
    """The official string, `8:16:24:32:64`."""
    return Architecture(":".join(map(str, widths)))


def _cell_layers(n_in: int, n_out: int, area: int) -> list[Layer]:
    """Two convolutions from the cell's input, three between its nodes, and one on the skip if the width changes."""
    found = [conv_layer(n_in, n_out, 3, area, repeats=2), conv_layer(n_out, n_out, 3, area, repeats=3)]
    return found if n_in == n_out else [*found, conv_layer(n_in, n_out, 1, area)]


def _cell_elementwise(n_in: int, n_out: int, area: int) -> int:
    """Those of the five blocks, and the normalisation of the skip if the width changes; it executes no ReLU there."""
    blocks = 2 * block_elementwise(n_in, n_out, area) + 3 * block_elementwise(n_out, n_out, area)
    return blocks if n_in == n_out else blocks + 2 * n_out * area


BENCHMARKS.register("nats_sss")(NatsSss())
