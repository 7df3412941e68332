"""Ground truth of a user's own: a column of a CSV or Parquet file that names architectures and how well they did.

Lines above the header that begin with `#` say what a column holds, as far as somebody wrote it down:

    # accuracy: metric=accuracy, unit=%, split=test, epochs=90, seeds=mean of 3
    arch,accuracy
    small,71.2

Of a Parquet file the same texts are entries of its metadata, by column.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from harness.errors import CorruptDataError, HarnessError, OptionError, UnknownNameError
from harness.files.atomic import sha256_of
from harness.files.text_rows import Rows, opened_rows
from harness.registry import unknown_name
from harness.truth.table import ARCH, UNSTATED, TruthColumn, rounded_to_granularity

INDEX = "index"
_NAMES = (ARCH, INDEX)
_MIN, _MAX = "min", "max"
_WORD = re.compile(r"(?P<path>.+?\.(?:csv|csv\.gz|parquet))(?::(?P<column>.+?))?(?::(?P<better>min|max))?", re.I)
_MISSING = frozenset({"", "nan", "na", "n/a", "null", "none"})
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_DECLARED = ("metric", "unit", "split", "epochs", "seeds", "better", "note")


class Finder(Protocol):
    """What resolves the names in a file: a search space."""

    def find(self, word: str) -> str:
        """The architecture that a word means."""
        ...


@dataclass(frozen=True)
class Declared:
    """What is known of a column besides its values; texts are "unstated" where its file does not say.

    `sha256` is that of the file, `n_rows` and `n_known` are its rows and those that have a value.
    """

    file: Path
    column: str
    metric: str
    unit: str
    split: str
    epochs: int | None
    seeds: str
    higher_is_better: bool
    sha256: str
    n_rows: int
    n_known: int
    note: str = ""

    @property
    def name(self) -> str:
        """The column as results name it: the file's name and the column's."""
        return f"{self.file.name}:{self.column}"

    def described(self, data_set: str, note: str = "") -> TruthColumn:
        """The description of the column on a data set, its values having been looked up for a space."""
        epochs = "" if self.epochs is not None else f"epochs {UNSTATED}"
        notes = [text for text in (self.note, epochs, note) if text]
        return TruthColumn(
            self.name, data_set, self.metric, self.unit, self.split, self.epochs, self.seeds, self.higher_is_better,
            str(self.file), self.sha256, "; ".join(notes),
        )  # fmt: skip


class TruthFile(NamedTuple):
    """A column: architectures, their values float64 [n] with NaN where unknown, and what is declared of it."""

    names: list[str]
    values: NDArray[np.float64]
    declared: Declared


def names_file(word: str) -> bool:
    """Whether a word for `truth=` is a file, and no column of a benchmark's own tables."""
    return _WORD.fullmatch(word) is not None


def read_truth_word(word: str, space: Finder | None) -> TruthFile:
    """What `truth=FILE:COLUMN` or `truth=FILE:COLUMN:min` names; of a file with one column of values, `FILE` is enough.

    Raises:
        OptionError, MissingDataError, CorruptDataError, UnknownNameError: as `read_truth_file`.
    """
    found = _WORD.fullmatch(word)
    if found is None:
        raise OptionError(f"truth={word} is invalid: it must be FILE.csv:COLUMN; .csv.gz and .parquet are read too.")
    truth = read_truth_file(Path(found["path"]).expanduser(), found["column"], space)
    better = (found["better"] or "").lower()
    if not better:
        return truth
    return truth._replace(declared=replace(truth.declared, higher_is_better=better == _MAX))


def read_truth_file(path: Path, column: str | None, space: Finder | None) -> TruthFile:
    """A column of a file.

    Args:
        path: `.csv`, `.csv.gz` or `.parquet`; separated by commas, semicolons or tabs, UTF-8.
        column: its name; None: the only one besides arch and index.
        space: resolves what the column arch, or else the column index, names; None: names are taken as they stand.

    Raises:
        MissingDataError: if there is no such file.
        UnknownNameError: for a column that there is not, or an architecture that the space lacks.
        CorruptDataError: if it is no such table, has no rows or no values, an architecture twice, or text for a number.
        OptionError: if it is not said which of several columns is meant.
    """
    with opened_rows(path, _NAMES, taker="truth=") as table:
        column = _column(table, column)
        named_by = next((name for name in _NAMES if name in table.header), None)
        if named_by is None:
            raise CorruptDataError(
                f"'{path}' has the columns {_listed(table.header)}; it needs {ARCH} or {INDEX} beside {_shown(column)}."
            )
        at, of_name = table.header.index(column), table.header.index(named_by)
        lines: dict[str, int] = {}
        values: list[float] = []
        for line, cells in table.cells:
            if not any(map(str.strip, cells)):
                continue
            name = _resolved(cells[of_name].strip(), space, f"'{path}', line {line}")
            if name in lines:
                raise CorruptDataError(
                    f"'{path}' has the architecture '{_shown(name)}' more than once, in lines {lines[name]} and {line}."
                )
            lines[name] = line
            values.append(_number(cells[at].strip(), f"'{path}' has '%s' in line {line}, column {_shown(column)}"))
    found = np.array(values, dtype=np.float64)
    n_known = int(np.isfinite(found).sum())
    if not lines:
        raise CorruptDataError(f"'{path}' has no rows; each is an architecture with its {_shown(column)}.")
    if not n_known:
        raise CorruptDataError(f"'{path}' has no value in the column {_shown(column)}: all {len(lines):,} are empty.")
    declared = _declared(table, column, len(lines), n_known)
    return TruthFile(list(lines), rounded_to_granularity(found, declared.unit), declared)


def _texts(comments: Sequence[str]) -> dict[str, str]:
    """What is declared, by column."""
    found = {}
    for line in comments:
        column, colon, text = line.lstrip("#").partition(": ")
        if colon and "=" in text:
            found[column.strip()] = text.strip()
    return found


def _column(table: Rows, column: str | None) -> str:
    if not any(table.header):
        raise CorruptDataError(f"'{table.path}' has no header; it needs {ARCH} or {INDEX} beside a column of values.")
    others = [name for name in table.header if name not in _NAMES]
    twice = [name for at, name in enumerate(table.header) if name in table.header[:at]]
    if twice:
        raise CorruptDataError(f"'{table.path}' has the column '{_shown(twice[0])}' more than once.")
    if column is None:
        if len(others) == 1:
            return others[0]
        raise OptionError(
            f"truth={table.path} must name a column, as {table.path}:{others[0] if others else 'accuracy'}; the file "
            f"has {_listed(table.header)}."
        )
    if column not in table.header:
        raise UnknownNameError(unknown_name(f"column of '{table.path}'", column, list(map(_shown, others))))
    return column


def _declared(table: Rows, column: str, n_rows: int, n_known: int) -> Declared:
    """What is said of a column; what is not said is unstated.

    Raises:
        CorruptDataError: for an entry that there is not, and epochs that are no number.
    """
    entries: dict[str, str] = {}
    for part in re.split(r",\s*(?=\w+\s*=)", _texts(table.comments).get(column, "")):
        key, equals, value = part.partition("=")
        if not equals:
            continue
        key = key.strip()
        if key not in _DECLARED:
            raise CorruptDataError(
                f"'{table.path}' declares {_shown(key)} of its column {_shown(column)}; it must be one of "
                f"{', '.join(_DECLARED)}."
            )
        entries[key] = value.strip()
    epochs, better = entries.get("epochs", ""), entries.get("better", _MAX)
    if epochs and not epochs.isdecimal():
        raise CorruptDataError(
            f"'{table.path}' declares epochs={_shown(epochs)} of {_shown(column)}; it must be a whole number."
        )
    if better not in (_MIN, _MAX):
        raise CorruptDataError(
            f"'{table.path}' declares better={_shown(better)} of {_shown(column)}; it must be {_MIN} or {_MAX}."
        )
    return Declared(
        file=table.path,
        column=column,
        metric=entries.get("metric", UNSTATED),
        unit=entries.get("unit", ""),
        split=entries.get("split", UNSTATED),
        epochs=int(epochs) if epochs else None,
        seeds=entries.get("seeds", UNSTATED),
        higher_is_better=better == _MAX,
        sha256=sha256_of(table.path),
        n_rows=n_rows,
        n_known=n_known,
        note=entries.get("note", ""),
    )


def _resolved(name: str, space: Finder | None, where: str) -> str:
    if name.lower() in _MISSING:
        raise CorruptDataError(f"{where}: no architecture is named.")
    if space is None:
        return name
    try:
        return space.find(name)
    except HarnessError as error:
        raise UnknownNameError(f"{where}: {error}") from error


def _number(text: str, where: str) -> float:
    """A value, NaN where there is none.

    Raises:
        CorruptDataError: with `where`, in which %s is the text, if it is not a finite number.
    """
    if text.lower() in _MISSING:
        return math.nan
    if not _NUMBER.fullmatch(text) or math.isinf(float(text)):
        hint = " Write a point, not a comma." if re.fullmatch(r"[+-]?\d+,\d+", text) else ""
        raise CorruptDataError(
            f"{where.replace('%s', _shown(text), 1)}, which is not a number; leave it empty if it is unknown.{hint}"
        )
    return float(text)


def _listed(columns: Sequence[str]) -> str:
    return ", ".join(map(_shown, columns)) if any(columns) else "no columns"


def _shown(text: str) -> str:
    """A foreign text in ASCII, its end left out where it is long."""
    shown = text.encode("ascii", "backslashreplace").decode()
    shown = "".join(letter if letter.isprintable() else "?" for letter in shown)
    return shown if len(shown) <= 100 else f"{shown[:80]}..."
