"""Truth from official releases that cannot be fetched: converted once from a path on the user's machine."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.paths import truth_home
from harness.registry import Registry
from harness.truth.table import TruthTable, write_table


@dataclass(frozen=True)
class TruthImport:
    """A release that becomes one table of a benchmark.

    Benchmark folders register theirs in `TRUTH_IMPORTS` under `name`, as given on the command line. `contents` says
    what the path must be, `page` where its authors publish it. `convert` is called with the path; `version` increases
    whenever the same files are converted to a different table.
    """

    name: str
    benchmark: str
    data_sets: tuple[str, ...]
    contents: str
    page: str
    licence: str
    convert: Callable[[Path], TruthTable]
    version: int = 1

    @property
    def origin(self) -> str:
        """Changes with the conversion; the sha256 of the files is recorded in the columns."""
        return f"import/{self.name}@{self.version}"

    @property
    def command(self) -> str:
        """The command that creates the table."""
        return f"python -m harness.data import {self.name} PATH"

    def path(self, home: Path | None = None) -> Path:
        """The path of the table in a data home."""
        return truth_home(home) / self.benchmark / f"imported-{self.name}.parquet"


TRUTH_IMPORTS: Registry[TruthImport] = Registry("importable release", "benchmarks")


def imports_of(benchmark: str) -> list[TruthImport]:
    """The releases of one benchmark, in alphabetical order."""
    return [release for release in map(TRUTH_IMPORTS.get, TRUTH_IMPORTS) if release.benchmark == benchmark]


def import_truth(release: TruthImport, path: Path, home: Path | None = None) -> TruthTable:
    """Convert the files at `path` into the release's table, which replaces an older one atomically.

    Raises:
        MissingDataError: if the files are missing.
        CorruptDataError: if they are not the release; an older table is kept.
    """
    table = release.convert(path)
    write_table(table, release.path(home), release.origin)
    return table
