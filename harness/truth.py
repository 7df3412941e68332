"""Truth: what networks reached when they were trained, by architecture."""

import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from harness.errors import CorruptDataError, MissingDataError, UnknownNameError
from harness.paths import truth_home
from harness.registry import unknown_name
from harness.truth_sources import fetch_command, sources_of
from harness.truth_table import TableFile, TruthColumn

_REINSTALL = "pip install --force-reinstall nas-proxy-harness"


class Truth:
    """All tables of one benchmark on this machine: those in the data home and those that come with the package."""

    def __init__(self, benchmark: str, tables: Sequence[TableFile], home: Path | None = None) -> None:
        self.benchmark = benchmark
        self._home = home
        self._tables: dict[str, TableFile] = {}
        for table in tables:
            for key in table.columns:
                if key in self._tables:
                    raise CorruptDataError(
                        f"Both {self._tables[key].path} and {table.path} hold the column '{key}'. Delete one of them."
                    )
                self._tables[key] = table

    @classmethod
    def open(cls, benchmark: str, home: Path | None = None) -> Self:
        """The truth of a benchmark; only the columns' descriptions are read.

        Args:
            benchmark: its name.
            home: the data home, by default `HARNESS_DATA`.

        Raises:
            MissingDataError: if there is no table at all.
            CorruptDataError: if a table is damaged.
        """
        command = fetch_command(benchmark)
        embedded = [TableFile(path, _REINSTALL, embedded=True) for path in embedded_tables(benchmark)]
        fetched = [TableFile(path, command) for path in sorted((truth_home(home) / benchmark).glob("*.parquet"))]
        if not embedded and not fetched:
            raise MissingDataError(f"No truth of {benchmark} is in {truth_home(home) / benchmark}. Run `{command}`.")
        return cls(benchmark, embedded + fetched, home)

    def datasets(self) -> list[str]:
        """The data sets and tasks that there is truth for, in alphabetical order."""
        return sorted({column.dataset for column in self._columns()})

    def columns(self, dataset: str) -> list[TruthColumn]:
        """The columns of a data set, by name; none if there is no truth for it."""
        return sorted((column for column in self._columns() if column.dataset == dataset), key=lambda found: found.name)

    def column(self, dataset: str, name: str) -> TruthColumn:
        """What the column `name` of a data set is.

        Raises:
            MissingDataError: if tables of this benchmark are still to be fetched and none here has the data set.
            UnknownNameError: otherwise, with the columns that there are.
        """
        key = f"{dataset}/{name}"
        if key in self._tables:
            return self._tables[key].columns[key]
        unfetched = [source for source in sources_of(self.benchmark) if not source.path(self._home).is_file()]
        known = [column.name for column in self.columns(dataset)]
        if known:
            sentence = unknown_name(f"truth column of {self.benchmark} on {dataset}", name, known)
            more = f" Run `{fetch_command(self.benchmark)}` for more." if unfetched else ""
            raise UnknownNameError(sentence + more)
        if unfetched:
            raise MissingDataError(
                f"No truth of {self.benchmark} for {dataset} is in {truth_home(self._home) / self.benchmark}. "
                f"Run `{fetch_command(self.benchmark)}`."
            )
        raise UnknownNameError(unknown_name(f"data set with truth of {self.benchmark}", dataset, self.datasets()))

    def values(self, archs: Sequence[str], dataset: str, name: str) -> NDArray[np.float64]:
        """The numbers of a column, float64 [len(archs)] in the order of `archs`; NaN where the table lacks one.

        Raises:
            MissingDataError: as `column`.
            UnknownNameError: as `column`.
            CorruptDataError: if the table is damaged.
        """
        key = self.column(dataset, name).key
        return self._tables[key].values(archs, key)

    def _columns(self) -> Iterator[TruthColumn]:
        return (table.columns[key] for key, table in self._tables.items())


def embedded_tables(benchmark: str) -> list[Path]:
    """The tables `<benchmark>/<part>/truth.parquet` of the package."""
    spec = importlib.util.find_spec("benchmarks")
    folders = spec.submodule_search_locations or [] if spec else []
    return sorted(path for folder in folders for path in (Path(folder) / benchmark).glob("*/truth.parquet"))
