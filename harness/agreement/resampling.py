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

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.agreement.correlation import Pairs

MOST_REPLICATES = 1_000
MOST_ROWS = 4_000
# Replicates of one product of matrices, which bounds its memory, and rows of a block of it.
_AT_ONCE, _BLOCK = 250, 128


def default_replicates(n_rows: int) -> int:
    """1,000 replicates up to 4,000 rows; above 0, for none."""
    return MOST_REPLICATES if n_rows <= MOST_ROWS else 0


class _Part(NamedTuple):
    """What some replicates of one truth have in common for all scores, each (n_replicates, n) or (n_replicates,).

    `weights` are those of the rows, `weighted` the same times the centred mid-ranks of the truth, `untied` the weight
    of its untied ordered pairs, `square` the sum of squares of its mid-ranks.
    """

    weights: NDArray[np.float32]
    weighted: NDArray[np.float32]
    untied: NDArray[np.float64]
    square: NDArray[np.float64]


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
    _parts: OrderedDict[bytes, list[_Part]] = field(default_factory=OrderedDict, repr=False, compare=False)

    @property
    def n_clusters(self) -> int:
        """Number of distinct clusters."""
        return int(self.cluster.max()) + 1 if self.cluster.size else 0

    @cached_property
    def drawn(self) -> NDArray[np.float32]:
        """(n_replicates, n_rows) multiplicities of small samples, for which they are kept."""
        return np.array(list(self), dtype=np.float32).reshape(self.n_replicates, self.cluster.size)

    def parts(self, pairs: Pairs) -> list[_Part]:
        """What all scores on the rows and the truth of these pairs share; kept for cells and for networks."""
        key = b"".join(column.tobytes() for column in (pairs.rows, pairs.truth, pairs.weights) if column is not None)
        key = hashlib.sha256(key).digest()
        if key not in self._parts:
            own = np.float32(1) if pairs.weights is None else pairs.weights.astype(np.float32)
            drawn = (self.drawn[first : first + _AT_ONCE] for first in range(0, self.n_replicates, _AT_ONCE))
            self._parts[key] = [_part(pairs.truth, np.take(times, pairs.rows, axis=1) * own) for times in drawn]
            if len(self._parts) > 2:
                self._parts.popitem(last=False)
        self._parts.move_to_end(key)
        return self._parts[key]

    def __iter__(self) -> Iterator[NDArray[np.intp]]:
        random = np.random.default_rng(self.seed)
        n_clusters = self.n_clusters
        for _ in range(self.n_replicates):
            drawn = random.integers(n_clusters, size=n_clusters)
            yield np.bincount(drawn, minlength=n_clusters)[self.cluster]


def _part(truth: NDArray[np.int32], weights: NDArray[np.float32]) -> _Part:
    if not truth.size:
        return _Part(weights, weights, np.zeros(0), np.zeros(0))
    ranks, untied, square = _mid_ranks(truth, weights)
    return _Part(weights, weights * ranks, untied, square)


def replicates(pairs: Pairs, resampling: Resampling) -> NDArray[np.float64]:
    """(n_replicates, 2) tau-b and rho of each resample; NaN where a resample is constant.

    Two proxies given the same resampling can be compared replicate by replicate.
    """
    if pairs.rows.size > MOST_ROWS:
        values: ArrayLike = [pairs.resampled(multiplicity) for multiplicity in resampling]
        return np.asarray(values, dtype=np.float64).reshape(-1, 2)
    signs = _signs(pairs.scores) * _signs(pairs.truth)
    for first in range(0, pairs.rows.size, _BLOCK):
        # Signs are symmetric: half of the products of matrices are left out, the other half counts twice.
        signs[first + _BLOCK :, first : first + _BLOCK] *= 2
    found = [_at_once(pairs, signs, part) for part in resampling.parts(pairs)]
    return np.concatenate([np.empty((0, 2)), *found])


def _signs(ranks: NDArray[np.int32]) -> NDArray[np.float32]:
    return np.sign(np.subtract.outer(ranks, ranks)).astype(np.float32)


def _at_once(pairs: Pairs, signs: NDArray[np.float32], part: _Part) -> NDArray[np.float64]:
    """(n_replicates, 2) of some replicates; signs of pairs (n, n), those below the diagonal blocks twice as large."""
    weights, n_rows = part.weights, pairs.rows.size
    if not n_rows:
        return np.full((weights.shape[0], 2), np.nan)
    numerator = np.zeros(weights.shape[0])
    for first in range(0, n_rows, _BLOCK):
        own = slice(first, first + _BLOCK)
        # Sums of at most 4,000 counts are exact in float32; an interval needs no more than its six digits.
        numerator += ((weights[:, first:] @ signs[first:, own]) * weights[:, own]).sum(axis=1, dtype=np.float64)
    x, untied_x, square_x = _mid_ranks(pairs.scores, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        tau = numerator / np.sqrt(untied_x * part.untied)
        rho = np.einsum("bi,bi->b", x, part.weighted, dtype=np.float64) / np.sqrt(square_x * part.square)
    defined = (untied_x > 0) & (part.untied > 0)
    return np.where(defined[:, None], np.stack([tau, rho], axis=1), np.nan)


def _mid_ranks(
    ranks: NDArray[np.int32], weights: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float64]]:
    """Centred mid-ranks (n_replicates, n), the weight of untied ordered pairs, and the sum of squares of mid-ranks."""
    # `take` keeps replicates contiguous in memory, which indexing does not.
    order = np.argsort(ranks, kind="stable")
    ends = np.flatnonzero(np.diff(ranks[order], append=-1))
    sums = np.cumsum(np.take(weights, order, axis=1), axis=1, dtype=np.float64)
    last = sums if ends.size == order.size else np.take(sums, ends, axis=1)
    held = np.diff(last, axis=1, prepend=0.0)
    centred = last - held / 2
    centred -= last[:, -1:] / 2
    # A total less a sum that equals it, but for rounding, is no untied pair.
    n_groups = (held > 1e-6).sum(axis=1)
    spread = np.where(n_groups > 1, last[:, -1] ** 2 - np.einsum("bi,bi->b", held, held), 0.0)
    return np.take(centred.astype(np.float32), ranks, axis=1), spread, np.einsum("bi,bi,bi->b", held, centred, centred)
