"""Numbers, lists and dictionaries as Python and NumPy print them, read without running anything."""

import ast
import re
import warnings
from collections.abc import Sequence

_NUMBERS = re.compile(r"[\[(]?\s*(\d{1,9}(?:\s*[,;\s]\s*\d{1,9})+)\s*,?\s*[\])]?", re.ASCII)
_NUMPY = re.compile(r"(?:\b(?:np|numpy)\.)?\b(?:array|int64|int32|int8|uint8|float64)(?=\()|,\s*dtype=[\w.]+", re.ASCII)
_BETWEEN_NUMBERS = re.compile(r"(?<=\d)\.?\s+(?=\d)", re.ASCII)
_BETWEEN_LISTS = re.compile(r"\]\s*\[")
_LONGEST = 10_000


def whole_numbers(text: str) -> tuple[int, ...] | None:
    """The numbers of `(0, 4, 1)`, `[0 4 1]` or `0,4,1`; None if the text is no such list of two or more."""
    found = _NUMBERS.fullmatch(text.strip())
    return tuple(map(int, re.findall(r"\d+", found[1]))) if found else None


def literal(text: str) -> object:
    """What a text of numbers, strings, tuples, lists and dictionaries stands for, also as NumPy prints arrays.

    None if it is nothing of the kind.
    """
    if len(text) > _LONGEST or not any(bracket in text for bracket in "([{"):
        return None
    plain = _BETWEEN_LISTS.sub("],[", _BETWEEN_NUMBERS.sub(",", _NUMPY.sub("", text.strip())))
    plain = re.sub(r"\btrue\b", "True", re.sub(r"\bfalse\b", "False", plain))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in the texts of strangers
            return ast.literal_eval(plain)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def matrix_of(value: object) -> list[list[int]] | None:
    """A square matrix of 0 and 1; None if the value is none."""
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        return None
    rows = [list(row) if isinstance(row, Sequence) and not isinstance(row, str) else [] for row in value]
    if any(len(row) != len(rows) or any(entry not in (0, 1) for entry in row) for row in rows):
        return None
    return [[int(entry) for entry in row] for row in rows]
