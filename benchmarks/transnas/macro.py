"""TransNAS-Bench-101 macro: 3,256 skeletons of one residual block. Duan et al., CVPR 2021, arXiv:2105.11871."""

from collections.abc import Sequence
from functools import cached_property
from itertools import combinations
from typing import ClassVar

from torch import nn

from benchmarks.own_images import COLOURS, unfit_images
from benchmarks.transnas.cells import RESIDUAL_DEPTH, ResidualBlock, residual_elementwise, residual_layers
from benchmarks.transnas.decoders import decoder_depth, decoder_elementwise, decoder_layers
from benchmarks.transnas.network import TaskNetwork
from benchmarks.transnas.notations import macro_notations
from benchmarks.transnas.skeleton import (
    BASE_CHANNELS,
    BLOCKS_PER_MODULE,
    STEM_DEPTH,
    TASKS,
    Skeleton,
    for_each_tile,
    n_tiles,
    stem_elementwise,
    stem_layers,
)
from harness.inputs import DataSet
from harness.space import BENCHMARKS, Architecture, Execute, Layer, Notation, SearchSpace
from harness.space.graph import ArchitectureGraph
from harness.space.positions import Position

_LENGTHS = (4, 5, 6)
_N_WIDENINGS = (1, 2, 3)
_N_REDUCTIONS = (1, 2, 3, 4)
_MODULES = "1234"
_ABSENT = "absent"
_WHOLE = 64  # pixels of an image that stem and modules can halve as often as they may


class TransnasMacro(SearchSpace):
    """Skeletons of four to six modules, of which one to three double the channels and one to four halve the size."""

    name: ClassVar[str] = "transnas_macro"
    version: ClassVar[int] = 1
    data_sets: ClassVar[tuple[str, ...]] = TASKS

    @cached_property
    def architectures(self) -> Sequence[Architecture]:
        return tuple(
            skeleton_string(_modules(length, wider, smaller))
            for length in _LENGTHS
            for n_wider in _N_WIDENINGS
            for n_smaller in _N_REDUCTIONS
            for wider in combinations(range(length), n_wider)
            for smaller in combinations(range(length), n_smaller)
        )

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.architectures)

    def __contains__(self, arch: str) -> bool:
        return arch in self._known

    def canonical(self, arch: Architecture) -> Architecture:
        """`arch` itself: two skeletons with the same convolutions differ in their feature map sizes."""
        return self.check(arch)

    @cached_property
    def positions(self) -> Sequence[Position]:
        """The number of `modules`, and `module1` to `module6`: 1 plain, 2 wider, 3 smaller, 4 both; or absent."""
        n_always, n_most = min(_LENGTHS), max(_LENGTHS)
        always, rest = tuple(_MODULES), (*_MODULES, _ABSENT)
        return (
            Position("modules", tuple(map(str, _LENGTHS))),
            *(Position(f"module{at}", always if at <= n_always else rest) for at in range(1, n_most + 1)),
        )

    def values_at(self, arch: Architecture) -> Sequence[tuple[str, ...]]:
        modules = skeleton_of(arch).modules
        absent = [_ABSENT] * (max(_LENGTHS) - len(modules))
        return [(value,) for value in (str(len(modules)), *modules, *absent)]

    def unfit(self, data_set: DataSet) -> str:
        return unfit_images(data_set, multiple_of=64, n_channels=COLOURS)

    def layers(self, arch: Architecture, data_set: DataSet) -> Sequence[Layer]:
        skeleton, size = skeleton_of(arch), data_set.shape[1]
        backbone = stem_layers(size, live=True)
        for block in skeleton.blocks(size):
            backbone += residual_layers(block)
        return [*for_each_tile(backbone, data_set), *decoder_layers(skeleton, data_set, live=True)]

    def depth(self, arch: Architecture, data_set: DataSet) -> int:
        skeleton = skeleton_of(arch)
        blocks = RESIDUAL_DEPTH * len(skeleton.blocks(data_set.shape[1]))
        return STEM_DEPTH + blocks + decoder_depth(skeleton, data_set)

    def elementwise_flops(self, arch: Architecture, data_set: DataSet) -> int:
        skeleton, size = skeleton_of(arch), data_set.shape[1]
        backbone = stem_elementwise(size) + sum(map(residual_elementwise, skeleton.blocks(size)))
        return backbone * n_tiles(data_set) + decoder_elementwise(skeleton, data_set)

    def assemble(self, arch: Architecture, data_set: DataSet, execute: Execute) -> nn.Module:
        skeleton = skeleton_of(arch)
        cells = [ResidualBlock(block) for block in skeleton.blocks(data_set.shape[1])]
        return TaskNetwork(skeleton, data_set, cells, lambda name: f"{arch}/{name}")

    def further_notations(self) -> Sequence[Notation]:
        return macro_notations(self)

    def graph(self, arch: Architecture) -> ArchitectureGraph:
        modules = []
        for block in skeleton_of(self.check(arch)).blocks(_WHOLE)[::BLOCKS_PER_MODULE]:
            widths = dict.fromkeys((block.n_in, block.n_out))
            modules.append(f"{' → '.join(map(str, widths))} channels\nsize 1/{_WHOLE // block.size}")
        stem = f"stem\n{BASE_CHANNELS} channels\nsize 1/4"
        caption = "The modules: two residual blocks each, of which the first changes channels and size."
        return ArchitectureGraph.chain([stem, *modules, "decoder"], caption)

    def neighbours(self, arch: Architecture) -> Sequence[Architecture]:
        """The skeletons with one module replaced, removed or inserted."""
        modules = skeleton_of(self.check(arch)).modules
        found = [modules[:at] + modules[at + 1 :] for at in range(len(modules))]
        for module in _MODULES:
            found += [modules[:at] + module + modules[at + 1 :] for at in range(len(modules))]
            found += [modules[:at] + module + modules[at:] for at in range(len(modules) + 1)]
        names = dict.fromkeys(skeleton_string(changed) for changed in found if changed != modules)
        return tuple(name for name in names if name in self)


def skeleton_of(arch: Architecture) -> Skeleton:
    """The modules that an official string names."""
    return Skeleton(arch.split("-")[1])


def skeleton_string(modules: str) -> Architecture:
    """The official string, `64-1234-basic`."""
    return Architecture(f"{BASE_CHANNELS}-{modules}-basic")


def _modules(length: int, wider: tuple[int, ...], smaller: tuple[int, ...]) -> str:
    return "".join(_MODULES[(at in wider) + 2 * (at in smaller)] for at in range(length))


BENCHMARKS.register("transnas_macro")(TransnasMacro())
