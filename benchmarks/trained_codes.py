"""The list of architectures that a benchmark trained, from a text file beside its code: one code per line, `#` notes.

A character stands for the place of a value among those of its choice, in the order of `DIGITS`.
"""

from collections.abc import Sequence
from pathlib import Path

from harness.space import Choices

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def read_choices(path: Path, options: Sequence[Sequence[int]]) -> list[Choices]:
    """The choices of each line, in the file's order."""
    lines = (line for line in path.read_text(encoding="ascii").splitlines() if line and not line.startswith("#"))
    return [tuple(values[DIGITS.index(digit)] for digit, values in zip(line, options, strict=True)) for line in lines]


def code(choices: Choices, options: Sequence[Sequence[int]]) -> str:
    """The line of an architecture, as it is written into the file."""
    return "".join(DIGITS[list(values).index(choice)] for choice, values in zip(choices, options, strict=True))
