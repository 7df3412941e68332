"""ZiCo's ImageNet search space: MobileNetV2-like inverted bottlenecks. Li et al., ICLR 2023, arXiv:2301.11300.

There is no ground truth: only a few networks found by searches have been trained. The authors score a network without
residual links and squeeze-and-excitation and train it with both; see `protocol.residuals` and `.squeeze_excitation`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import ClassVar

from torch import nn

from benchmarks.imagenet_mbv2 import mutation
from benchmarks.imagenet_mbv2.counts import layers, search_counts
from benchmarks.imagenet_mbv2.network import ImagenetNetwork
from benchmarks.imagenet_mbv2.structure import EXPANSIONS, HEAD_WIDTH, KERNELS, WIDTHS, Stage, Structure, read, write
from benchmarks.own_images import COLOURS, unfit_images
from harness.errors import UnknownNameError
from harness.inputs import DataSet
from harness.space import BENCHMARKS, Architecture, Execute, Layer, OpenSpace
from harness.space.graph import ArchitectureGraph
from harness.space.positions import Position

_START = Structure(
    8,
    (
        Stage(6, 3, width=32, stride=2, bottleneck=8, n_layers=1),
        Stage(6, 3, width=48, stride=2, bottleneck=32, n_layers=1),
        Stage(6, 3, width=96, stride=2, bottleneck=48, n_layers=1),
        Stage(6, 3, width=128, stride=2, bottleneck=96, n_layers=1),
    ),
)

_WIDTHS = tuple(map(str, WIDTHS))
_POSITIONS = (
    Position("stem_width", _WIDTHS),
    Position("expansion", tuple(map(str, EXPANSIONS)), is_shared=True),
    Position("kernel", tuple(map(str, KERNELS)), is_shared=True),
    Position("width", _WIDTHS, is_shared=True),
    Position("bottleneck", _WIDTHS, is_shared=True),
)


@dataclass(frozen=True)
class ImagenetMbv2(OpenSpace):
    """Stages of inverted bottlenecks: kernel, expansion, widths and depth of each; no ground truth, for searches."""

    name: ClassVar[str] = "imagenet_mbv2"
    version: ClassVar[int] = 1
    data_sets: ClassVar[tuple[str, ...]] = ("imagenet",)

    residuals: bool = True
    squeeze_excitation: bool = True

    @property
    def start(self) -> Architecture:
        """The initial structure of the authors' searches."""
        return Architecture(write(_START))

    def __contains__(self, arch: str) -> bool:
        try:
            read(arch)
        except UnknownNameError:
            return False
        return True

    def check(self, arch: str) -> Architecture:
        """`arch`, checked to be in this space.

        Raises:
            UnknownNameError: if it is not, naming the invalid block.
        """
        read(arch)
        return Architecture(arch)

    def canonical(self, arch: Architecture) -> Architecture:
        """`arch` itself: with residual links, no two structures are isomorphic."""
        return self.check(arch)

    @property
    def positions(self) -> Sequence[Position]:
        """`stem_width`, and what all stages share: `expansion`, `kernel`, `width` and `bottleneck`.

        A network has four stages or more, so that a single one has no name. Layers are limited by the cost `layers`.
        """
        return _POSITIONS

    def values_at(self, arch: Architecture) -> Sequence[tuple[str, ...]]:
        structure = read(arch)
        of_stages = [(stage.expansion, stage.kernel, stage.width, stage.bottleneck) for stage in structure.stages]
        shared = [tuple(map(str, dict.fromkeys(values))) for values in zip(*of_stages, strict=True)]
        return [(str(structure.stem_width),), *shared]

    def adapted(self, arch: Architecture, allowed: Mapping[str, frozenset[str]], rng: Random) -> Architecture:
        def drawn(name: str, value: int) -> int:
            wanted = allowed.get(name)
            if wanted is None or str(value) in wanted:
                return value
            return rng.choice(sorted(map(int, wanted)))

        structure = read(arch)
        stages = tuple(
            replace(
                stage,
                expansion=drawn("expansion", stage.expansion),
                kernel=drawn("kernel", stage.kernel),
                width=drawn("width", stage.width),
                bottleneck=drawn("bottleneck", stage.bottleneck),
            )
            for stage in structure.stages
        )
        stem_width = drawn("stem_width", structure.stem_width)
        return Architecture(write(replace(structure, stem_width=stem_width, stages=stages)))

    def unfit(self, data_set: DataSet) -> str:
        return unfit_images(data_set, multiple_of=32, n_channels=COLOURS)

    def layers(self, arch: Architecture, data_set: DataSet) -> Sequence[Layer]:
        """The layers of the trained network, regardless of what is scored."""
        return tuple(layers(read(arch), data_set.shape[1], data_set.n_classes))

    def costs(self, arch: Architecture, data_set: DataSet) -> dict[str, float]:
        """In addition to params and flops: `layers` as limited by the authors, and both counts as in their search."""
        structure = read(arch)
        params, flops = search_counts(structure, data_set.shape[1], data_set.n_classes)
        further = {"layers": structure.n_layers, "search_params": params, "search_flops": flops}
        return super().costs(arch, data_set) | further

    def assemble(self, arch: Architecture, data_set: DataSet, execute: Execute) -> nn.Module:
        """One network for both values of `execute`, because nothing in it is dead."""
        return ImagenetNetwork(
            read(arch),
            data_set,
            origin=arch,
            residuals=self.residuals,
            squeeze_excitation=self.squeeze_excitation,
        )

    def as_scored(self, *, residuals: bool, squeeze_excitation: bool) -> "ImagenetMbv2":
        return replace(self, residuals=residuals, squeeze_excitation=squeeze_excitation)

    def graph(self, arch: Architecture) -> ArchitectureGraph:
        structure = read(arch)
        labels, reduced = [f"stem\nconv 3x3\n{structure.stem_width} channels\nsize 1/2"], 2
        for stage in structure.stages:
            reduced *= stage.stride
            depth = f"{stage.n_layers} layer{'s' if stage.n_layers > 1 else ''}"
            kind = f"kernel {stage.kernel}, x{stage.expansion}"
            labels.append(f"{depth}\n{kind}\n{stage.bottleneck}, {stage.width} channels\nsize 1/{reduced}")
        head = f"conv 1x1\n{HEAD_WIDTH} channels\nmean, classifier"
        caption = (
            "Stages of inverted bottlenecks. A layer is two of them, the first to the left, the second to the right "
            "number of channels; xN is the expansion."
        )
        return ArchitectureGraph.chain([*labels, head], caption)

    def mutate(self, arch: Architecture, rng: Random) -> Architecture:
        """As in the authors' search: up to two blocks redrawn, not uniformly; stages of six or more layers split."""
        return Architecture(write(mutation.mutate(read(arch), rng)))

    def neighbours(self, arch: Architecture) -> Sequence[Architecture]:
        """Those with one block replaced by one of the replacements in the authors' search: about ten thousand."""
        found = dict.fromkeys(map(write, mutation.neighbours(read(arch))))
        return tuple(Architecture(neighbour) for neighbour in found if neighbour != arch)

    def random(self, rng: Random) -> Architecture:
        """Four to six stages of uniformly drawn kind and depth, with log-uniform widths."""
        return Architecture(write(mutation.draw(rng)))


BENCHMARKS.register("imagenet_mbv2")(ImagenetMbv2())
