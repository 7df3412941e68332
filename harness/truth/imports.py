"""Truth from official releases that cannot be fetched: converted once from a path on the user's machine."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.files.limited import Limits, Reading, call_limited
from harness.paths import truth_home
from harness.registry import Registry
from harness.truth.table import TruthColumn, TruthTable, write_table


@dataclass(frozen=True)
class TruthImport:
    """A release that becomes one table of a benchmark.

    Benchmark folders register theirs in `TRUTH_IMPORTS` under `name`, as given on the command line. `contents` says
    what the path must be, `page` where its authors publish it. `convert` is called with the path; `version` increases
    whenever the same files are converted to a different table. `part_of` names the release that is imported from the
    same path by the same command, where it makes tables of several benchmarks; `only_source_of` are data sets of which
    nothing else brings truth.
    """

    name: str
    benchmark: str
    data_sets: tuple[str, ...]
    contents: str
    page: str
    licence: str
    convert: Callable[[Path], TruthTable]
    version: int = 1
    part_of: str = ""
    only_source_of: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """Changes with the conversion; the sha256 of the files is recorded in the columns."""
        return f"import/{self.name}@{self.version}"

    @property
    def command(self) -> str:
        """The command that creates the table."""
        return f"python -m harness.data import {self.part_of or self.name} PATH"

    @property
    def how_to_get(self) -> str:
        """The command in words: what its path is, and where that is published."""
        return f"`{self.command}`, PATH being {self.contents} from {self.page}"

    def path(self, home: Path | None = None) -> Path:
        """The path of the table in a data home."""
        return truth_home(home) / self.benchmark / f"imported-{self.name}.parquet"


TRUTH_IMPORTS: Registry[TruthImport] = Registry("importable release", "benchmarks")


def imports_of(benchmark: str) -> list[TruthImport]:
    """The releases of one benchmark, in alphabetical order."""
    return [release for release in map(TRUTH_IMPORTS.get, TRUTH_IMPORTS) if release.benchmark == benchmark]


def imported_as(name: str) -> list[TruthImport]:
    """The releases that one command imports: that of a name, and those that are part of it.

    Raises:
        UnknownNameError: if nothing is called so.
    """
    parts = (release for release in map(TRUTH_IMPORTS.get, TRUTH_IMPORTS) if release.part_of == name)
    return [TRUTH_IMPORTS.get(name), *parts]


def import_truth(release: TruthImport, path: Path, home: Path | None = None) -> TruthTable:
    """Convert the files at `path` into the release's table, which replaces an older one atomically.

    They may be anybody's: they are read in a process of limited memory and time, which hands back numbers and names.

    Raises:
        MissingDataError: if the files are missing.
        CorruptDataError: if they are not the release; an older table is kept.
    """
    reading = Reading(__name__, "convert_plain", (release.name, str(path)), str(path))
    found = call_limited(reading, _limits(path))
    columns = tuple(TruthColumn(**column) for column in found["columns"])
    table = TruthTable(found["archs"], columns, tuple(found["values"]))
    write_table(table, release.path(home), release.origin)
    return table


def convert_plain(name: str, path: str) -> dict[str, Any]:
    """The table that a registered release makes of a path, as plain data: what the other process is asked for."""
    table = TRUTH_IMPORTS.get(name).convert(Path(path))
    values = [np.ascontiguousarray(values, dtype=np.float64) for values in table.values]
    return {"archs": list(table.archs), "columns": [asdict(column) for column in table.columns], "values": values}


def _limits(path: Path) -> Limits:
    """4 GiB and four times the files' size; 10 minutes, and a second for each file and each megabyte."""
    files = [path] if path.is_file() else [each for each in path.glob("*") if each.is_file()]
    n_bytes = sum(each.stat().st_size for each in files)
    return Limits(memory_bytes=2**32 + 4 * n_bytes, seconds=600 + len(files) + n_bytes / 10**6)
