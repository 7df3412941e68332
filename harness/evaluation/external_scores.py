"""Scores computed elsewhere: a CSV file that goes straight to agreement."""

import csv
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from harness import columns
from harness.errors import CorruptDataError, MissingDataError

_RESERVED = frozenset(columns.AGREEMENT) - set(columns.SCORES)
"""Names of columns of the harness's own tables, which a proxy cannot have."""

_MISSING = frozenset({"", "nan", "na", "n/a", "null", "none"})
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE | re.ASCII)
_LONGEST_NAME = 200
_LONGEST_CELL = 10_000
_MOST_BYTES = 2**30


def read_scores(path: Path) -> pd.DataFrame:
    """Scores by architecture: the file's column `arch` becomes the index, every other column is a proxy of that name.

    An empty cell, NaN or NA is not a score. `index` and `truth`, which the harness's own tables have beside the
    architectures, are left out.

    Raises:
        MissingDataError: if there is no such file.
        CorruptDataError: naming the line: if it has no column arch, no scores, a name that is reserved, an
            architecture twice or without a name, a row of another length, or a score that is not a number.
    """
    rows = _rows(path)
    _, names = next(rows, (0, []))
    kept = _kept(path, names)
    at = names.index(columns.ARCH)
    lines: dict[str, int] = {}
    values: dict[str, list[float]] = {name: [] for name in kept}
    for line, cells in rows:
        if len(cells) != len(names):
            raise CorruptDataError(f"'{path}' has {len(cells)} cells in line {line}; its header has {len(names)}.")
        arch = cells[at].strip()
        if arch.lower() in _MISSING:
            raise CorruptDataError(f"'{path}' names no architecture in line {line}: its column arch has '{arch}'.")
        if arch in lines:
            raise CorruptDataError(
                f"'{path}' has the architecture '{_shown(arch)}' more than once, in lines {lines[arch]} and {line}."
            )
        lines[arch] = line
        for name, column in kept.items():
            values[name].append(_number(cells[column].strip(), f"'{path}' has '%s' in line {line}, column {name}"))
    if not lines:
        raise CorruptDataError(f"'{path}' has no rows; each is an architecture with its scores.")
    return pd.DataFrame(values, index=pd.Index(list(lines), name=columns.ARCH), dtype="float64")


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """The line number and cells of each row that is not empty, the header first.

    Raises:
        MissingDataError: if there is no such file.
        CorruptDataError: if it is not CSV in UTF-8.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise CorruptDataError(f"'{path}' has more than {_MOST_BYTES:,} bytes; no table of scores is so large.")
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, strict=True)
            for cells in reader:
                if cells:
                    if max(map(len, cells)) > _LONGEST_CELL:
                        raise CorruptDataError(
                            f"'{path}' has a cell of over {_LONGEST_CELL:,} characters in line {reader.line_num}."
                        )
                    yield reader.line_num, cells
    except FileNotFoundError:
        raise MissingDataError(f"There is no file '{path}'; scores= takes a CSV file with the column arch.") from None
    except CorruptDataError:
        raise
    except (OSError, ValueError, csv.Error) as error:
        reason = getattr(error, "strerror", None) or ("not UTF-8" if isinstance(error, UnicodeError) else error)
        raise CorruptDataError(f"'{path}' is not a CSV file: {reason}.") from error


def _kept(path: Path, names: Sequence[str]) -> dict[str, int]:
    """The proxies of a header with the places of their columns.

    Raises:
        CorruptDataError: if one cannot be a proxy's name, or there are none.
    """
    kept = {name: at for at, name in enumerate(names) if name not in columns.SCORES}
    if columns.ARCH not in names or not kept:
        shown = ", ".join(map(_shown, names)) or "no columns"
        raise CorruptDataError(f"'{path}' has the columns {shown}; it needs arch and scores.")
    twice = [name for at, name in enumerate(names) if name in names[:at]]
    if twice:
        raise CorruptDataError(f"'{path}' has the column '{_shown(twice[0])}' more than once in line 1.")
    for name in kept:
        if name in _RESERVED:
            raise CorruptDataError(
                f"'{path}' calls a column '{name}' in line 1, a name that is reserved for a column of agreement.csv; "
                "rename it or leave it out."
            )
        if not name.strip() or name.strip().lower() in _MISSING or len(name) > _LONGEST_NAME or not name.isprintable():
            raise CorruptDataError(
                f"'{path}' calls a column '{_shown(name)}' in line 1; a proxy's name is a printable text of 1 to "
                f"{_LONGEST_NAME} characters other than NA or nan."
            )
    return kept


def _number(text: str, where: str) -> float:
    """A score, NaN where there is none.

    Raises:
        CorruptDataError: with `where`, in which %s is the text, if it is not a number or too large for one.
    """
    if text.lower() in _MISSING:
        return math.nan
    if _INFINITE.fullmatch(text):
        return float(text)
    if not _NUMBER.fullmatch(text):
        raise CorruptDataError(f"{where.replace('%s', _shown(text), 1)}, which is not a number.")
    found = float(text)
    if math.isinf(found):
        raise CorruptDataError(
            f"{where.replace('%s', _shown(text), 1)}, which is too large: numbers end at 1.8e308. Write inf for "
            "infinite."
        )
    return found


def _shown(text: str) -> str:
    """A foreign text in ASCII, its end left out where it is long."""
    shown = text.encode("ascii", "backslashreplace").decode()
    shown = "".join(letter if letter.isprintable() else "?" for letter in shown)
    return shown if len(shown) <= 100 else f"{shown[:80]}..."
