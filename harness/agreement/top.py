"""The best by score: overlap with the best by truth, precision, expected best truth, discounted gain.

Rows may have weights: with 1 / (size of the row's class) each network has one vote, and the top k are rows of total
weight k in the order of the scores. A score that many rows share ranks none of them first: what is said of the top is
the expectation over a random order of ties.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

NAN = float("nan")
Column = NDArray[np.float64]


def top_overlap(scores: Column, truth: Column, k: int, weights: Column | None = None) -> float:
    """Expected share of the top k by score that are in the top k by truth; NaN for a total weight below k."""
    weighed = _weights(scores, weights)
    if _is_short(weighed, k):
        return NAN
    return float((weighed * chance_of_top(scores, k, weights) * chance_of_top(truth, k, weights)).sum() / k)


def precision(scores: Column, truth: Column, k: int, weights: Column | None = None) -> float:
    """Expected share of the top k by score whose truth is in the top decile; NaN for a total weight below k."""
    weighed = _weights(scores, weights)
    if _is_short(weighed, k):
        return NAN
    is_good = truth >= upper(truth, 0.9, weights)
    return float((weighed * chance_of_top(scores, k, weights) * is_good).sum() / k)


def best_of_top(scores: Column, truth: Column, k: int, weights: Column | None = None) -> float:
    """Expected best truth among the top k by score; of k=1 the mean over the ties. NaN for a total weight below k.

    The best of r drawn from m ties is the i-th lowest with a chance that binomial coefficients give; between whole
    weights, which the names of a network with several trainings make, they are interpolated by the gamma function.
    """
    weighed = _weights(scores, weights)
    if _is_short(weighed, k):
        return NAN
    threshold = _threshold(scores, weighed, k)
    certain, is_tied = scores > threshold, scores == threshold
    drawn = k - weighed[certain].sum()
    order = np.argsort(truth[is_tied])
    tied, held = truth[is_tied][order], weighed[is_tied][order]
    below = np.concatenate([[0.0], np.cumsum(held)])  # weight of the ties up to each place
    chance = np.diff(_all_drawn_from(below, drawn))
    floor = truth[certain].max(initial=-np.inf)
    return float((np.maximum(tied, floor) * chance).sum())


def ndcg(scores: Column, truth: Column, k: int, weights: Column | None = None) -> float:
    """Normalised discounted cumulative gain of the first k places, gains 2^truth - 1 with truth in percent.

    As VKDNW defines it (arXiv:2502.04975): sum over the places j of (2^truth_j - 1) / log2(1 + j), divided by that of
    the order by truth. A row of weight w takes w places. NaN for a total weight below k.
    """
    weighed = _weights(scores, weights)
    if _is_short(weighed, k):
        return NAN
    best = truth.max()
    gains = np.exp2(truth - best) - np.exp2(-best)  # a common factor that would overflow is left out
    ideal = _gained(truth, gains, weighed, k)
    return _gained(scores, gains, weighed, k) / ideal if ideal > 0 else NAN


def chance_of_top(values: Column, k: int, weights: Column | None = None) -> Column:
    """(n,) probability of each row to be in the top k, ties in random order."""
    weighed = _weights(values, weights)
    threshold = _threshold(values, weighed, k)
    above, tied = values > threshold, values == threshold
    return np.asarray(above + tied * ((k - weighed[above].sum()) / weighed[tied].sum()))


def upper(values: Column, quantile: float, weights: Column | None = None) -> float:
    """The quantile of values; of weighted ones the lowest with at least this share of the weight at or below it."""
    if weights is None:
        return float(np.quantile(values, quantile))
    order = np.argsort(values)
    reached = np.cumsum(weights[order])
    return float(values[order][int(np.searchsorted(reached, quantile * reached[-1] * (1 - 1e-12)))])


def _weights(values: Column, weights: Column | None) -> Column:
    return np.ones(values.size) if weights is None else weights


def _is_short(weights: Column, k: int) -> bool:
    return bool(weights.sum() < k * (1 - 1e-9))


def _threshold(values: Column, weights: Column, k: int) -> float:
    """The value with which a total weight of k is reached from the highest one down."""
    order = np.argsort(-values)
    reached = np.cumsum(weights[order])
    return float(values[order][min(int(np.searchsorted(reached, k * (1 - 1e-9))), values.size - 1)])


def _all_drawn_from(below: Column, drawn: float) -> Column:
    """Per place the chance that all that is drawn comes from below it: C(below, drawn) / C(all, drawn)."""
    total = below[-1]
    room = below - drawn
    fits = room > -1e-9
    reach = np.where(fits, np.maximum(room, 0), 0)
    log = gammaln(below + 1) - gammaln(reach + 1) - gammaln(total + 1) + gammaln(max(total - drawn, 0) + 1)
    return np.asarray(np.where(fits, np.exp(log), 0.0))


def _gained(values: Column, gains: Column, weights: Column, k: int) -> float:
    """Expected discounted gain of the first k places in the order of `values`."""
    places, row = np.unique(-values, return_inverse=True)
    held = np.bincount(row, weights=weights, minlength=places.size)
    mean_gain = np.bincount(row, weights=weights * gains, minlength=places.size) / held
    ends = np.minimum(np.cumsum(held), k)
    return float((mean_gain * np.diff(_discount(ends, k), prepend=0.0)).sum())


def _discount(ends: Column, k: int) -> Column:
    """Sum of 1 / log2(1 + j) over the places up to each end; a part of a place counts by its share."""
    sums = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(2, k + 2)))])
    return np.asarray(np.interp(ends, np.arange(k + 1), sums))
