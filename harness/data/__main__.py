"""`python -m harness.data`: what truth and images are on this machine, how to get them, whether they are whole."""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("data"))

import argparse
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock
from rich.console import Console

from harness.data.status import entries, status_lines, status_table, unfinished, verify
from harness.errors import HarnessError, MissingDataError, OptionError, UnknownNameError
from harness.inputs import DATA_SETS, DataSet, InputKind
from harness.inputs.archives import fetch_archive
from harness.paths import DATA_VARIABLE, data_home, downloads_home, images_home
from harness.registry import unknown_name
from harness.space import BENCHMARKS
from harness.truth.imports import TRUTH_IMPORTS, import_truth, imported_as, imports_of
from harness.truth.sources import TRUTH_SOURCES, TruthSource, fetch

_DAMAGED = 1
_ROOM_FOR_TABLE = 160  # columns, below which the entries are a list
_WIDE = 320  # columns of the status table where it is not shown on a terminal


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("data", words)


def run(arguments: argparse.Namespace) -> int:
    """Run one of its commands: 0, or 1 if files are damaged.

    Raises:
        HarnessError: for a user error, or a data home that cannot be read or written.
    """
    try:
        if arguments.command == "fetch":
            return _fetch(arguments.name)
        if arguments.command == "import":
            return _import(arguments.name, arguments.path)
        return _status() if arguments.command == "status" else _verify()
    except HarnessError:
        raise
    except OSError as error:
        at = f" at {error.filename}" if error.filename else ""
        raise HarnessError(f"{error.strerror or error}{at}. Check {DATA_VARIABLE}={data_home()}.") from error


def _status() -> int:
    console = Console()
    if not console.is_terminal:
        console = Console(width=_WIDE)
    console.print(f"Data home: {data_home()}\nImage folder: {images_home()}", soft_wrap=True, highlight=False)
    found = entries(data_home(), images_home())
    if console.width < _ROOM_FOR_TABLE:
        print("\n".join(status_lines(found, console.width)))
    else:
        console.print(status_table(found))
    return 0


def _fetch(name: str) -> int:
    sources = [TRUTH_SOURCES.get(key) for key in TRUTH_SOURCES]
    files = {source.files for source in sources if source.benchmark == name}  # also those of its other readings
    chosen = [source for source in sources if name == "all" or source.files in files]
    importable = imports_of(name) or (imported_as(name) if name in TRUTH_IMPORTS else [])
    if not chosen and importable:
        raise MissingDataError(f"Nothing of {name} can be fetched. Run {importable[0].how_to_get}.")
    if not chosen and name not in DATA_SETS:
        known = [*sorted({source.benchmark for source in sources}), *DATA_SETS, "all"]
        raise UnknownNameError(unknown_name("table or data set", name, known))
    with FileLock(data_home() / ".fetch.lock"):  # a second fetch waits, and then finds everything there
        for source in chosen:
            _fetch_table(source)
        if not chosen:
            _fetch_images(DATA_SETS.get(name))
    if name == "all":
        by_name = [known for known in DATA_SETS if DATA_SETS.get(known).archive]
        print(f"Images are large and are fetched by name: {', '.join(by_name)}.")
    return 0


def _fetch_table(source: TruthSource) -> None:
    done = fetch(source)
    print(f"{source.key}: {'written to' if done else 'already complete:'} {source.path()}; licence: {source.licence}")


def _import(name: str, path: Path) -> int:
    if name not in TRUTH_IMPORTS and any(TRUTH_SOURCES.get(key).benchmark == name for key in TRUTH_SOURCES):
        raise OptionError(f"The truth of {name} is fetched, not imported: python -m harness.data fetch {name}.")
    for release in imported_as(name):
        with FileLock(data_home() / ".fetch.lock"):
            table = import_truth(release, path.expanduser())
        n_archs, n_all = len(table.archs), len(BENCHMARKS.get(release.benchmark).architectures)
        part = "" if n_archs == n_all else "; the others have no truth in these columns"
        print(
            f"{release.name}: {n_archs:,} of {n_all:,} architectures{part}, {len(table.columns)} columns, "
            f"written to {release.path()}"
        )
    return 0


def _fetch_images(data_set: DataSet) -> None:
    if data_set.archive is None:
        told = f"{data_set.name}: {data_set.how_to_get}. The image folder is {images_home()}."
        if not data_set.embedded and InputKind.real not in data_set.present(images_home()):
            raise MissingDataError(f"Nothing was fetched. {told}")
        print(told)
        return
    for sentence in fetch_archive(data_set.archive, images_home() / "real", downloads_home()):
        print(f"{data_set.name}: {sentence}")


def _verify() -> int:
    whole, damaged = verify(data_home(), images_home())
    for sentence in whole:
        print(f"whole    {sentence}")
    for sentence in damaged:
        print(f"DAMAGED  {sentence}")
    for path in unfinished(data_home()):
        print(f"left by an interrupted fetch; can be deleted: {path}")
    print(f"{len(whole)} whole, {len(damaged)} damaged.")
    return _DAMAGED if damaged else 0
