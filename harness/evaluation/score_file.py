"""One file of scores computed elsewhere: which architecture each row is about, and its scores by column.

A file is read row by row; of columns that name nothing only numbers are kept, so that one of gigabytes takes the memory
of its numbers.
"""

import math
import re
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import CorruptDataError, OptionError
from harness.evaluation.score_roles import KNOWN, RESERVED, Roles, roles_of
from harness.files.text_rows import Rows, opened_rows
from harness.registry import unknown_name
from harness.space.notation import shown

MISSING = frozenset({"", "nan", "na", "n/a", "null", "none"})
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_INFINITE = re.compile(r"[+-]?inf(?:inity)?", re.IGNORECASE | re.ASCII)
_WHOLE = re.compile(r"(\d{1,18})(?:\.0+)?", re.ASCII)
_LONGEST_NAME = 200


@dataclass(frozen=True, eq=False)
class ScoreFile:
    """The rows of a file.

    Attributes:
        path: of the file.
        named_by: the columns that name the architecture.
        archs: what they say, one text per row, in any notation.
        lines: where the rows are.
        scores: float64 [n_rows] by column, NaN where there is none.
        seeds: of the rows; None without such a column.
        data_sets: of the rows, as they call them; None without such a column.
        benches: the same of benchmarks.
        left_out: the other columns, with what they hold.
    """

    path: Path
    named_by: tuple[str, ...]
    archs: Sequence[str]
    lines: Sequence[int]
    scores: Mapping[str, NDArray[np.float64]]
    seeds: NDArray[np.int64] | None = None
    data_sets: Sequence[str] | None = None
    benches: Sequence[str] | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(eq=False)
class _Column:
    """The numbers of a column, and the first of its cells that is none."""

    name: str
    values: "array[float]" = field(default_factory=lambda: array("d"))
    n_numbers: int = 0
    n_texts: int = 0
    wrong: str = ""

    def take(self, text: str, line: int, decimal_comma: bool) -> None:
        value, why = _number(text, decimal_comma)
        self.values.append(value)
        self.n_texts += bool(why)
        self.n_numbers += not math.isnan(value)
        if why and not self.wrong:
            self.wrong = f"has '{shown(text)}' in line {line}, column {self.name}, which is {why}"

    @property
    def is_text(self) -> bool:
        return self.n_texts > self.n_numbers


def read_score_file(path: Path, chosen: Sequence[str] = ()) -> ScoreFile:
    """A file's rows. An empty cell, NaN or NA is not a score.

    Args:
        path: of a CSV file (separated by commas, semicolons or tabs, also with gzip) or a Parquet file.
        chosen: the columns that are scores; empty: all but those that are told to be something else.

    Raises:
        MissingDataError: if there is no such file.
        CorruptDataError: naming the line: if nothing names the architectures, there are no scores or no rows, a name is
            reserved, an architecture is there twice or without a name, or a score is not a number.
        OptionError: if it has none of the chosen columns, or a name of them is not there.
    """
    with opened_rows(path, KNOWN) as rows:
        roles = _roles(rows, chosen)
        keys, found = _Keys(rows, roles), [_Column(rows.header[at]) for at in roles.values]
        for line, cells in rows.cells:
            keys.take(line, cells)
            for column, at in zip(found, roles.values, strict=True):
                column.take(cells[at].strip(), line, rows.decimal_comma)
    if not keys.lines:
        raise CorruptDataError(f"'{path}' has no rows; each is an architecture with its scores.")
    if rows.header[roles.keys[0]] == "" and all(_WHOLE.fullmatch(arch) for arch in keys.archs):
        raise CorruptDataError(
            f"'{path}' names no architectures: its first column has no name and only numbers. Call it index if they "
            "are places in the official order."
        )
    left_out = dict(roles.left_out)
    if not chosen:
        left_out |= {column.name: "text" for column in found if column.is_text}
    kept = _kept(rows, [column for column in found if column.name not in left_out], found, left_out)
    return ScoreFile(
        path,
        tuple(rows.header[at] for at in roles.keys),
        keys.archs,
        keys.lines,
        {column.name: np.array(column.values, dtype=np.float64) for column in kept},
        None if roles.seed < 0 else np.array(keys.seeds, dtype=np.int64),
        None if roles.data_set < 0 else keys.data_sets,
        None if roles.bench < 0 else keys.benches,
        left_out,
    )


class _Keys:
    """What each row is about, no two rows about the same."""

    def __init__(self, rows: Rows, roles: Roles) -> None:
        self._rows, self._roles = rows, roles
        self._seen: dict[tuple[str, str, str, int], int] = {}
        self.archs: list[str] = []
        self.lines: list[int] = []
        self.seeds: list[int] = []
        self.data_sets: list[str] = []
        self.benches: list[str] = []

    def take(self, line: int, cells: Sequence[str]) -> None:
        path, roles = self._rows.path, self._roles
        arch = self._arch(line, cells)
        data_set, bench = (self._name(line, cells, at) for at in (roles.data_set, roles.bench))
        seed = -1 if roles.seed < 0 else self._seed(line, cells[roles.seed].strip())
        key = (arch, data_set, bench, seed)
        if key in self._seen:
            more = "" if roles.seed >= 0 else " Scores of several seeds need a column seed."
            raise CorruptDataError(
                f"'{path}' has the architecture '{shown(arch)}' more than once, in lines {self._seen[key]} and "
                f"{line}.{more}"
            )
        self._seen[key] = line
        self.archs.append(arch)
        self.lines.append(line)
        self.seeds.append(seed)
        self.data_sets.append(data_set)
        self.benches.append(bench)

    def _arch(self, line: int, cells: Sequence[str]) -> str:
        texts = [cells[at].strip() for at in self._roles.keys]
        for at, text in zip(self._roles.keys, texts, strict=True):
            if text.lower() in MISSING:
                name = self._rows.header[at] or "without a name"
                raise CorruptDataError(
                    f"'{self._rows.path}' names no architecture in line {line}: its column {name} has '{text}'."
                )
        return texts[0] if len(texts) == 1 else spec_text(*texts)

    def _name(self, line: int, cells: Sequence[str], at: int) -> str:
        text = "" if at < 0 else cells[at].strip()
        if at >= 0 and text.lower() in MISSING:
            raise CorruptDataError(f"'{self._rows.path}' has no {self._rows.header[at]} in line {line}.")
        return text

    def _seed(self, line: int, text: str) -> int:
        found = _WHOLE.fullmatch(text)
        if found is None:
            raise CorruptDataError(
                f"'{self._rows.path}' has the seed '{shown(text)}' in line {line}; it must be a whole number."
            )
        return int(found[1])


def spec_text(matrix: str, operations: str) -> str:
    """Matrix and operations of two columns as one text, as the notation `spec` of NAS-Bench-101 has it."""
    words = operations.strip()
    if not words.startswith(("[", "(", "array")):
        words = str([word for word in re.split(r"[,;\s]+", words) if word])
    return f'{{"matrix": {matrix}, "ops": {words}}}'


def _roles(rows: Rows, chosen: Sequence[str]) -> Roles:
    """The roles of a header's columns.

    Raises:
        CorruptDataError: if none names the architectures, or two are called the same.
        OptionError: if it has none of the chosen columns.
    """
    names = rows.header
    listed = ", ".join(map(shown, names)) or "no columns"
    roles = roles_of(names, chosen)
    if not roles.keys:
        raise CorruptDataError(f"'{rows.path}' has the columns {listed}; it needs arch and scores.")
    twice = [name for at, name in enumerate(names) if name in names[:at]]
    if twice:
        raise CorruptDataError(f"'{rows.path}' has the column '{shown(twice[0])}' more than once in line 1.")
    if chosen and not roles.values:
        raise OptionError(
            f"'{rows.path}' has no column of scores_columns=: {unknown_name('column', chosen[0], [*names])}"
        )
    if not roles.values and not roles.left_out:
        raise CorruptDataError(f"'{rows.path}' has the columns {listed}; it needs arch and scores.")
    return roles


def _kept(rows: Rows, kept: Sequence[_Column], found: Sequence[_Column], left_out: dict[str, str]) -> Sequence[_Column]:
    """The columns of scores, their names and numbers checked.

    Raises:
        CorruptDataError: for a name that no proxy can have, a cell that is no number, and if there are no scores.
    """
    path = rows.path
    if not kept:
        wrong = next((column.wrong for column in found if column.wrong), "")
        if wrong:
            raise CorruptDataError(f"'{path}' has no scores: it {wrong}.")
        listed = ", ".join(f"{shown(name)} ({what})" for name, what in left_out.items())
        if any(what not in ("index", "row numbers") for what in left_out.values()):
            raise CorruptDataError(f"'{path}' has no scores but {listed}; scores_columns=[NAME] takes one as a score.")
        raise CorruptDataError(
            f"'{path}' has the columns {', '.join(map(shown, rows.header))}; it needs arch and scores."
        )
    for column in kept:
        _check_name(path, column.name)
        if column.wrong:
            raise CorruptDataError(f"'{path}' {column.wrong}; scores_columns=[NAME,...] leaves a column out.")
    return kept


def _check_name(path: Path, name: str) -> None:
    if name in RESERVED:
        raise CorruptDataError(
            f"'{path}' calls a column '{name}' in line 1, a name that is reserved for a column of agreement.csv; "
            "rename it or leave it out."
        )
    if not name.strip() or name.strip().lower() in MISSING or len(name) > _LONGEST_NAME or not name.isprintable():
        raise CorruptDataError(
            f"'{path}' calls a column '{shown(name)}' in line 1; a proxy's name is a printable text of 1 to "
            f"{_LONGEST_NAME} characters other than NA or nan."
        )


def _number(text: str, decimal_comma: bool) -> tuple[float, str]:
    """A score, NaN where there is none, and what the text is if it is not a number."""
    if text.lower() in MISSING:
        return math.nan, ""
    if _INFINITE.fullmatch(text):
        return float(text), ""
    plain = text.replace(",", ".") if decimal_comma and text.count(",") == 1 and "." not in text else text
    if not _NUMBER.fullmatch(plain):
        return math.nan, "not a number"
    found = float(plain)
    if math.isinf(found):
        return math.nan, "too large: numbers end at 1.8e308. Write inf for infinite"
    return found, ""
