"""Parser and writer of the structure strings of ZiCo's ImageNet networks. Li et al., ICLR 2023, arXiv:2301.11300.

They are those of the authors' code, https://github.com/SLDGroup/ZiCo (commit b0fec65), folder PlainNet:
`SuperConvK3BNRELU(in,out,stride,layers)` and `SuperResIDWE<expansion>K<kernel>(in,out,stride,bottleneck,layers)`.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from harness.errors import UnknownNameError
from harness.registry import unknown_name

WIDTHS = range(8, 1025, 8)
KERNELS = (3, 5, 7)
EXPANSIONS = (1, 2, 4, 6)
N_HALVINGS = 4  # in the stages; the stem halves the image once more
HEAD_WIDTH = 2048
_STEM, _HEAD = "SuperConvK3BNRELU", "SuperConvK1BNRELU"
_STAGES = {f"SuperResIDWE{expansion}K{kernel}": (expansion, kernel) for kernel in KERNELS for expansion in EXPANSIONS}
_N_NUMBERS = {_STEM: 4, _HEAD: 4} | dict.fromkeys(_STAGES, 5)
_BLOCK = re.compile(r"(\w+)\(([^()]*)\)")


@dataclass(frozen=True)
class Bottleneck:
    """An inverted bottleneck: 1x1 to `n_hidden` channels, depthwise `kernel` x `kernel` with `stride`, 1x1 to `n_out`.

    `projects` says whether its residual link is a 1x1 convolution instead of the identity.
    """

    n_in: int
    n_hidden: int
    n_out: int
    kernel: int
    stride: int
    projects: bool


@dataclass(frozen=True)
class Stage:
    """`n_layers` pairs of inverted bottlenecks: to `bottleneck` channels, then to `width`; the first has `stride`."""

    expansion: int
    kernel: int
    width: int
    stride: int
    bottleneck: int
    n_layers: int

    def bottlenecks(self, n_in: int) -> Iterator[Bottleneck]:
        """Its inverted bottlenecks for `n_in` input channels; the first one's link always projects."""
        for layer in range(self.n_layers):
            stride, narrow = self.stride if layer == 0 else 1, self.bottleneck
            hidden = narrow * self.expansion
            yield Bottleneck(n_in, hidden, narrow, self.kernel, stride, layer == 0 or n_in != narrow)
            hidden = self.width * self.expansion
            yield Bottleneck(narrow, hidden, self.width, self.kernel, 1, narrow != self.width)
            n_in = self.width


@dataclass(frozen=True)
class Structure:
    """Stem of `stem_width` channels, stages, and a 1x1 convolution to 2,048 channels before the classifier."""

    stem_width: int
    stages: tuple[Stage, ...]

    @property
    def n_layers(self) -> int:
        """The number of layers as limited by the authors: those of the stages, stem and last convolution."""
        return sum(stage.n_layers for stage in self.stages) + 2

    @property
    def width(self) -> int:
        """Channels of the last stage."""
        return self.stages[-1].width

    def bottlenecks(self) -> Iterator[Bottleneck]:
        """All inverted bottlenecks, in order."""
        n_in = self.stem_width
        for stage in self.stages:
            yield from stage.bottlenecks(n_in)
            n_in = stage.width


def write(structure: Structure) -> str:
    """The authors' string."""
    words, n_in = [f"{_STEM}(3,{structure.stem_width},2,1)"], structure.stem_width
    for stage in structure.stages:
        numbers = (n_in, stage.width, stage.stride, stage.bottleneck, stage.n_layers)
        words.append(f"SuperResIDWE{stage.expansion}K{stage.kernel}({','.join(map(str, numbers))})")
        n_in = stage.width
    return "".join([*words, f"{_HEAD}({n_in},{HEAD_WIDTH},1,1)"])


@lru_cache(maxsize=4096)
def read(text: str) -> Structure:
    """The structure that a string names; `write` gives the string back.

    Raises:
        UnknownNameError: if it is not in this space, naming the invalid block.
    """
    blocks = _blocks(text)
    (first, stem), (last, head) = blocks[0], blocks[-1]
    if first != _STEM or stem[0] != 3 or stem[2:] != [2, 1]:
        raise _wrong(text, f"the first block must be {_STEM}(3,WIDTH,2,1)")
    _check_width(text, "The stem", stem[1])
    n_in, stages = stem[1], []
    for name, numbers in blocks[1:-1]:
        if name not in _STAGES:
            raise _wrong(text, f"{name} is not allowed between stages")
        _check_stage(text, name, numbers, n_in)
        expansion, kernel = _STAGES[name]
        _, width, stride, bottleneck, n_layers = numbers
        stages.append(Stage(expansion, kernel, width, stride, bottleneck, n_layers))
        n_in = width
    if last != _HEAD or head != [n_in, HEAD_WIDTH, 1, 1]:
        raise _wrong(text, f"the last block must be {_HEAD}({n_in},{HEAD_WIDTH},1,1)")
    n_halvings = sum(stage.stride == 2 for stage in stages)
    if n_halvings != N_HALVINGS or stages[0].stride != 2:
        raise _wrong(text, f"{n_halvings} stages have stride 2; it must be {N_HALVINGS}, the first among them")
    return Structure(stem[1], tuple(stages))


def _blocks(text: str) -> list[tuple[str, list[int]]]:
    """Names and numbers of the blocks."""
    found, end = [], 0
    for match in _BLOCK.finditer(text):
        if match.start() != end:
            break
        name, numbers = match[1], match[2].split(",")
        if name not in _N_NUMBERS:
            raise UnknownNameError(unknown_name("block of imagenet_mbv2", name, list(_N_NUMBERS)))
        if len(numbers) != _N_NUMBERS[name] or not all(number.isascii() and number.isdigit() for number in numbers):
            raise _wrong(text, f"{match[0]} must have {_N_NUMBERS[name]} whole numbers")
        found.append((name, [int(number) for number in numbers]))
        end = match.end()
    if end != len(text) or len(found) < N_HALVINGS + 2:
        rest = f"'{text[end : end + 30]}' is not a block NAME(NUMBERS)" if end != len(text) else f"{len(found)} blocks"
        raise _wrong(text, f"{rest}; it is a chain of {_STEM}, at least {N_HALVINGS} stages and {_HEAD}")
    return found


def _check_stage(text: str, name: str, numbers: Sequence[int], n_in: int) -> None:
    given, width, stride, bottleneck, n_layers = numbers
    if given != n_in:
        raise _wrong(text, f"{name} has {given} input channels, but the previous block has {n_in} output channels")
    _check_width(text, name, width)
    _check_width(text, f"{name}'s bottleneck", bottleneck)
    if stride not in (1, 2) or n_layers < 1:
        raise _wrong(text, f"{name} has stride {stride} and {n_layers} layers; it must be 1 or 2, and at least 1")


def _check_width(text: str, what: str, width: int) -> None:
    if width not in WIDTHS:
        raise _wrong(text, f"{what} has {width} channels; it must be a multiple of 8 from {WIDTHS[0]} to {WIDTHS[-1]}")


def _wrong(text: str, reason: str) -> UnknownNameError:
    shown = text if len(text) <= 40 else f"{text[:30]}..."
    return UnknownNameError(f"'{shown}' is not an architecture of imagenet_mbv2: {reason}.")
