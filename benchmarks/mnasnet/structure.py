"""The blocks that an Accel-NASBench string names. Ahmad et al., DAC 2024, arXiv:2404.08005.

Numbers are those of the code with which its data were collected,
https://github.com/afzalxo/ANB-DatasetCollection, commit 08a6baa.
"""

import re

from benchmarks.mobile_blocks import MobileBlock
from harness.space import Choices

STEM_WIDTH = 32
HEAD_WIDTH = 1280
WIDTHS = (16, 24, 40, 80, 112, 192, 320)
_STRIDES = (1, 2, 2, 2, 1, 2, 1)
N_STAGES = len(WIDTHS)
_LONGEST = (3, 3, 3, 3, 3, 4, 3)  # layers of each stage at most
_SQUEEZED = 4  # squeeze-and-excitation has a quarter of the channels of the block's input
_STAGE = re.compile(r"e([1-9])k([1-9])l([1-9])s([01])")

EXPANSION, KERNEL, LAYERS, SQUEEZES = range(4)
"""Places of a stage's four choices."""
N_CHOICES = 4

OPTIONS: tuple[tuple[int, ...], ...] = tuple(
    values for longest in _LONGEST for values in ((1, 4, 6), (3, 5), tuple(range(1, longest + 1)), (0, 1))
)

NAMES: tuple[str, ...] = tuple(
    f"stage{stage}_{what}" for stage in range(1, N_STAGES + 1) for what in ("expansion", "kernel", "layers", "squeezes")
)
"""What each of `OPTIONS` is; `squeezes` is 1 with squeeze-and-excitation, 0 without."""


def read(arch: str) -> Choices:
    """The four choices of each of the seven stages.

    Raises:
        ValueError: if the string is not of that form; its values are not checked.
    """
    stages = [_STAGE.fullmatch(part) for part in arch.split(";")]
    found = tuple(int(digit) for stage in stages if stage for digit in stage.groups())
    if len(stages) != N_STAGES or len(found) != len(OPTIONS):
        raise ValueError(f"'{arch}' does not name {N_STAGES} stages")
    return found


def write(choices: Choices) -> str:
    """The string of the benchmark's files, `e6k3l1s0;...`."""
    return ";".join("e{}k{}l{}s{}".format(*stage) for stage in stages_of(choices))


def stages_of(choices: Choices) -> list[Choices]:
    """The choices of each stage."""
    return [choices[at : at + N_CHOICES] for at in range(0, len(choices), N_CHOICES)]


def blocks(choices: Choices) -> list[MobileBlock]:
    """The inverted bottlenecks in order; the first of a stage has its stride."""
    found, width = [], STEM_WIDTH
    for stage, n_out, stride in zip(stages_of(choices), WIDTHS, _STRIDES, strict=True):
        for layer in range(stage[LAYERS]):
            n_squeezed = width // _SQUEEZED if stage[SQUEEZES] else 0
            own_stride = stride if layer == 0 else 1
            found.append(MobileBlock(width, width * stage[EXPANSION], n_out, stage[KERNEL], own_stride, n_squeezed))
            width = n_out
    return found
