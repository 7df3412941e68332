"""Marks: architectures that a person has picked out, with a note each, in a CSV file of arch, index and note."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from harness.columns import ARCH, INDEX, from_cell
from harness.errors import OptionError
from harness.evaluation.architecture_file import read_architecture_file
from harness.files.atomic import write_whole
from harness.report.escape import csv_text
from harness.space import Architecture, SearchSpace
from harness.space.notation import index_in

NOTE = "note"
AT = "@"
"""Before the path of a file of marks, where an architecture is expected: arch=@marked.csv."""


@dataclass(frozen=True)
class Mark:
    """An architecture and what was noted of it, which may be nothing."""

    arch: Architecture
    note: str = ""


def read_marks(path: Path, space: SearchSpace, taker: str = "arch=@") -> list[Mark]:
    """The marks of a file in its order, each architecture once, with the last of its notes.

    Any table with a column of architectures will do; a column `note` is read where it has one, others are left aside.

    Raises:
        MissingDataError: if there is no such file.
        CorruptDataError: if it names no architectures.
        UnknownNameError: naming the line, if one is not of the space.
        OptionError: naming the line, if arch and index of a row are two architectures.
    """
    rows = read_architecture_file(path.expanduser(), taker)
    names = [name.strip().lower() for name in rows.header]
    at = names.index(NOTE) if NOTE in names else None
    numbers = names.index(INDEX) if INDEX in names and not rows.is_numbered and space.enumerable else None
    found: dict[Architecture, Mark] = {}
    for arch, cells, line in zip(rows.found(space), rows.cells, rows.lines, strict=True):
        stated = "" if numbers is None else cells[numbers].strip()
        if stated and index_in(stated) != space.number(arch):
            raise OptionError(
                f"'{path}', line {line}: index {stated} is not that of '{arch}', which is {space.number(arch)}; leave "
                "one of the two columns out."
            )
        found[arch] = Mark(arch, "" if at is None else from_cell(cells[at].strip()))
    return list(found.values())


def write_marks(path: Path, space: SearchSpace, marks: Sequence[Mark]) -> None:
    """Write marks as a file that `read_marks` gives back; an index is empty where an architecture has none.

    Raises:
        OptionError: if it cannot be written.
    """
    rows = [{ARCH: mark.arch, INDEX: space.number(mark.arch), NOTE: mark.note} for mark in marks]
    table = pd.DataFrame(rows, columns=[ARCH, INDEX, NOTE])
    table[INDEX] = table[INDEX].astype("Int64")
    try:
        write_whole(path.expanduser(), csv_text(table).encode())
    except OSError as error:
        raise OptionError(f"The marks {path} cannot be written: {error.strerror}.") from None


def add_mark(path: Path, space: SearchSpace, mark: Mark) -> int:
    """Add a mark to a file, which need not exist; of an architecture that is there the note is replaced.

    Returns:
        The number of marks in the file.

    Raises:
        HarnessError: as `read_marks` and `write_marks`.
    """
    path = path.expanduser()
    before = read_marks(path, space, "--mark") if path.exists() else []
    known = {one.arch: one for one in before}
    note = mark.note or (known[mark.arch].note if mark.arch in known else "")
    known[mark.arch] = replace(mark, note=note)
    write_marks(path, space, list(known.values()))
    return len(known)


def marked_archs(word: str, space: SearchSpace) -> list[Architecture] | None:
    """The architectures of the file that `@FILE` names; None for a word of another form.

    Raises:
        HarnessError: as `read_marks`.
    """
    return [mark.arch for mark in read_marks(Path(word.removeprefix(AT)), space)] if word.startswith(AT) else None
