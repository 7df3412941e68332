"""What a ranking is for: finding good architectures. Weighted tau, tau among the best, top-k overlap, regret.

A score that many architectures share ranks none of them first: whatever picks from the top is the expectation over a
random order of ties. Weighted tau is SciPy's (Vigna, WWW 2015): hyperbolic weights, so that exchanges among the best
count most, ranked by truth and by score in turn.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from harness import columns
from harness.agreement.correlation import Pairs, correlations

TOP = (1, 10, 100)
NAN = float("nan")


@dataclass(frozen=True)
class Selection:
    """How well the best by score are the best by truth.

    Attributes:
        weighted_tau: in [-1, 1].
        tau_upper_half, tau_top_decile: tau-b of the architectures whose truth is not below the median, the .9 quantile.
        overlap: per k of `TOP`, expected share of the k best by score that are among the k best by truth.
        regret: per k of `TOP`, the best truth less the expected best truth among the k best by score, in its unit.
        n_first: architectures that share the highest score.
    """

    weighted_tau: float
    tau_upper_half: float
    tau_top_decile: float
    overlap: tuple[float, ...]
    regret: tuple[float, ...]
    n_first: int

    def columns(self) -> dict[str, float]:
        """Its cells of `selection.csv`, by column name."""
        return {
            columns.WEIGHTED_TAU: self.weighted_tau,
            columns.TAU_UPPER_HALF: self.tau_upper_half,
            columns.TAU_TOP_DECILE: self.tau_top_decile,
            **{f"top{k}_overlap": value for k, value in zip(TOP, self.overlap, strict=True)},
            **{f"top{k}_regret": value for k, value in zip(TOP, self.regret, strict=True)},
            columns.N_FIRST: self.n_first,
        }


def selection(scores: ArrayLike, truth: ArrayLike) -> Selection:
    """The selection by a column of scores; rows where either is NaN are left out, infinities rank at the ends.

    Args:
        scores: (n_rows,) higher is better.
        truth: (n_rows,) higher is better.
    """
    values, accuracies = np.asarray(scores, dtype=np.float64), np.asarray(truth, dtype=np.float64)
    used = ~(np.isnan(values) | np.isnan(accuracies))
    values, accuracies = values[used], accuracies[used]
    if values.size < 2:
        return Selection(NAN, NAN, NAN, (NAN,) * len(TOP), (NAN,) * len(TOP), values.size)
    return Selection(
        weighted_tau=_weighted_tau(values, accuracies),
        tau_upper_half=tau_above(values, accuracies, 0.5),
        tau_top_decile=tau_above(values, accuracies, 0.9),
        overlap=tuple(top_overlap(values, accuracies, k) for k in TOP),
        regret=tuple(float(accuracies.max()) - best_of_top(values, accuracies, k) for k in TOP),
        n_first=int(np.count_nonzero(values == values.max())),
    )


def tau_above(scores: NDArray[np.float64], truth: NDArray[np.float64], quantile: float) -> float:
    """Tau-b of the rows whose truth is not below its quantile."""
    kept = truth >= np.quantile(truth, quantile)
    return correlations(scores[kept], truth[kept]).tau


def top_overlap(scores: NDArray[np.float64], truth: NDArray[np.float64], k: int) -> float:
    """Expected |top k by score and by truth| / k, ties of each in random order; NaN for fewer than k rows."""
    if scores.size < k:
        return NAN
    return float((_chance_of_top(scores, k) * _chance_of_top(truth, k)).sum() / k)


def best_of_top(scores: NDArray[np.float64], truth: NDArray[np.float64], k: int) -> float:
    """Expected best truth among the k best by score, ties in random order; of k=1 the mean over the ties.

    NaN for fewer than k rows.
    """
    if scores.size < k:
        return NAN
    threshold = np.partition(scores, scores.size - k)[scores.size - k]
    certain, tied = truth[scores > threshold], np.sort(truth[scores == threshold])
    n_drawn = k - certain.size
    # P(the best of n drawn without replacement from m is the i-th lowest) = C(i - 1, n - 1) / C(m, n), a ratio that is
    # followed from the highest one down.
    places = np.arange(tied.size, 0, -1)
    below = np.cumprod(np.maximum(places - n_drawn, 0) / places)  # no drawn one is at or above the place
    chance = -np.diff(below, prepend=1.0)[::-1]
    floor = certain.max(initial=-np.inf)
    return float((np.maximum(tied, floor) * chance).sum())


def _chance_of_top(values: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """(n,) probability of each row to be among the k highest, ties in random order."""
    threshold = np.partition(values, values.size - k)[values.size - k]
    above, tied = values > threshold, values == threshold
    return np.asarray(above + tied * ((k - np.count_nonzero(above)) / np.count_nonzero(tied)))


def _weighted_tau(scores: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    # SciPy knows no infinities in its merge; ranks are what it uses anyway.
    pairs = Pairs.of(scores, truth)
    if np.ptp(pairs.scores) == 0 or np.ptp(pairs.truth) == 0:
        return NAN
    return float(stats.weightedtau(pairs.scores, pairs.truth).statistic)
