"""The interface of ensembles: a table of scores -> one score per architecture; higher means better."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from harness.errors import OptionError
from harness.registry import Registry


@dataclass(frozen=True, eq=False)
class Known:
    """Training data of an ensemble: `truth` [n], higher is better, NaN if unknown; `groups` [n] are not split."""

    truth: NDArray[np.float64]
    groups: NDArray[Any]


class Ensemble(ABC):
    """An ensemble is a frozen dataclass in one file; its fields are its options.

    Ensembles receive ranks, so that the scale of scores does not matter: a proxy and its logarithm are equivalent.
    """

    version: ClassVar[int]
    paper: ClassVar[str] = ""
    needs_truth: ClassVar[bool] = False
    """Whether it is fitted to ground truth; then it needs `truth` and `groups`, and cannot be used in a search."""

    def scores(
        self, table: pd.DataFrame, *, truth: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> "pd.Series[float]":
        """One score per row, higher is better; NaN if a proxy has no score.

        Scores depend on the other rows: they rank a pool of candidates, not a single one.

        Args:
            table: rows are architectures, columns proxies, higher is better; -inf ranks lowest, +inf highest.
            truth: (n_rows,) accuracies, higher is better, NaN if unknown; for ensembles that are fitted.
            groups: (n_rows,) labels of isomorphism classes (canonical forms); for the same ones.

        Raises:
            OptionError: if there are fewer than two columns, or truth or groups are needed and not given.
            Undefined: if there are too few rows.
        """
        if len(table.columns) < 2:
            raise OptionError(f"An ensemble combines at least two proxies, but got {len(table.columns)}.")
        if self.needs_truth and (truth is None or groups is None):
            raise OptionError(f"{type(self).__name__} needs ground truth: give truth= and groups=, one per row.")
        values = table.to_numpy(dtype=np.float64)
        complete = ~np.isnan(values).any(axis=1)
        found = np.full(len(table), np.nan)
        if complete.any():
            known = None
            if truth is not None and groups is not None:
                known = Known(np.asarray(truth, dtype=np.float64)[complete], np.asarray(groups)[complete])
            found[complete] = self.combine(stats.rankdata(values[complete], axis=0), known)
        return pd.Series(found, index=table.index)

    @abstractmethod
    def combine(self, ranks: NDArray[np.float64], known: Known | None) -> NDArray[np.float64]:
        """Scores [n] from ranks [n, n_proxies]: 1 is the lowest score of a proxy, n its highest, ties share the mean.

        Raises:
            Undefined: if the rows do not suffice.
        """


ENSEMBLES: Registry[type[Ensemble]] = Registry("ensemble", "harness.ensembles")
