"""Sources of ground truth: published files, each with the function that converts them to a table."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import CorruptDataError
from harness.files.downloads import RemoteFile, discard, download
from harness.paths import downloads_home, truth_home
from harness.registry import Registry
from harness.truth.table import GRANULARITY, TableFile, TruthTable, write_table


@dataclass(frozen=True)
class TruthSource:
    """Files of one publication that become one table of a benchmark.

    Benchmark folders register theirs in `TRUTH_SOURCES` as `<benchmark>/<name>`. `convert` is called with the paths of
    the files, in the order of `files`; `version` increases whenever the same files are converted to a different table.
    """

    name: str
    benchmark: str
    files: tuple[RemoteFile, ...]
    licence: str
    convert: Callable[[Sequence[Path]], TruthTable]
    version: int = 1

    @property
    def key(self) -> str:
        """Name in the registry."""
        return f"{self.benchmark}/{self.name}"

    @property
    def fingerprint(self) -> str:
        """Changes with the files or their conversion."""
        digest = hashlib.sha256(f"{self.key}@{self.version}, {GRANULARITY}".encode())
        for file in self.files:
            digest.update(file.sha256.encode())
        return digest.hexdigest()

    @property
    def command(self) -> str:
        """The command that creates the table."""
        return fetch_command(self.benchmark)

    def path(self, home: Path | None = None) -> Path:
        """The path of the table in a data home."""
        return truth_home(home) / self.benchmark / f"{self.name}.parquet"


TRUTH_SOURCES: Registry[TruthSource] = Registry("truth source", "benchmarks")


def fetch_command(benchmark: str) -> str:
    """The command that fetches all tables of a benchmark."""
    return f"python -m harness.data fetch {benchmark}"


def sources_of(benchmark: str) -> list[TruthSource]:
    """The sources of one benchmark, in alphabetical order."""
    return [source for source in map(TRUTH_SOURCES.get, TRUTH_SOURCES) if source.benchmark == benchmark]


def open_table(source: TruthSource, home: Path | None = None) -> TableFile:
    """The converted table of a source.

    Raises:
        CorruptDataError: if the table is damaged.
    """
    return TableFile(source.path(home), source.command)


def is_current(source: TruthSource, home: Path | None = None) -> bool:
    """Whether the table exists, is undamaged, and was made from the same files by the same conversion."""
    if not source.path(home).is_file():
        return False
    try:
        return open_table(source, home).origin == source.fingerprint
    except CorruptDataError:
        return False


def fetch(source: TruthSource, home: Path | None = None) -> bool:
    """Download and convert a source, unless its table is current; returns whether anything was done.

    The downloaded files are deleted once the table is written.

    Raises:
        MissingDataError: if a file cannot be reached.
        CorruptDataError: if a file differs from the published one; the table is unchanged.
    """
    if is_current(source, home):
        return False
    downloads = downloads_home(home)
    paths = [download(file, downloads) for file in source.files]
    write_table(source.convert(paths), source.path(home), source.fingerprint)
    for file in source.files:
        discard(file, downloads)
    return True
