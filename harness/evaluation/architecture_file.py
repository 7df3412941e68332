"""Files that name architectures: the rows of a table, with the columns that `scores=` and `convert` know them by."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.columns import ARCH
from harness.errors import CorruptDataError, HarnessError, UnknownNameError
from harness.evaluation.score_file import spec_text
from harness.evaluation.score_roles import INDEX_NAMES, KNOWN, roles_of
from harness.files.text_rows import opened_rows
from harness.space import Architecture, SearchSpace
from harness.space.notation import INDEX, notation_called, shown

_ENDINGS = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".parquet")


def names_table(word: str) -> bool:
    """Whether a word is the path of a table, and no name."""
    return word.lower().endswith(_ENDINGS)


@dataclass(frozen=True, eq=False)
class ArchitectureFile:
    """A table whose rows are architectures.

    `cells` are the texts of the rows that stand in `lines`; `keys` are the columns that name the architectures: one, or
    those of matrix and operations.
    """

    path: Path
    header: tuple[str, ...]
    cells: tuple[Sequence[str], ...]
    lines: tuple[int, ...]
    keys: tuple[int, ...]

    @cached_property
    def texts(self) -> list[str]:
        """What each row calls its architecture, as it is written."""
        parts = [[cells[at].strip() for at in self.keys] for cells in self.cells]
        return [one[0] if len(one) == 1 else spec_text(*one) for one in parts]

    @property
    def is_numbered(self) -> bool:
        """Whether its column of architectures is called as one of indices."""
        return self.header[self.keys[0]].lower() in INDEX_NAMES

    def found(self, space: SearchSpace) -> list[Architecture]:
        """The architecture of each row, in any notation of the space, or by the beginning of its string.

        Raises:
            UnknownNameError: naming the line, if one is not of the space.
        """
        numbers = notation_called(space, INDEX) if self.is_numbered and space.enumerable else None
        archs = []
        for line, text in zip(self.lines, self.texts, strict=True):
            try:
                arch = None if numbers is None else numbers.read(text)
                archs.append(arch or space.find(text))
            except HarnessError as error:
                raise UnknownNameError(f"'{self.path}', line {line}: {error}") from error
        return archs


def read_architecture_file(path: Path, taker: str) -> ArchitectureFile:
    """The rows of a table of architectures.

    Args:
        path: CSV with commas, semicolons or tabs, also packed by gzip, or Parquet.
        taker: what takes the file, for the sentence that there is none: "population=".

    Raises:
        MissingDataError: if there is no such file.
        CorruptDataError: if it is no such table, names no architectures or has no rows.
    """
    with opened_rows(path, KNOWN, taker=taker) as rows:
        names = rows.header
        keys = _keys(path, names)
        found = list(rows.cells)
    if not found:
        raise CorruptDataError(f"'{path}' has no rows; each is an architecture.")
    return ArchitectureFile(path, names, tuple(cells for _, cells in found), tuple(line for line, _ in found), keys)


def _keys(path: Path, names: Sequence[str]) -> tuple[int, ...]:
    keys = roles_of(names).keys
    if not keys:
        listed = f"the columns {', '.join(map(shown, names))}" if any(names) else "no columns"
        raise CorruptDataError(f"'{path}' has {listed}; it needs {ARCH}, the architectures.")
    return keys
