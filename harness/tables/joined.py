"""Tables that were joined from the published files with code of its own, beside which the harness can be put.

A folder of npz files, one for each benchmark: columns by row, `arch` naming the rows. They are no part of the project.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import CorruptDataError, MissingDataError
from harness.files.arrays import WITH_TEXTS, read_npz

_AGAIN = re.compile(r"~\d+$")
_KEYS = ("model", "img_size")


@dataclass(frozen=True, eq=False)
class JoinedColumn:
    """A column (n_rows,) of a joined table, with the place (n_rows,) of each row's architecture in the space.

    `occurrence` (n_rows,) counts the rows of the same architecture before each.
    """

    values: NDArray[Any]
    places: NDArray[np.intp]
    occurrence: NDArray[np.intp]

    def by_arch(self, n_archs: int) -> NDArray[np.float64]:
        """The mean over the known rows of each architecture (n_archs,); NaN where there is none."""
        known = ~np.isnan(self.values.astype(np.float64))
        sums = np.bincount(self.places[known], self.values[known].astype(np.float64), n_archs)
        times = np.bincount(self.places[known], minlength=n_archs)
        return np.where(times > 0, sums / np.maximum(times, 1), np.nan)


class JoinedTables:
    """The tables of a folder; None: there is none, and whatever needs one is left out."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def column(self, name: str, archs: Sequence[str]) -> JoinedColumn:
        """A column, `FILE:COLUMN`, its rows found by name.

        A table that lists all of `archs` may name them in another notation, or not at all: its rows are those of
        `archs` in order, which is the only thing that nothing can check. Of rows of one name each is a training of
        its architecture; a space that numbers repetitions has them as rows of its own where the order agrees.

        Raises:
            MissingDataError: there is no such file or column.
            CorruptDataError: it is damaged, or names an architecture that the space lacks.
        """
        file, _, wanted = name.partition(":")
        table = self._table(file, wanted)
        if wanted not in table:
            raise MissingDataError(f"The joined table {file}.npz has no column {wanted}")
        values = table[wanted]
        place = {arch: at for at, arch in enumerate(archs)}
        names = _names(table)
        if len(values) == len(archs) and (_in_order(archs, names) or not any(each in place for each in names)):
            return JoinedColumn(values, np.arange(len(archs)), np.zeros(len(archs), dtype=np.intp))
        unknown = [each for each in names if each not in place]
        if unknown or len(names) != len(values):
            raise CorruptDataError(f"The joined table {file}.npz does not list the {len(archs):,} architectures.")
        before: dict[str, int] = defaultdict(int)
        occurrence = []
        for each in names:
            occurrence.append(before[each])
            before[each] += 1
        return JoinedColumn(values, np.array([place[each] for each in names]), np.array(occurrence))

    def names(self, file: str) -> list[str]:
        """The architectures of a file, row by row.

        Raises:
            MissingDataError: there is no such file.
        """
        return _names(self._table(file))

    def _table(self, file: str, *columns: str) -> dict[str, NDArray[Any]]:
        """The columns that there are of those named, and those that name the rows."""
        path = None if self._folder is None else self._folder / f"{file}.npz"
        if path is None or not path.is_file():
            raise MissingDataError("The joined tables are not here; oracles=FOLDER names them")
        return _read(path, columns)


def same_name(found: str, joined: str) -> bool:
    """Whether a joined name is that of an architecture, whose repetitions have a number after them here."""
    return _AGAIN.sub("", found) == joined


def _in_order(archs: Sequence[str], names: Sequence[str]) -> bool:
    return len(archs) == len(names) and all(map(same_name, archs, names))


@cache
def _read(path: Path, columns: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    return read_npz(path, dict.fromkeys((*columns, "arch", *_KEYS), False), WITH_TEXTS)


def _names(table: dict[str, NDArray[Any]]) -> list[str]:
    if set(_KEYS) <= set(table):
        return [f"{model.decode()}@{size}" for model, size in zip(*(table[key] for key in _KEYS), strict=True)]
    return [arch.decode() for arch in table.get("arch", ())]
