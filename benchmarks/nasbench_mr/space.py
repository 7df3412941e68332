"""NAS-Bench-MR: 2,507 trained multi-resolution networks. Ding et al., ICLR 2022, arXiv:2103.13253."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from torch import nn

from benchmarks.inputs.nasbench_mr import SETTINGS, is_dense
from benchmarks.nasbench_mr import counts
from benchmarks.nasbench_mr.network import MultiResolutionNetwork
from benchmarks.nasbench_mr.structure import NAMES, OPTIONS, Structure, read, structure, write
from benchmarks.trained_codes import read_choices
from harness.inputs import DataSet
from harness.space import BENCHMARKS, Architecture, Choices, Execute, Layer, SampledSpace
from harness.space.graph import ArchitectureGraph

_TRAINED = Path(__file__).parent / "trained.txt"


class NasbenchMr(SampledSpace):
    """HRNet-like networks: four stages with one to four resolutions; modules, units and widths of each are chosen.

    2,507 of them were trained under each of eight settings of classification, segmentation and video recognition. The
    heads of both kinds of image task are here; the three-dimensional network of the video tasks is not published, and
    on them the image network sees one frame. Ding et al., ICLR 2022, arXiv:2103.13253. Its authors ask to be contacted
    for commercial use.
    """

    name: ClassVar[str] = "nasbench_mr"
    version: ClassVar[int] = 1
    data_sets: ClassVar[tuple[str, ...]] = tuple(SETTINGS)
    default_truth: ClassVar[Mapping[str, str | Sequence[str]]] = {
        name: "val_mIoU" if is_dense(name) else "val_top1" for name in SETTINGS
    }
    options: ClassVar[Sequence[Sequence[int]]] = OPTIONS
    choice_names: ClassVar[Sequence[str]] = NAMES

    @cached_property
    def architectures(self) -> Sequence[Architecture]:
        """The trained ones, in the order of the published files."""
        return tuple(map(self.of_choices, read_choices(_TRAINED, OPTIONS)))

    def choices(self, arch: str) -> Choices:
        return read(arch)

    def of_choices(self, choices: Choices) -> Architecture:
        return Architecture(write(choices))

    def layers(self, arch: Architecture, data_set: DataSet) -> Sequence[Layer]:
        return tuple(counts.layers(_plan(arch), data_set, dense=is_dense(data_set.name)))

    def depth(self, arch: Architecture, data_set: DataSet) -> int:
        return counts.depth(_plan(arch))

    def elementwise_flops(self, arch: Architecture, data_set: DataSet) -> int:
        return counts.elementwise(_plan(arch), data_set, dense=is_dense(data_set.name))

    def costs(self, arch: Architecture, data_set: DataSet) -> dict[str, float]:
        """In addition to params and flops of the task's network: both as published, of the one with 50 classes."""
        params, flops = counts.published(_plan(arch), data_set.shape[1])
        return super().costs(arch, data_set) | {"published_params": params, "published_flops": flops}

    def assemble(self, arch: Architecture, data_set: DataSet, execute: Execute) -> nn.Module:
        """One network for both values of `execute`, because nothing in it is dead."""
        return MultiResolutionNetwork(_plan(arch), data_set, origin=arch, dense=is_dense(data_set.name))

    def graph(self, arch: Architecture) -> ArchitectureGraph:
        plan = structure(read(self.check(arch)))
        labels = ["stem\nconv 3x3\n{} and {} channels\nsize 1/4".format(*plan.stem)]
        for stage in plan.stages:
            modules = f"{stage.repeat} module{'s' if stage.repeat > 1 else ''}"
            branches = [
                f"1/{4 << at}: {n} x {width}"
                for at, (n, width) in enumerate(zip(stage.units, stage.widths, strict=True))
            ]
            labels.append("\n".join([modules, *branches]))
        caption = "Stages of equal modules. Of each branch: its resolution, its residual blocks and their channels."
        return ArchitectureGraph.chain([*labels, f"head\nconv 1x1\n{plan.last} channels"], caption)


def _plan(arch: Architecture) -> Structure:
    return structure(read(arch))


BENCHMARKS.register("nasbench_mr")(NasbenchMr())
