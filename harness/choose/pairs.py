"""Tau-b from pairs of architectures, with the influence of each on it.

A predictor ranks an architecture by the others' accuracies, so only pairs can be compared whose architectures were held
out together: two that were left out of different folds were ranked by different models. Given the rest, the order of a
pair that no model has seen is as likely to be one as the other if there is nothing to learn, so that this tau has
expectation 0 then. Held-out scores of different folds, pooled, would correlate negatively with the truth.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.agreement.influence import clustered
from harness.agreement.interval import NO_INTERVAL, Interval, normal_interval, quantile


def signs(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """sign(values[i] - values[j]), [n, n]."""
    return np.sign(values[:, None] - values[None, :])


@dataclass(frozen=True, eq=False)
class PairSums:
    """Sums over the pairs of each architecture, each [n]: of concordance, of pairs untied in scores and in truth."""

    concordance: NDArray[np.float64]
    untied_scores: NDArray[np.float64]
    untied_truth: NDArray[np.float64]

    @classmethod
    def none(cls, n: int) -> "PairSums":
        """No pairs of n architectures."""
        return cls(np.zeros(n), np.zeros(n), np.zeros(n))

    @classmethod
    def of(
        cls, scores: NDArray[np.float64], truth: NDArray[np.float64], weights: NDArray[np.float64] | None = None
    ) -> "PairSums":
        """From signs [n, n] of scores and of truth; `weights` [n, n] say how often each pair counts."""
        counted = np.ones_like(truth) if weights is None else weights
        return cls(
            (scores * truth * counted).sum(axis=1),
            (np.abs(scores) * counted).sum(axis=1),
            (np.abs(truth) * counted).sum(axis=1),
        )

    def plus(self, other: "PairSums", rows: NDArray[np.intp]) -> "PairSums":
        """With the pairs among some rows, `other` [rows]."""
        found = []
        for name in ("concordance", "untied_scores", "untied_truth"):
            total = getattr(self, name).copy()
            total[rows] += getattr(other, name)
            found.append(total)
        return PairSums(*found)

    @property
    def tau(self) -> float:
        """Tau-b; 0 where all scores are tied, because such a ranking is a random one."""
        spread = float(np.sqrt(self.untied_scores.sum() * self.untied_truth.sum()))
        return float(self.concordance.sum()) / spread if spread else 0.0

    @property
    def influence(self) -> NDArray[np.float64]:
        """Derivative of tau by the weight of each architecture, [n]; sum 0."""
        n_scores, n_truth = self.untied_scores.sum(), self.untied_truth.sum()
        if not n_scores or not n_truth:
            return np.zeros_like(self.concordance)
        own = 2 * self.concordance / np.sqrt(n_scores * n_truth)
        return np.asarray(own - self.tau * (self.untied_scores / n_scores + self.untied_truth / n_truth))


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error and 95 % interval over other architectures of the kind."""

    value: float
    error: float
    interval: Interval

    @property
    def is_decided(self) -> bool:
        """Whether the interval leaves 0 out."""
        return bool(self.interval.low > 0 or self.interval.high < 0)


def tau_of(sums: PairSums, classes: NDArray[np.intp]) -> Estimate:
    """Tau with its interval; `classes` [n] are labels of isomorphism classes, which are drawn together."""
    found = clustered(sums.influence, classes)
    if not np.isfinite(found.df):
        return Estimate(sums.tau, found.error, NO_INTERVAL)
    return Estimate(sums.tau, found.error, normal_interval(sums.tau, found.error, found.df))


def difference(one: PairSums, other: PairSums, classes: NDArray[np.intp]) -> Estimate:
    """The tau of one less that of the other, on the same architectures."""
    value = one.tau - other.tau
    found = clustered(one.influence - other.influence, classes)
    if not np.isfinite(found.df):  # they rank alike
        return Estimate(value, found.error, Interval(value, value))
    half = quantile(found.df) * found.error
    return Estimate(value, found.error, Interval(value - half, value + half))
