"""What a NAS-Bench-MR code string names. Ding et al., ICLR 2022, arXiv:2103.13253, Section 3.

The numbers are those of the authors' data, https://github.com/dingmyu/NCP, commit 5259acd.
"""

import re
from dataclasses import dataclass

from harness.space import Choices

N_STAGES = 4
_WIDTHS = tuple(range(8, 129, 8))
_REPEATS = _UNITS = (1, 2, 3, 4)
_PART = re.compile(r"[1-9]\d{0,2}(?:_[1-9]\d{0,2})*")

OPTIONS: tuple[tuple[int, ...], ...] = (
    *(_WIDTHS, _WIDTHS),
    *(values for k in range(1, N_STAGES + 1) for values in (_REPEATS, *[_UNITS] * k, *[_WIDTHS] * k)),
    _WIDTHS,
)
"""Two widths of the stem; of stage k the number of modules, k numbers of units and k widths; the head's width."""

NAMES: tuple[str, ...] = (
    *("stem_width1", "stem_width2"),
    *(
        f"stage{k}_{what}"
        for k in range(1, N_STAGES + 1)
        for what in ("modules", *(f"{kind}{branch}" for kind in ("units", "width") for branch in range(1, k + 1)))
    ),
    "head_width",
)
"""What each of `OPTIONS` is; branch 1 has the highest resolution."""


@dataclass(frozen=True)
class Stage:
    """`repeat` equal modules of one branch per resolution: `units` residual blocks of `widths` channels each."""

    repeat: int
    units: tuple[int, ...]
    widths: tuple[int, ...]


@dataclass(frozen=True)
class Structure:
    """A network: widths of the stem's two convolutions, stages of one to four branches, and the head's width."""

    stem: tuple[int, int]
    stages: tuple[Stage, ...]
    last: int


def read(arch: str) -> Choices:
    """The 27 numbers of a code string, in the order of the published embedding.

    Raises:
        ValueError: if the string is not of that form; its values are not checked.
    """
    parts = arch.split("-")
    if len(parts) != N_STAGES + 2 or not all(map(_PART.fullmatch, parts)):
        raise ValueError(f"'{arch}' is not of the form of a code string")
    stem, *stages, last = ([int(number) for number in part.split("_")] for part in parts)
    found = [*stem]
    for n_branches, (repeat, stated, *rest) in enumerate(stages, start=1):
        if stated != n_branches or len(rest) != 2 * n_branches:
            raise ValueError(f"stage {n_branches} of '{arch}' does not have {n_branches} branches")
        found += [repeat, *rest]
    if len(stem) != 2 or len(last) != 1:
        raise ValueError(f"'{arch}' has no two widths of a stem and one of a head")
    return (*found, *last)


def structure(choices: Choices) -> Structure:
    """The network that 27 numbers describe."""
    stages, at = [], 2
    for n_branches in range(1, N_STAGES + 1):
        units = choices[at + 1 : at + 1 + n_branches]
        widths = choices[at + 1 + n_branches : at + 1 + 2 * n_branches]
        stages.append(Stage(choices[at], units, widths))
        at += 1 + 2 * n_branches
    return Structure((choices[0], choices[1]), tuple(stages), choices[at])


def write(choices: Choices) -> str:
    """The code string, `c1_c2-repeat_1_units_width-repeat_2_...-last`."""
    made = structure(choices)
    stages = (
        "_".join(map(str, (stage.repeat, len(stage.widths), *stage.units, *stage.widths))) for stage in made.stages
    )
    return "-".join(["{}_{}".format(*made.stem), *stages, str(made.last)])
