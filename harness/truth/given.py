"""Ground truth that is given in memory, such as the accuracies that a space of the user's own declares."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.truth.table import TableFile, TruthColumn, TruthTable


class GivenTable(TableFile):
    """A table in memory, read as one in a file is."""

    def __init__(self, table: TruthTable, source: str) -> None:
        self.path = Path(source)
        self.embedded = True
        self.origin = source
        self.columns = {column.key: column for column in table.columns}
        self._archs = list(table.archs)
        self._values = {column.key: values for column, values in zip(table.columns, table.values, strict=True)}

    @property
    def n_archs(self) -> int:
        """Number of rows."""
        return len(self._archs)

    def archs(self) -> list[str]:
        """The architectures, in the table's order."""
        return list(self._archs)

    def values(self, archs: Sequence[str], key: str) -> NDArray[np.float64]:
        """See `TableFile`."""
        known = dict(zip(self._archs, self._values[key].tolist(), strict=True))
        return np.array([known.get(arch, np.nan) for arch in archs], dtype=np.float64)


def digest_of_values(archs: Sequence[str], values: NDArray[np.float64]) -> str:
    """The sha256 of names and values."""
    return hashlib.sha256("\n".join(archs).encode() + values.tobytes()).hexdigest()


def unstated_column(name: str, dataset: str, metric: str, source: str, sha256: str) -> TruthColumn:
    """The description of a column of which split, epochs and seeds are not stated; higher is better."""
    return TruthColumn(name, dataset, metric, "", "unstated", None, "unstated", True, source, sha256)
