"""Agreement at equal cost: tau over the pairs whose costs differ by at most 10 %.

A search under a budget compares networks of about one size, of which a count says nothing by construction. Of n rows
all such pairs are compared, up to 20,000 rows; of more, those of 20,000 rows drawn with a fixed seed.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

MARGIN = 0.1
MOST_ROWS = 20_000
_MOST_PAIRS_AT_ONCE = 4_000_000
Column = NDArray[np.float64]


class AtEqualCost(NamedTuple):
    """Tau-b over pairs of about equal cost, and the share of all pairs that these are; NaN where there is none."""

    tau: float
    share: float


NOT_KNOWN = AtEqualCost(float("nan"), float("nan"))


def tau_at_equal_cost(scores: Column, truth: Column, cost: Column, weights: Column | None = None) -> AtEqualCost:
    """Tau-b of the pairs of which the dearer costs at most 1.1 times the cheaper.

    Args:
        scores: (n,) without NaN; infinities rank at the ends.
        truth: (n,) finite.
        cost: (n,) not negative; rows where it is not finite are left out.
        weights: (n,) a pair weighs the product of its rows'; None: 1.
    """
    used = np.flatnonzero(np.isfinite(cost))
    if used.size > MOST_ROWS:
        used = np.sort(np.random.default_rng(0).choice(used, MOST_ROWS, replace=False))
    used = used[np.argsort(cost[used], kind="stable")]
    x, y, weighed = _ranks(scores[used]), _ranks(truth[used]), np.ones(used.size)
    if weights is not None:
        weighed = weights[used]
    costs = cost[used]
    ends = np.searchsorted(costs, (1 + MARGIN) * costs * (1 + 1e-12), side="right")
    both, in_scores, in_truth, total = 0.0, 0.0, 0.0, 0.0
    start = 0
    while start < used.size - 1:
        stop = _stop(ends, start)
        rows, others = np.arange(start, stop), np.arange(start + 1, max(int(ends[stop - 1]), start + 1))
        is_pair = (others > rows[:, None]) & (others < ends[rows, None])
        pair_weights = np.where(is_pair, weighed[rows, None] * weighed[others], 0.0)
        sign_x, sign_y = np.sign(x[others] - x[rows, None]), np.sign(y[others] - y[rows, None])
        both += float((pair_weights * (sign_x * sign_y)).sum())
        in_scores += float(pair_weights[sign_x != 0].sum())
        in_truth += float(pair_weights[sign_y != 0].sum())
        total += float(pair_weights.sum())
        start = stop
    if not (in_scores > 0 and in_truth > 0):
        return NOT_KNOWN
    all_pairs = (weighed.sum() ** 2 - (weighed**2).sum()) / 2
    return AtEqualCost(float(np.clip(both / np.sqrt(in_scores * in_truth), -1, 1)), total / all_pairs)


def _ranks(values: Column) -> NDArray[np.int32]:
    return np.unique(values, return_inverse=True)[1].astype(np.int32)


def _stop(ends: NDArray[np.intp], start: int) -> int:
    """The rows from `start` on whose pairs are compared at once."""
    stop = start + 1
    while stop < ends.size and (stop + 1 - start) * (ends[stop] - start) <= _MOST_PAIRS_AT_ONCE:
        stop += 1
    return stop
