"""The best by score: how many of the best by truth are among them, nDCG, and the best truth that they hold.

Rows are taken in the order of their scores until they weigh k. A row weighs 1, or 1 / (size of its class) so that each
network has one vote; a row that k cuts through is taken in part. A score that many rows share ranks none of them first:
every value is the expectation over random orders of ties. Without weights these are the usual measures at k.

nDCG (Jarvelin & Kekalainen, ACM TOIS 20, 2002) as VKDNW (arXiv:2502.04975) defines it: gain 2^accuracy - 1 with the
accuracy in percent, discount 1 / log2(1 + place), so that a network of 1 % more accuracy gains twice as much.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NAN = float("nan")
Column = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Places:
    """Where the rows stand in an order, best first.

    Attributes:
        weights: (n,) of the rows.
        above: (n,) weight of the rows with a higher value.
        tied: (n,) weight of the rows with its value, itself included.
    """

    weights: Column
    above: Column
    tied: Column

    @classmethod
    def of(cls, values: NDArray[np.generic], weights: Column | None = None) -> "Places":
        """Of values (n,), higher is better, and weights (n,), or 1 each."""
        return cls.of_ranks(np.unique(values, return_inverse=True)[1], weights)

    @classmethod
    def of_ranks(cls, ranks: NDArray[np.integer], weights: Column | None = None) -> "Places":
        """As `of`, from dense ranks (n,)."""
        weights = np.ones(ranks.size) if weights is None else weights
        held = np.bincount(ranks, weights=weights)
        return cls(weights, (np.cumsum(held[::-1])[::-1] - held)[ranks], held[ranks])

    def hold(self, k: float) -> bool:
        """Whether the rows weigh k or more, rounding of thirds aside."""
        return bool(self.weights.sum() >= k * (1 - 1e-9))

    def share_of_top(self, k: float) -> Column:
        """(n,) share of each row that is expected among the top k."""
        return np.clip((k - self.above) / self.tied, 0.0, 1.0)

    def share_of(self, summed: Column) -> Column:
        """(n,) the part of a quantity per place that each row is expected to get; 0 beyond the last place.

        Args:
            summed: (k + 1,) sums of the quantity over the first 0, 1, ..., k places.
        """
        places = np.arange(summed.size)
        held = np.interp(self.above + self.tied, places, summed) - np.interp(self.above, places, summed)
        return np.asarray(self.weights / self.tied * held)


def top_overlap(by_score: Places, by_truth: Places, k: float) -> float:
    """Expected share of the top k by score that is in the top k by truth; NaN where the rows weigh less than k."""
    return precision(by_score, by_truth.share_of_top(k), k)


def precision(by_score: Places, relevance: Column, k: float) -> float:
    """Expected relevance (n,), each from 0 to 1, of the top k by score; NaN where the rows weigh less than k."""
    if not by_score.hold(k):
        return NAN
    return float((by_score.weights * by_score.share_of_top(k) * relevance).sum() / k)


def ndcg(by_score: Places, by_truth: Places, accuracies: Column, k: int) -> float:
    """Normalised discounted cumulative gain of the top k by score; NaN where the rows weigh less than k.

    Args:
        by_score: the order that is judged.
        by_truth: the best one.
        accuracies: (n,) in percent.
        k: places that count.
    """
    if not by_score.hold(k):
        return NAN
    discounts = np.concatenate([np.zeros(1), np.cumsum(1 / np.log2(np.arange(2, k + 2)))])
    gains = np.exp2(accuracies) - 1
    found, ideal = ((gains * places.share_of(discounts)).sum() for places in (by_score, by_truth))
    return float(found / ideal) if ideal > 0 else NAN


def best_of_top(scores: Column, truth: Column, k: int, weights: Column | None = None) -> float:
    """Expected best truth among the top k by score; of k=1 the mean over the ties. NaN where the rows weigh less.

    Over networks the j-th of k networks is drawn from the j-th unit of weight in the order of scores, without
    replacement among ties, and has the truth of the row that was drawn: one training, not the best of its names.
    """
    if weights is not None:
        return _best_of_places(scores, truth, k, weights) if Places.of(scores, weights).hold(k) else NAN
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


def _best_of_places(scores: Column, truth: Column, k: int, weights: Column) -> float:
    """As `best_of_top`: the product over places of the chance that none of them exceeds a truth."""
    _, place = np.unique(-scores, return_inverse=True)
    held = np.bincount(place, weights=weights)
    ends = np.cumsum(held)
    in_reach = np.flatnonzero((ends - held)[place] < k)
    levels, level = np.unique(truth[in_reach], return_inverse=True)
    group, weight = place[in_reach], weights[in_reach]
    order = np.argsort(group, kind="stable")
    bounds = np.searchsorted(group[order], np.arange(group.max() + 2))
    not_above = np.ones(levels.size)
    for first in range(k):
        chance = np.zeros(levels.size)
        one, taken = int(np.searchsorted(ends, first, side="right")), float(first)
        while taken < first + 1 and one < bounds.size - 1:
            end = min(float(ends[one]), first + 1.0)
            before = max(taken - float(ends[one] - held[one]), 0.0)
            rows = order[bounds[one] : bounds[one + 1]]
            known = np.cumsum(np.bincount(level[rows], weights=weight[rows], minlength=levels.size))
            chance += (end - taken) * np.clip((known - before) / (held[one] - before), 0.0, 1.0)
            taken, one = end, one + 1
        not_above *= np.minimum(chance, 1.0)
    not_above[-1] = 1.0
    return float((levels * np.diff(not_above, prepend=0.0)).sum())


def at_least(truth: Column, quantile: float, weights: Column | None = None) -> NDArray[np.bool_]:
    """(n,) the rows whose truth is not below its quantile, the rows below it weighing no more than that share."""
    if weights is None:
        return np.asarray(truth >= np.quantile(truth, quantile))
    order = np.argsort(truth, kind="stable")
    # As of rows that weigh 1: the first place with (n - 1) * quantile others below it. Sums of thirds are not exact.
    below = np.floor(np.cumsum(weights[order]) - weights[order] + 1e-9)
    first = np.searchsorted(below, (weights.sum() - 1) * quantile * (1 - 1e-12))
    return np.asarray(truth >= truth[order][min(first, order.size - 1)])
