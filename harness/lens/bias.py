"""Correlations of proxies: with architecture statistics, with one another, and with the truth of other data sets."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from harness.agreement import correlations
from harness.evaluation import Evaluation
from harness.evaluation.evaluation_set import EvaluationSet
from harness.proxy import baseline_names
from harness.report.baselines import baselines_among
from harness.result_tables import proxy_columns

# Proxies whose ranks agree more than this are one group of the map.
SAME_GROUP = 0.7
TRUTH = "(truth)"


def names_of(scores: pd.DataFrame) -> list[str]:
    """Proxies of a table of scores; the first seed of several."""
    return [name for name in proxy_columns(scores) if "#" not in name]


def bias_table(evaluation: Evaluation) -> pd.DataFrame:
    """Tau and rho of each proxy, and of the truth, with each baseline; one row per target, proxy and count.

    A proxy may follow one of them instead of accuracy: size, work, depth, number of convolutions.
    """
    rows = []
    counts = baselines_among(evaluation.agreement)
    for evaluated in evaluation.evaluation_sets:
        scores = evaluation.scores[evaluated.name]
        followed = [name for name in baseline_names() if name in counts and name in scores.columns]
        for name, values in _with_truth(evaluated, scores):
            for count in followed:
                if count != name:
                    found = correlations(values, scores[count])
                    n = int((~np.isnan(values) & scores[count].notna()).sum())
                    rows.append((*evaluated.name, name, count, n, *found))
    return pd.DataFrame(rows, columns=["bench", "dataset", "proxy", "count", "n", "tau", "rho"])


def similarity(scores: pd.DataFrame, names: Sequence[str]) -> NDArray[np.float64]:
    """(n_names, n_names) tau of each pair of columns, on rows that both have; 1 on the diagonal."""
    values = np.eye(len(names))
    for row, first in enumerate(names):
        for column in range(row):
            values[row, column] = values[column, row] = correlations(scores[first], scores[names[column]]).tau
    return values


def clustered(values: NDArray[np.float64]) -> tuple[list[int], list[int]]:
    """A column order that places similar columns next to each other, and groups (average linkage on 1 - tau).

    Undefined tau is the largest distance. Returns the order and, in this order, the group of each column from 1.
    """
    if len(values) < 2:
        return list(range(len(values))), [1] * len(values)
    distance = 1 - np.nan_to_num(values, nan=-1.0)
    np.fill_diagonal(distance, 0.0)
    tree = hierarchy.linkage(squareform(distance, checks=False), method="average", optimal_ordering=True)
    order = [int(place) for place in hierarchy.leaves_list(tree)]
    groups = hierarchy.fcluster(tree, t=1 - SAME_GROUP, criterion="distance")
    return order, [int(groups[place]) for place in order]


def transfer_table(evaluation: Evaluation) -> pd.DataFrame:
    """Tau of the scores on one data set or task with the truth of another of the same benchmark.

    One row per benchmark, proxy, data set of the scores and data set of the truth; the proxy `(truth)` is the truth of
    the first. Empty for benchmarks with one data set.
    """
    rows = []
    for first in evaluation.evaluation_sets:
        for second in evaluation.evaluation_sets:
            if first.space.name != second.space.name or not np.array_equal(first.index, second.index):
                continue
            for name, values in _with_truth(first, evaluation.scores[first.name]):
                if name != TRUTH or first is not second:
                    found = correlations(values, second.accuracies)
                    rows.append((first.space.name, name, first.data_set.name, second.data_set.name, *found))
    table = pd.DataFrame(rows, columns=["bench", "proxy", "scored_on", "truth_of", "tau", "rho"])
    several = table.groupby("bench")["truth_of"].transform("nunique") > 1
    return table[several].reset_index(drop=True)


def _with_truth(evaluated: EvaluationSet, scores: pd.DataFrame) -> Iterator[tuple[str, NDArray[np.float64]]]:
    for name in names_of(scores):
        yield name, scores[name].to_numpy(dtype=np.float64)
    yield TRUTH, evaluated.accuracies
