"""The blocks that a NAS-Bench-Macro string names. arXiv:2103.11922, Section 4.1; numbers are those of the code."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.mobile_blocks import MobileBlock, normalised_layer, reduced
from harness.space import Layer

CHOICES = "012"
IDENTITY = "0"
STAGE_BLOCKS = (2, 3, 3)
N_BLOCKS = sum(STAGE_BLOCKS)
STEM_WIDTH = 32
HEAD_WIDTH = 1280
_BOTTLENECKS = {"1": (3, 3), "2": (6, 5)}  # expansion, kernel


@dataclass(frozen=True)
class Downsampling:
    """What an identity is at the head of a stage: a strided 1x1 convolution with normalisation, without activation."""

    n_in: int
    n_out: int
    stride: int = 2
    depth: int = 1

    def layers(self, size: int) -> Iterator[Layer]:
        """The layer for inputs of `size` x `size`."""
        yield normalised_layer(self.n_in, self.n_out, reduced(size, self.stride))

    def elementwise(self, size: int) -> int:
        """Elementwise FLOPs: those of its normalisation."""
        return 2 * self.n_out * reduced(size, self.stride) ** 2


Plan = MobileBlock | Downsampling | None
"""A block; None where it is nothing at all."""


def plans(arch: str) -> list[Plan]:
    """The eight blocks, in order."""
    found: list[Plan] = []
    width = STEM_WIDTH
    for stage in stages_of(arch):
        for place, choice in enumerate(stage):
            n_in, stride = width, 1
            if place == 0:
                width, stride = 2 * width, 2
            if choice != IDENTITY:
                expansion, kernel = _BOTTLENECKS[choice]
                found.append(MobileBlock(n_in, expansion * n_in, width, kernel, stride))
            else:
                found.append(Downsampling(n_in, width) if place == 0 else None)
    return found


def stages_of(arch: str) -> list[str]:
    """The digits of each stage."""
    found, at = [], 0
    for n_blocks in STAGE_BLOCKS:
        found.append(arch[at : at + n_blocks])
        at += n_blocks
    return found


def canonical_digits(arch: str) -> str:
    """The digits with identities moved before the other blocks of a stage, but not before its first block."""
    moved = ""
    for stage in stages_of(arch):
        others = [choice for choice in stage[1:] if choice != IDENTITY]
        moved += stage[0] + IDENTITY * (len(stage) - 1 - len(others)) + "".join(others)
    return moved
