"""Concordance of each row with all others, in O(n log n): Knight's sorting (JASA 61, 1966) kept apart by row.

SciPy's `kendalltau` counts the pairs of all rows together; the influence of a row needs those that the row is in, and
rows may weigh less than 1. Counts and weights are found in the same passes, of which there are as many as the column
with fewer distinct ranks has bits: against a count of layers that is a few.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Ranks = NDArray[np.int32]
_Weight = TypeVar("_Weight", np.int64, np.float64)


def concordance(scores: Ranks, truth: Ranks) -> NDArray[np.int64]:
    """Per row the rows concordant with it less the rows discordant with it; a row tied with it is neither.

    The sum over rows is the sum of sign * sign over ordered pairs, the numerator of every Kendall's tau.

    Args:
        scores: (n,) ranks, dense or nearly so, fewer than 2**31 rows.
        truth: (n,) ranks.

    Returns:
        (n,) counts, from -(n - 1) to n - 1.
    """
    return concordances(scores, truth, None)[0]


def concordances(
    scores: Ranks, truth: Ranks, weights: NDArray[np.float64] | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """As `concordance`, and per row the weight of the rows concordant with it less that of the discordant ones.

    Args:
        scores: (n,) ranks.
        truth: (n,) ranks.
        weights: (n,) of each row, not negative; None: only counts are found.

    Returns:
        (n,) counts, and (n,) sums of weights_j sign(scores_i - scores_j) sign(truth_i - truth_j), empty without
        weights.
    """
    if not scores.size:
        return np.zeros(0, dtype=np.int64), np.zeros(0)
    scores, truth = scores - scores.min(), truth - truth.min()
    first, second = (scores, truth) if truth.max() <= scores.max() else (truth, scores)
    rows = np.argsort((first.astype(np.int64) << 32) - second)
    below, weight_below, by_second = _below(second, rows, weights)
    arranged = _Arranged(first, second, rows, by_second)
    counts = arranged.signed(np.ones(scores.size, dtype=np.int64), below)
    return counts, np.zeros(0) if weights is None else arranged.signed(weights, weight_below)


class _Arranged:
    """Two columns and their orders: by the first and, descending, the second; by the second and then the first."""

    def __init__(self, first: Ranks, second: Ranks, by_first: NDArray[np.intp], by_second: NDArray[np.int32]) -> None:
        self.first, self.second = first, second
        self.orders = (by_first, by_second.astype(np.intp))
        self.starts = [
            (_starts(one[order]), _starts(one[order], other[order]))
            for order, one, other in zip(self.orders, (first, second), (second, first), strict=True)
        ]

    def signed(self, weights: NDArray[_Weight], both: NDArray[_Weight]) -> NDArray[_Weight]:
        """(n,) from `both`, the weight of the rows that are lower than each row in both columns."""
        # Of the rows lower in one column, those tied in the other are neither concordant nor discordant.
        lower_first, tied_first = _lower_and_tied(self.first, weights)
        lower_second, tied_second = _lower_and_tied(self.second, weights)
        # Descending within equals of the first column: what comes after a row there is lower than it.
        before, tied_both = _within(self.orders[0], *self.starts[0], weights)
        tied_first_lower_second = tied_first - before - tied_both
        tied_second_lower_first, _ = _within(self.orders[1], *self.starts[1], weights)
        discordant = (lower_first - both - tied_second_lower_first) + (lower_second - both - tied_first_lower_second)
        # Every row, this one too, is concordant, discordant or tied in a column.
        concordant = weights.sum() - discordant - (tied_first + tied_second - tied_both)
        return np.asarray(concordant - discordant, dtype=weights.dtype)


def _lower_and_tied(ranks: Ranks, weights: NDArray[_Weight]) -> tuple[NDArray[_Weight], NDArray[_Weight]]:
    """(n,) per row the weight lower than it, and that equal to it, itself included."""
    held = np.bincount(ranks, weights=weights).astype(weights.dtype)
    return (np.cumsum(held) - held)[ranks], held[ranks]


def _starts(*ordered: Ranks) -> NDArray[np.intp]:
    """Where a new group begins, rows of a group being equal in all columns (n,)."""
    is_new = np.ones(ordered[0].size, dtype=np.bool_)
    is_new[1:] = np.logical_or.reduce([column[1:] != column[:-1] for column in ordered])
    return np.flatnonzero(is_new)


def _within(
    order: NDArray[np.intp],
    groups: NDArray[np.intp],
    pairs: NDArray[np.intp],
    weights: NDArray[_Weight],
) -> tuple[NDArray[_Weight], NDArray[_Weight]]:
    """(n,) per row the weight of its group that comes before its equals, and that of its equals, itself included.

    Args:
        order: (n,) rows, those of a group and within it equal ones together.
        groups: where groups begin in this order.
        pairs: where rows begin that are equal in both columns.
        weights: (n,) of each row.
    """
    sums = np.concatenate([np.zeros(1, dtype=weights.dtype), np.cumsum(weights[order])])
    lengths = np.diff(pairs, append=order.size)
    own_group = np.repeat(groups, np.diff(np.searchsorted(pairs, groups), append=pairs.size))
    before, tied = np.empty(order.size, dtype=weights.dtype), np.empty(order.size, dtype=weights.dtype)
    before[order] = np.repeat(sums[pairs] - sums[own_group], lengths)
    tied[order] = np.repeat(np.diff(sums[pairs], append=sums[-1]), lengths)
    return before, tied


def _below(
    second: Ranks, rows: NDArray[np.intp], weights: NDArray[np.float64] | None
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int32]]:
    """(n,) per row the rows that are lower in both columns, their weight, and the rows by `second` and then `first`.

    Rows that differ in `second` differ in some highest bit of it. Blocks of equal higher bits are halved bit by bit,
    each in the order of `first`; a row of an upper half counts the rows of its lower half that came before it. Equals
    in `first` come in descending order of `second`, so that none of them is below another.
    """
    n_rows = rows.size
    starts = np.concatenate([np.zeros(1, dtype=np.int32), np.cumsum(np.bincount(second), dtype=np.int32)])
    n_ranks = starts.size - 1
    at = rows.astype(np.int32)
    ranks, counts = second[at], np.zeros(n_rows, dtype=np.int32)
    own = None if weights is None else weights[at]
    sums = np.zeros(n_rows if weights is not None else 0)
    here = np.arange(n_rows, dtype=np.int32)
    for bit in reversed(range((n_ranks - 1).bit_length())):
        is_upper = (ranks >> bit) & 1 == 1
        upper = np.flatnonzero(is_upper)
        first_rank = (ranks >> (bit + 1)) << (bit + 1)
        block = starts[first_rank]
        uppers = np.cumsum(is_upper, dtype=np.int32) - is_upper
        n_lower = here - block - (uppers - uppers[block])
        counts[at[upper]] += n_lower[upper]
        if own is not None:
            lower_sums = np.concatenate([np.zeros(1), np.cumsum(np.where(is_upper, 0.0, own))])
            sums[at[upper]] += lower_sums[upper] - lower_sums[block[upper]]
        middle = starts[np.minimum(first_rank + (1 << bit), n_ranks)]
        target = np.where(is_upper, middle + (here - block - n_lower), block + n_lower)
        at, ranks = _moved(at, target), _moved(ranks, target)
        own = None if own is None else _moved(own, target)
    return counts.astype(np.int64), sums, at


_Any = TypeVar("_Any", np.int32, np.float64)


def _moved(values: NDArray[_Any], target: NDArray[np.int32]) -> NDArray[_Any]:
    moved = np.empty_like(values)
    moved[target] = values
    return moved
