"""Ground truth: the accuracy of trained networks, by architecture."""

import importlib.util
from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from harness.errors import CorruptDataError, MissingDataError, UnknownNameError
from harness.paths import truth_home
from harness.registry import unknown_name
from harness.truth.imports import imports_of
from harness.truth.sources import fetch_command, sources_of
from harness.truth.table import TableFile, TruthColumn

_REINSTALL = "pip install --force-reinstall nas-proxy-harness"


class Truth:
    """All available tables of one benchmark: those in the data home and those that come with the package.

    A column that is in both a fetched and an imported table is read from the imported one, which is the official
    release, unless it has fewer architectures; the column's note names the other table.
    """

    def __init__(
        self, benchmark: str, tables: Sequence[TableFile], home: Path | None = None, imported: Collection[Path] = ()
    ) -> None:
        self.benchmark = benchmark
        self._home = home
        self._tables: dict[str, TableFile] = {}
        self._columns: dict[str, TruthColumn] = {}
        for table in sorted(tables, key=lambda table: table.path in imported):
            for key, column in table.columns.items():
                other = self._tables.get(key)
                if other is not None:
                    if (table.path in imported) == (other.path in imported):
                        raise CorruptDataError(
                            f"Both {other.path} and {table.path} contain the column '{key}'. Delete one of them."
                        )
                    first, second = (other, table) if table.n_archs < other.n_archs else (table, other)
                    self._tables[key] = first
                    beside = f"also in {second.path.name}, for {second.n_archs:,} architectures"
                    note = first.columns[key].note
                    self._columns[key] = replace(first.columns[key], note=f"{note}; {beside}" if note else beside)
                else:
                    self._tables[key], self._columns[key] = table, column

    @classmethod
    def open(cls, benchmark: str, home: Path | None = None) -> Self:
        """The ground truth of a benchmark; only the descriptions of columns are read.

        Args:
            benchmark: its name.
            home: the data home, by default `HARNESS_DATA`.

        Raises:
            MissingDataError: if there is no table.
            CorruptDataError: if a table is damaged.
        """
        embedded = [TableFile(path, _REINSTALL, embedded=True) for path in embedded_tables(benchmark)]
        paths = sorted((truth_home(home) / benchmark).glob("*.parquet"))
        if not embedded and not paths:
            check_has_truth(benchmark)
            raise MissingDataError(
                f"There is no ground truth of {benchmark} in {truth_home(home) / benchmark}. "
                f"Run {how_to_get(benchmark)}."
            )
        tables = [TableFile(path, repair_command(path, home)) for path in paths]
        return cls(benchmark, embedded + tables, home, {release.path(home) for release in imports_of(benchmark)})

    def datasets(self) -> list[str]:
        """The data sets and tasks with ground truth, in alphabetical order."""
        return sorted({column.dataset for column in self._columns.values()})

    def columns(self, dataset: str) -> list[TruthColumn]:
        """The columns of a data set, by name; empty if it has no ground truth."""
        found = (column for column in self._columns.values() if column.dataset == dataset)
        return sorted(found, key=lambda column: column.name)

    def column(self, dataset: str, name: str) -> TruthColumn:
        """The description of column `name` of a data set.

        Raises:
            MissingDataError: if no available table has the data set and some tables have not been fetched.
            UnknownNameError: otherwise, listing the available columns.
        """
        key = f"{dataset}/{name}"
        if key in self._columns:
            return self._columns[key]
        only = [release for release in imports_of(self.benchmark) if dataset in release.only_source_of]
        if only and not self.columns(dataset):
            raise MissingDataError(
                f"There is no ground truth of {self.benchmark} on {dataset} in "
                f"{truth_home(self._home) / self.benchmark}. Run {only[0].how_to_get}."
            )
        unfetched = [source for source in sources_of(self.benchmark) if not source.path(self._home).is_file()]
        known = [column.name for column in self.columns(dataset)]
        if known:
            sentence = unknown_name(f"truth column of {self.benchmark} on {dataset}", name, known)
            more = f" Run `{fetch_command(self.benchmark)}` for more." if unfetched else ""
            raise UnknownNameError(sentence + more + self._importable(dataset))
        if unfetched:
            raise MissingDataError(
                f"There is no ground truth of {self.benchmark} on {dataset} in "
                f"{truth_home(self._home) / self.benchmark}. Run `{fetch_command(self.benchmark)}`."
            )
        raise UnknownNameError(unknown_name(f"data set with truth of {self.benchmark}", dataset, self.datasets()))

    def values(self, archs: Sequence[str], dataset: str, name: str) -> NDArray[np.float64]:
        """The values of a column, float64 [len(archs)] in the order of `archs`; NaN if missing.

        Raises:
            MissingDataError: as `column`.
            UnknownNameError: as `column`.
            CorruptDataError: if the table is damaged.
        """
        key = self.column(dataset, name).key
        return self._tables[key].values(archs, key)

    def n_known(self, dataset: str, name: str) -> int:
        """Number of architectures for which a column has a finite number.

        Raises:
            MissingDataError: as `column`.
            UnknownNameError: as `column`.
            CorruptDataError: if the table is damaged.
        """
        key = self.column(dataset, name).key
        return int(np.isfinite(self._tables[key].values(self._tables[key].archs(), key)).sum())

    def _importable(self, dataset: str) -> str:
        """A sentence on official releases with further columns of the data set that have not been imported."""
        missing = [
            f"`{release.command}`"
            for release in imports_of(self.benchmark)
            if dataset in release.data_sets and not release.path(self._home).is_file()
        ]
        return f" Official releases have more columns: {', '.join(missing)}." if missing else ""


def check_has_truth(benchmark: str) -> None:
    """Check that ground truth of the benchmark exists.

    Raises:
        MissingDataError: if it has none, naming what can be done without it.
    """
    if not (embedded_tables(benchmark) or sources_of(benchmark) or imports_of(benchmark)):
        raise MissingDataError(
            f"{benchmark} has no ground truth: there is no table of trained networks to compare scores with. "
            f"It can be searched instead: `python -m harness.search bench={benchmark}`."
        )


def how_to_get(benchmark: str) -> str:
    """The command that brings truth of a benchmark: a download or, where there is none, an import."""
    imports = imports_of(benchmark)
    return imports[0].how_to_get if imports and not sources_of(benchmark) else f"`{fetch_command(benchmark)}`"


def repair_command(path: Path, home: Path | None = None) -> str:
    """The command that restores a table of the data home."""
    benchmark = path.parent.name
    imported = {release.path(home): release.command for release in imports_of(benchmark)}
    return imported.get(path, fetch_command(benchmark))


def embedded_tables(benchmark: str) -> list[Path]:
    """The tables `<benchmark>/<part>/truth.parquet` of the package."""
    spec = importlib.util.find_spec("benchmarks")
    folders = spec.submodule_search_locations or [] if spec else []
    return sorted(path for folder in folders for path in (Path(folder) / benchmark).glob("*/truth.parquet"))
