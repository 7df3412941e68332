"""The command `python -m harness.convert BENCH FILE|ARCH...`: architectures in another notation."""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("convert"))

import argparse
import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from harness.columns import to_cell
from harness.errors import CorruptDataError, OptionError
from harness.evaluation.score_file import spec_text
from harness.evaluation.score_roles import ARCH_NAMES, INDEX_NAMES, KNOWN, roles_of
from harness.files.atomic import replacing
from harness.files.text_rows import opened_rows
from harness.registry import unknown_name
from harness.space import Architecture, SearchSpace, space_of
from harness.space.given_networks import FunctionSpace
from harness.space.notation import INDEX, OFFICIAL, Notation, notation_called, read_all, shown

Table = tuple[list[str], list[list[str]]]
"""The header and rows of a CSV file."""


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("convert", words)


def run(arguments: argparse.Namespace) -> None:
    """Print or write the architectures in the notation that is asked for.

    Raises:
        HarnessError: for a user error.
    """
    space = space_of(arguments.bench)
    if isinstance(space, FunctionSpace):
        raise OptionError(
            f"{arguments.bench} is a function, which takes any name; there is no other notation to convert it to."
        )
    target = None if arguments.to is None else notation_called(space, arguments.to)
    file = Path(arguments.archs[0]).expanduser()
    if len(arguments.archs) == 1 and file.is_file():
        if target is None:
            raise OptionError(f"--to is missing; it must be one of {', '.join(space.notations)}.")
        header, rows = _converted(file, space, target, arguments)
    else:
        archs = _named(space, arguments.archs, arguments.written)
        if arguments.out is None:
            for line in _lines(space, archs, target):
                print(line)
            return
        chosen = list(space.notations.values()) if target is None else [target]
        header, rows = [one.name for one in chosen], [[one.write(arch) for one in chosen] for arch in archs]
    with _opened(arguments.out) as out:
        csv.writer(out, lineterminator="\n").writerows([to_cell(cell) for cell in row] for row in [header, *rows])
    if arguments.out is not None:
        print(arguments.out)


def _named(space: SearchSpace, words: Sequence[str], written: str | None) -> list[Architecture]:
    """The architectures that words name, in one notation or, without --from, by the beginning of a string.

    Raises:
        HarnessError: for a word that names none or has several meanings.
    """
    if written is not None:
        return read_all(space, words, lambda at: f"architecture {at + 1}", written)[1]
    for word in words:
        if Path(word).suffix.lower() in (".csv", ".parquet", ".gz", ".tsv") and not space.read_official(word):
            raise OptionError(f"There is no file '{word}', or it stands beside others; convert takes one file.")
    return [space.find(word) for word in words]


def _lines(space: SearchSpace, archs: Sequence[Architecture], target: Notation | None) -> Iterator[str]:
    """A line for each architecture; without a target one for each notation, with its name."""
    for arch in archs:
        if target is not None:
            yield target.write(arch)
        else:
            yield from (f"{name}: {notation.write(arch)}" for name, notation in space.notations.items())


def _converted(file: Path, space: SearchSpace, target: Notation, arguments: argparse.Namespace) -> Table:
    """A file's rows, the column of the architectures in another notation and under its name; others are kept.

    Raises:
        HarnessError: for a file without architectures, or with ones that the space lacks.
    """
    texts, lines, rest = [], [], []
    with opened_rows(file, KNOWN) as rows:
        names = list(rows.header)
        keys = _columns(file, names, arguments.column)
        for line, cells in rows.cells:
            parts = [cells[at].strip() for at in keys]
            texts.append(parts[0] if len(parts) == 1 else spec_text(*parts))
            lines.append(line)
            rest.append(cells)
    if not texts:
        raise CorruptDataError(f"'{file}' has no rows; each is an architecture.")
    notation = arguments.written
    if notation is None and names[keys[0]].lower() in INDEX_NAMES and space.enumerable:
        notation = INDEX
    _, archs = read_all(space, texts, lambda at: f"'{file}', line {lines[at]}", notation)
    name = _new_name(names, keys, target)
    kept = [at for at in range(len(names)) if at not in keys[1:]]
    header = [name if at == keys[0] else names[at] for at in kept]
    written = [target.write(arch) for arch in archs]
    return header, [
        [text if at == keys[0] else cells[at] for at in kept] for text, cells in zip(written, rest, strict=True)
    ]


def _columns(file: Path, names: Sequence[str], chosen: str | None) -> tuple[int, ...]:
    """The places of the columns that name the architectures.

    Raises:
        CorruptDataError: if none does.
        OptionError: if there is no column of the name that was given.
    """
    if chosen is not None:
        if chosen not in names:
            raise OptionError(f"--column is invalid: {unknown_name('column', chosen, list(names))}")
        return (names.index(chosen),)
    keys = roles_of(names).keys
    if not keys:
        listed = ", ".join(map(shown, names))
        raise CorruptDataError(f"'{file}' has the columns {listed}; give the one with architectures as --column NAME.")
    return keys


def _new_name(names: Sequence[str], keys: Sequence[int], target: Notation) -> str:
    """What the converted column is called: `index` or `arch` where its name said how it was written."""
    old = names[keys[0]]
    usual = INDEX if target.name == INDEX else OFFICIAL
    name = usual if old.lower() in (*ARCH_NAMES, *INDEX_NAMES, "") or len(keys) > 1 else old
    return old if name != old and name in names else name


@contextmanager
def _opened(path: Path | None) -> Iterator[TextIO]:
    """Standard output, or a file that is whole or absent.

    Raises:
        OptionError: if it cannot be written.
    """
    if path is None:
        yield sys.stdout
        return
    try:
        with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise OptionError(f"--out {path} cannot be written: {error.strerror}.") from None
