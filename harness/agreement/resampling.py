"""Bootstrap resamples of clusters of rows (Efron, Annals of Statistics 7, 1979), the same ones for every proxy.

A row of a cluster is drawn with its whole cluster, so architectures that are one network under several names do not
count as independent evidence. One cluster per row is the ordinary bootstrap.

How many replicates: the end of a percentile interval has, over bootstrap seeds, a standard error of
sqrt(.025 * .975 / B) / .058 = 2.67 / sqrt(B) standard errors of the estimate (.058 is the normal density at 1.96):
.084 of it for B = 1,000, against a half width of 1.96.

All replicates at once are a product of matrices: with K the signs of pairs (n, n) and W the weights of the rows in each
replicate (B, n), the numerators of tau are the row sums of (W K) * W. Up to 4,000 rows that is about a second a column;
above, intervals come from influences.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.agreement.correlation import Pairs

MOST_REPLICATES = 1_000
MOST_ROWS = 4_000
# Replicates of one product of matrices, which bounds its memory.
_AT_ONCE = 250


def default_replicates(n_rows: int) -> int:
    """1,000 replicates up to 4,000 rows; above 0, for none."""
    return MOST_REPLICATES if n_rows <= MOST_ROWS else 0


@dataclass(frozen=True)
class Resampling:
    """A plan of resamples: iterating gives the multiplicity (n_rows,) of each row, the same sequence every time.

    Multiplicities of large samples are drawn anew at each pass rather than kept.

    Attributes:
        cluster: (n_rows,) cluster of each row, 0 ... n_clusters - 1 by first appearance.
        n_replicates: number of resamples.
        seed: seed of the generator; equal seeds and equal numbers of clusters draw equal clusters.
    """

    cluster: NDArray[np.intp]
    n_replicates: int
    seed: int = 0

    @property
    def n_clusters(self) -> int:
        """Number of distinct clusters."""
        return int(self.cluster.max()) + 1 if self.cluster.size else 0

    @cached_property
    def drawn(self) -> NDArray[np.float32]:
        """(n_replicates, n_rows) multiplicities of small samples, for which they are kept."""
        return np.array(list(self), dtype=np.float32).reshape(self.n_replicates, self.cluster.size)

    def __iter__(self) -> Iterator[NDArray[np.intp]]:
        random = np.random.default_rng(self.seed)
        n_clusters = self.n_clusters
        for _ in range(self.n_replicates):
            drawn = random.integers(n_clusters, size=n_clusters)
            yield np.bincount(drawn, minlength=n_clusters)[self.cluster]


def replicates(pairs: Pairs, resampling: Resampling) -> NDArray[np.float64]:
    """(n_replicates, 2) tau-b and rho of each resample; NaN where a resample is constant.

    Two proxies given the same resampling can be compared replicate by replicate.
    """
    if pairs.rows.size > MOST_ROWS:
        values: ArrayLike = [pairs.resampled(multiplicity) for multiplicity in resampling]
        return np.asarray(values, dtype=np.float64).reshape(-1, 2)
    signs = _signs(pairs.scores) * _signs(pairs.truth)
    weights = np.ones(pairs.rows.size) if pairs.weights is None else pairs.weights
    found = [np.empty((0, 2))]
    for first in range(0, resampling.n_replicates, _AT_ONCE):
        times = resampling.drawn[first : first + _AT_ONCE, pairs.rows]
        found.append(_at_once(pairs, signs, times * weights.astype(np.float32)))
    return np.concatenate(found)


def _signs(ranks: NDArray[np.int32]) -> NDArray[np.float32]:
    return np.sign(np.subtract.outer(ranks, ranks)).astype(np.float32)


def _at_once(pairs: Pairs, signs: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n_replicates, 2) of rows with weights (n_replicates, n)."""
    if not weights.shape[1]:
        return np.full((weights.shape[0], 2), np.nan)
    # Sums of at most 4,000 counts are exact in float32; an interval needs no more than its six digits.
    numerator = ((weights @ signs) * weights).sum(axis=1, dtype=np.float64)
    x, untied_x, square_x = _mid_ranks(pairs.scores, weights)
    y, untied_y, square_y = _mid_ranks(pairs.truth, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        tau = numerator / np.sqrt(untied_x * untied_y)
        rho = (weights * x * y).sum(axis=1, dtype=np.float64) / np.sqrt(square_x * square_y)
    defined = (untied_x > 0) & (untied_y > 0)
    return np.where(defined[:, None], np.stack([tau, rho], axis=1), np.nan)


def _mid_ranks(
    ranks: NDArray[np.int32], weights: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    """Centred mid-ranks (n_replicates, n), the weight of untied ordered pairs, and the sum of squares of mid-ranks."""
    order = np.argsort(ranks, kind="stable")
    starts = np.flatnonzero(np.diff(ranks[order], prepend=-1))
    held = np.add.reduceat(weights[:, order], starts, axis=1, dtype=np.float32).astype(np.float64)
    last = np.cumsum(held, axis=1)
    centred = last - held / 2 - last[:, -1:] / 2
    # A total less a sum that equals it, but for rounding, is no untied pair.
    n_groups = (held > 0).sum(axis=1)
    spread = np.where(n_groups > 1, last[:, -1] ** 2 - (held**2).sum(axis=1), 0.0)
    return centred.astype(np.float32)[:, ranks], spread, (held * centred**2).sum(axis=1)
