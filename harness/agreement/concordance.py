"""Concordance of each row with all others, in O(n log n): Knight's sorting (JASA 61, 1966) kept apart by row.

SciPy's `kendalltau` counts the pairs of all rows together; the influence of a row needs those that the row is in.
"""

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
    concordant = _below(scores, truth) + _below(-scores, -truth)
    return concordant - _below(-scores, truth) - _below(scores, -truth)


def _below(first: NDArray[np.int32], second: NDArray[np.int32]) -> NDArray[np.int64]:
    """(n,) per row the rows that are lower in both columns.

    Rows get positions by `second`; then the row's predecessors by `first` that have a lower position are counted. They
    differ from the position in some highest bit: blocks of positions are halved bit by bit, each in the order of
    `first`, and a row of a right half counts the rows of its left half that came before it.
    """
    n_rows = first.size
    here = np.arange(n_rows, dtype=np.int32)
    # Descending among equals, in both orders: a row tied in either column is never before in both.
    rows = np.lexsort((-first, second))
    positions = np.empty_like(here)
    positions[rows] = here
    ordered = positions[np.lexsort((-positions, first))]
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
