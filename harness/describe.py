"""The command `python -m harness.describe BENCH ARCH`: an architecture, its counts, its truth and its picture."""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("describe"))

import argparse
import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from harness.cli.config import data_options
from harness.columns import ARCH
from harness.errors import HarnessError, MissingDataError, OptionError
from harness.evaluation.changes import CHANGE, Changes, Place, changes_of
from harness.evaluation.marks import Mark, add_mark
from harness.evaluation.own_truth import opened_truth, truth_word
from harness.evaluation.pairs import data_set_for
from harness.evaluation.restriction import open_restriction
from harness.files.atomic import replacing, write_whole
from harness.inputs import DataSet
from harness.report.cell_picture import cell_picture
from harness.report.escape import csv_text
from harness.report.style import DPI, style
from harness.report.tables import truth_meaning
from harness.settings import Settings
from harness.space import Architecture, SearchSpace, space_of

_MOST_ROWS = 60  # of changes in the terminal


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("describe", words)


def run(arguments: argparse.Namespace) -> None:
    """Print the description and write the picture.

    Raises:
        HarnessError: for a user error.
    """
    space = space_of(arguments.bench, (arguments.arch,))
    arch = space.find(arguments.arch)
    words = space.data_sets if arguments.dataset is None else ()
    options = data_options(arguments.data)
    data_sets = [data_set_for(space, word, options, arguments.loss) for word in words or (arguments.dataset,)]
    out = arguments.out or Path(f"{space.name}-{space.label(arch)}.png")
    for line in describe(space, arch, data_sets):
        print(line)
    if arguments.changes:
        _print_changes(space, arch, data_sets[0], arguments)
    if arguments.mark is not None:
        n_marks = add_mark(arguments.mark, space, Mark(arch, arguments.note))
        print(f"{arguments.mark}: {n_marks:,} marked")
    _draw(space, arch, out)
    print(out)


def _print_changes(space: SearchSpace, arch: Architecture, data_set: DataSet, arguments: argparse.Namespace) -> None:
    """The table of changes, in the terminal the first of them, and as a file if one is asked for."""
    restriction = None
    if arguments.restrict is not None:
        restriction = open_restriction(space, data_set, Settings(restrict=arguments.restrict))
    found = changes_of(Place(space, data_set, arguments.store), arch, arguments.proxy)
    if restriction is not None:
        inside = restriction.inside(list(found.table[ARCH]))
        found = dataclasses.replace(found, table=found.table.assign(inside=inside))
    print()
    for line in change_lines(space, data_set, found):
        print(line)
    if arguments.csv is not None:
        try:
            write_whole(arguments.csv, csv_text(found.table).encode())
        except OSError as error:
            raise OptionError(f"--csv {arguments.csv} cannot be written: {error.strerror}.") from None
        print(arguments.csv)


def change_lines(space: SearchSpace, data_set: DataSet, found: Changes) -> Iterator[str]:
    """The table as text: the described architecture and the first changes, named by what changes where possible."""
    table = found.table
    yield f"{len(table) - 1:,} changes of one step, {space.name} / {data_set.name}; the first row is the architecture"
    shown = table.head(_MOST_ROWS + 1)
    named = shown.drop(columns=[ARCH]) if space.positions else shown.drop(columns=[CHANGE])
    yield named.to_string(index=False, na_rep="-", float_format=lambda value: f"{value:,.6g}")
    if len(table) > len(shown):
        yield f"... {len(table) - len(shown):,} more; --csv FILE writes all"
    yield from (f"{note.rstrip('.')}." for note in found.notes)


def describe(space: SearchSpace, arch: Architecture, data_sets: Sequence[DataSet]) -> Iterator[str]:
    """Lines of text: name, canonical form, and for each data set the counts and the truth on this machine."""
    number = space.number(arch)
    place = "of " if number is None else f"number {number:,} of {len(space.architectures):,} in "
    yield f"{arch}, {place}{space.name}"
    form = space.canonical(arch)
    yield "It is its own canonical form." if form == arch else f"Computes the same as {form}."
    if space.has_neighbours:
        yield f"{len(space.neighbours(arch))} neighbours"
    for data_set in data_sets:
        try:
            space.require_counts([arch], data_set, 1)
        except MissingDataError as error:
            yield f"{data_set.name}: no counts: {error}"
        else:
            yield from _counts(space, arch, data_set)
        yield from _truth(space, arch, data_set)


def _counts(space: SearchSpace, arch: Architecture, data_set: DataSet) -> Iterator[str]:
    params, flops = space.params(arch, data_set), space.flops(arch, data_set)
    live = space.params(arch, data_set, live=True), space.flops(arch, data_set, live=True)
    counts = f"{params:,} params ({live[0]:,} live), {flops / 1e6:,.3f} MFLOPs ({live[1] / 1e6:,.3f} live)"
    yield f"{data_set.name}: {counts}"
    for cost, value in space.costs(arch, data_set).items():
        if cost not in ("params", "flops"):
            yield f"    {cost} {value:,.0f}"


def _truth(space: SearchSpace, arch: Architecture, data_set: DataSet) -> Iterator[str]:
    try:
        truth = opened_truth(space, data_set, truth_word(space, data_set, Settings()))
        columns = truth.columns(data_set.name)
        if not columns:
            truth.column(data_set.name, "")
    except HarnessError as error:
        yield f"    {error}"
        return
    for column in columns:
        (value,) = truth.values([arch], data_set.name, column.name)
        if np.isfinite(value):
            yield f"    {column.name} {value:.3f} ({truth_meaning(asdict(column))})"


def _draw(space: SearchSpace, arch: Architecture, out: Path) -> None:
    try:
        with style():
            figure = cell_picture(space.graph(arch), f"{space.name} {space.label(arch)}", str(arch))
            with replacing(out) as part:
                figure.savefig(part, dpi=DPI, format=out.suffix.removeprefix(".") or None)
    except OSError as error:
        raise OptionError(f"The picture {out} cannot be written: {error.strerror}. Give another --out.") from None
