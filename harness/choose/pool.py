"""The pool: architectures that may be trained, their scores, and the accuracies of those that were."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Pool:
    """Trained architectures and those that could be trained next.

    Attributes:
        archs: names, [n].
        index: official indices, int64 [n].
        classes: labels 0, 1, ... of isomorphism classes, int [n]; equal networks have equal labels.
        scores: [n, n_proxies] a column per proxy, higher is better, NaN where it has none.
        accuracies: float64 [n], higher is better, NaN where not trained.
        counts: the names of those columns that are counting baselines.
    """

    archs: Sequence[str]
    index: NDArray[np.int64]
    classes: NDArray[np.intp]
    scores: pd.DataFrame
    accuracies: NDArray[np.float64]
    counts: frozenset[str]

    @cached_property
    def trained(self) -> NDArray[np.intp]:
        """Rows with an accuracy."""
        return np.flatnonzero(np.isfinite(self.accuracies))

    @cached_property
    def untrained(self) -> NDArray[np.intp]:
        """One row per class of which no member was trained, the first by index."""
        known = np.isin(self.classes, self.classes[self.trained])
        order = np.argsort(self.index, kind="stable")
        _, first = np.unique(self.classes[order], return_index=True)
        rows = order[first]
        return np.sort(rows[~known[rows]])

    @cached_property
    def features(self) -> NDArray[np.float64]:
        """Ranks [n, n_proxies] among the pool over n; what has no score ranks last. See `Predictor.fit`."""
        return ranks_of(self.scores.to_numpy(dtype=np.float64))

    @property
    def n_trained_classes(self) -> int:
        """Different networks among the trained ones."""
        return int(np.unique(self.classes[self.trained]).size)


def ranks_of(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks [n, m] of columns over n, 1 the highest; NaN ranks with -inf."""
    return np.asarray(pd.DataFrame(np.where(np.isnan(scores), -np.inf, scores)).rank().to_numpy() / len(scores))
