"""Concordance of each row with all others, in O(n log n): Knight's sorting (JASA 61, 1966) kept apart by row.

SciPy's `kendalltau` counts the pairs of all rows together; the influence of a row needs those that the row is in, and
rows may weigh less than 1.
"""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray


def concordance(scores: NDArray[np.int32], truth: NDArray[np.int32]) -> NDArray[np.int64]:
    """Per row the rows concordant with it less the rows discordant with it; a row tied with it is neither.

    The sum over rows is the sum of sign * sign over ordered pairs, the numerator of every Kendall's tau.

    Args:
        scores: (n,) ranks, fewer than 2**31 rows.
        truth: (n,) ranks.

    Returns:
        (n,) counts, from -(n - 1) to n - 1.
    """
    return _concordance(scores, truth, np.ones(scores.size, dtype=np.int64), _below(scores, truth))


def weighted_concordance(
    scores: NDArray[np.int32], truth: NDArray[np.int32], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Per row the weight of the rows concordant with it less that of the rows discordant with it.

    Args:
        scores: (n,) ranks, fewer than 2**31 rows.
        truth: (n,) ranks.
        weights: (n,) of each row, not negative.

    Returns:
        (n,) sum_j weights_j sign(scores_i - scores_j) sign(truth_i - truth_j).
    """
    return _concordance(scores, truth, weights, _below_weighted(scores, truth, weights))


_Weight = TypeVar("_Weight", np.int64, np.float64)


def _concordance(
    scores: NDArray[np.int32], truth: NDArray[np.int32], weights: NDArray[_Weight], both: NDArray[_Weight]
) -> NDArray[_Weight]:
    """(n,) from `both`, the weight of the rows that are lower than each row in both columns."""
    # Of the rows lower in one column, those tied in the other are neither concordant nor discordant.
    lower_score, tied_score = _lower_and_tied(scores, weights)
    lower_truth, tied_truth = _lower_and_tied(truth, weights)
    lower_score_tied_truth, tied_both = _lower_within(truth, scores, weights)
    lower_truth_tied_score, _ = _lower_within(scores, truth, weights)
    discordant = (lower_score - both - lower_score_tied_truth) + (lower_truth - both - lower_truth_tied_score)
    # Every row, this one too, is concordant, discordant or tied in a column.
    concordant = weights.sum() - discordant - (tied_score + tied_truth - tied_both)
    return np.asarray(concordant - discordant, dtype=weights.dtype)


def _lower_and_tied(ranks: NDArray[np.int32], weights: NDArray[_Weight]) -> tuple[NDArray[_Weight], NDArray[_Weight]]:
    """(n,) per row the weight lower than it, and that equal to it, itself included. Ranks may be negative."""
    _, place = np.unique(ranks, return_inverse=True)
    held = np.bincount(place, weights=weights).astype(weights.dtype)
    return (np.cumsum(held) - held)[place], held[place]


def _lower_within(
    group: NDArray[np.int32], ranks: NDArray[np.int32], weights: NDArray[_Weight]
) -> tuple[NDArray[_Weight], NDArray[_Weight]]:
    """(n,) per row the weight of its group with a lower rank, and that with its rank, itself included."""
    order = _order(group, ranks)
    new_group = np.diff(group[order], prepend=group[order][:1] - 1) != 0
    new_pair = new_group | (np.diff(ranks[order], prepend=ranks[order][:1] - 1) != 0)
    before = np.concatenate([np.zeros(1, dtype=weights.dtype), np.cumsum(weights[order])])
    starts = np.flatnonzero(new_pair)
    pair = np.cumsum(new_pair) - 1
    group_start = np.maximum.accumulate(np.where(new_group, np.arange(order.size), 0))
    lower, tied = np.empty(order.size, dtype=weights.dtype), np.empty(order.size, dtype=weights.dtype)
    lower[order] = before[starts[pair]] - before[group_start]
    tied[order] = np.diff(before[starts], append=before[-1])[pair]
    return lower, tied


def _order(first: NDArray[np.int32], second: NDArray[np.int32]) -> NDArray[np.intp]:
    """The order of rows by one column and then by another, rows equal in both in any order.

    One key of 64 bits is sorted in a fraction of the time of `np.lexsort`.
    """
    return np.argsort((first.astype(np.int64) << 32) + second)


def _below(first: NDArray[np.int32], second: NDArray[np.int32]) -> NDArray[np.int64]:
    """(n,) per row the rows that are lower in both columns.

    Rows get positions by `second`; then the row's predecessors by `first` that have a lower position are counted. They
    differ from the position in some highest bit: blocks of positions are halved bit by bit, each in the order of
    `first`, and a row of a right half counts the rows of its left half that came before it.
    """
    n_rows = first.size
    here = np.arange(n_rows, dtype=np.int32)
    # Descending among equals, in both orders: a row tied in either column is never before in both.
    rows = _order(second, -first)
    positions = np.empty_like(here)
    positions[rows] = here
    ordered = positions[_order(first, -positions)]
    counts = np.zeros_like(here)
    for bit in reversed(range((n_rows - 1).bit_length())):
        block = ordered >> (bit + 1)
        is_right = (ordered >> bit) & 1 == 1
        # Blocks before this one are full, and half of each is left.
        left_before = here - (np.cumsum(is_right, dtype=np.int32) - is_right) - (block << bit)
        counts[ordered[is_right]] += left_before[is_right]
        # Where a block has a right half its left half is full: rows of the right half come 2**bit after its start.
        target = np.where(is_right, here - left_before + (1 << bit), (block << (bit + 1)) + left_before)
        halved = np.empty_like(ordered)
        halved[target] = ordered
        ordered = halved
    below = np.empty(n_rows, dtype=np.int64)
    below[rows] = counts
    return below


def _below_weighted(
    first: NDArray[np.int32], second: NDArray[np.int32], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(n,) per row the weight of the rows that are lower in both columns, as `_below` counts them."""
    n_rows = first.size
    here = np.arange(n_rows, dtype=np.int32)
    rows = _order(second, -first)
    positions = np.empty_like(here)
    positions[rows] = here
    ordered = positions[_order(first, -positions)]
    by_position = weights[rows]
    sums = np.zeros(n_rows)
    for bit in reversed(range((n_rows - 1).bit_length())):
        block = ordered >> (bit + 1)
        is_right = (ordered >> bit) & 1 == 1
        left_before = here - (np.cumsum(is_right, dtype=np.int32) - is_right) - (block << bit)
        before = np.concatenate([np.zeros(1), np.cumsum(np.where(is_right, 0.0, by_position[ordered]))])
        at = np.flatnonzero(is_right)
        sums[ordered[at]] += before[at] - before[block[at] << (bit + 1)]
        target = np.where(is_right, here - left_before + (1 << bit), (block << (bit + 1)) + left_before)
        halved = np.empty_like(ordered)
        halved[target] = ordered
        ordered = halved
    below = np.empty(n_rows)
    below[rows] = sums
    return below
