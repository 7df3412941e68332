"""Rank correlations of scores with truth: Kendall's tau-b (Biometrika 33, 1945) and Spearman's rho, both SciPy's.

Rows where the score or the truth is NaN are left out and counted. Infinite scores take part: -inf ranks lowest, +inf
highest, equal infinities are ties. Both columns must be oriented so that higher is better.

Rows may have weights: with 1 / (size of the row's class) each network has one vote, whatever the number of its names.
Weighted tau-b is A / sqrt(B C), A = sum over pairs of w_i w_j sign(x_i - x_j) sign(y_i - y_j), B and C the sums of
w_i w_j over pairs that are not tied in x, in y; weighted rho is Pearson's correlation of weighted mid-ranks.
"""

import hashlib
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from harness.agreement.concordance import concordances
from harness.errors import OptionError

# What SciPy wraps around it looks for axes and NaN, of which there are none here: much of the time of a small call.
_KENDALLTAU: Final[Any] = getattr(stats.kendalltau, "__wrapped__", stats.kendalltau)


class Correlations(NamedTuple):
    """Kendall's tau-b and Spearman's rho, each in [-1, 1]; NaN where they are not defined."""

    tau: float
    rho: float


UNDEFINED = Correlations(float("nan"), float("nan"))


class Counts(NamedTuple):
    """Rows used, rows left out because score or truth is NaN, and infinite scores among the rows used."""

    n: int
    n_nan: int
    n_inf: int


class Ordered(NamedTuple):
    """The rows (n,) of a truth that are known, by ascending truth, and its dense ranks (n,)."""

    rows: NDArray[np.intp]
    truth: NDArray[np.int32]

    @classmethod
    def of(cls, truth: NDArray[np.float64]) -> "Ordered":
        """Of a truth (n_rows,), NaN where it is not known."""
        rows = np.flatnonzero(~np.isnan(truth))
        rows = rows[np.argsort(truth[rows], kind="stable")]
        return cls(rows, _dense_ranks(truth[rows]))


@dataclass(frozen=True)
class Pairs:
    """Scores and truth as dense ranks (0, 1, ... by value, ties equal), rows sorted by truth.

    Dense ranks are computed once and carry all that a rank correlation needs, infinities included; a resample only
    repeats rows, and rows sorted by truth spare it one of two sorts.

    Attributes:
        rows: (n,) positions in the original columns.
        scores: (n,) dense ranks of the scores.
        truth: (n,) dense ranks of the truth, ascending.
        counts: what was used and left out.
        weights: (n,) of the rows; None: each weighs 1.
        votes: (n,) weights of the rows in `networks`; None: networks have one name each.
        cells: of `networks` the pairs that these are of.
    """

    rows: NDArray[np.intp]
    scores: NDArray[np.int32]
    truth: NDArray[np.int32]
    counts: Counts
    weights: NDArray[np.float64] | None = None
    votes: NDArray[np.float64] | None = None
    cells: "Pairs | None" = field(default=None, repr=False)

    @classmethod
    def along(cls, scores: NDArray[np.float64], ordered: "Ordered", votes: NDArray[np.float64] | None) -> "Pairs":
        """Pairs of the rows of a truth that is in order, none of whose scores is NaN.

        Args:
            scores: (n_rows,) of the original rows.
            ordered: the truth.
            votes: (n_rows,) weights of the original rows in `networks`, or none.
        """
        rows = ordered.rows
        counts = Counts(rows.size, scores.size - rows.size, int(np.count_nonzero(np.isinf(scores[rows]))))
        of_rows = None if votes is None else votes[rows]
        return cls(rows, _dense_ranks(scores[rows]), ordered.truth, counts, votes=of_rows)

    @classmethod
    def of(cls, scores: ArrayLike, truth: ArrayLike, weights: NDArray[np.float64] | None = None) -> "Pairs":
        """Pairs of two columns (n_rows,) of numbers, with weights (n_rows,) or none.

        Raises:
            OptionError: the columns are not of one length.
        """
        values, accuracies = np.asarray(scores, dtype=np.float64), np.asarray(truth, dtype=np.float64)
        if values.ndim != 1 or values.shape != accuracies.shape:
            raise OptionError(
                f"Scores of shape {values.shape} cannot be compared with truth of shape {accuracies.shape}: "
                "give one score and one accuracy per architecture."
            )
        ordered = Ordered.of(np.where(np.isnan(values), np.nan, accuracies))
        pairs = cls.along(values, ordered, None)
        return pairs if weights is None else replace(pairs, weights=weights[pairs.rows])

    @cached_property
    def networks(self) -> "Pairs":
        """The same rows with one vote for each network, whatever the number of its names; these themselves if equal."""
        return self if self.votes is None else replace(self, weights=self.votes, votes=None, cells=self)

    def beside(self, other: "Pairs") -> "Pairs":
        """The scores of these pairs beside those of others, of the same rows, as their truth; rows count from 0."""
        order = np.argsort(other.scores, kind="stable")
        return Pairs(
            rows=order,
            scores=self.scores[order],
            truth=other.scores[order],
            counts=self.counts._replace(n_nan=0),
            weights=None if self.weights is None else self.weights[order],
            votes=None if self.votes is None else self.votes[order],
        )

    @cached_property
    def digest(self) -> bytes:
        """Of all that a correlation depends on: columns of equal ranks are equal columns."""
        digest = hashlib.sha256(self.scores.tobytes())
        digest.update(self.truth.tobytes())
        digest.update(self.rows.tobytes())
        digest.update(b"" if self.weights is None else self.weights.tobytes())
        return digest.digest()

    @cached_property
    def concordance(self) -> NDArray[np.float64]:
        """(n,) per row the weight of the rows concordant with it less that of the rows discordant with it."""
        if self.weights is None:
            return self._concordances[0].astype(np.float64)
        return (self if self.cells is None else self.cells)._concordances[1]

    @cached_property
    def _concordances(self) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Over cells and over networks, which share the passes."""
        return concordances(self.scores, self.truth, self.votes if self.weights is None else self.weights)

    def correlations(self) -> Correlations:
        """Tau-b and rho of the rows; NaN for fewer than two rows or a constant column, without a warning."""
        if self.rows.size < 2 or _is_constant(self.scores) or _is_constant(self.truth):
            return UNDEFINED
        if self.weights is not None:
            return Correlations(tau=self.tau(), rho=_weighted_rho(self.scores, self.truth, self.weights))
        rho = stats.spearmanr(self.scores, self.truth).statistic
        return Correlations(tau=self.tau(), rho=float(rho))

    def tau(self) -> float:
        """Tau-b of the rows alone, as `correlations` gives it."""
        if self.rows.size < 2 or _is_constant(self.scores) or _is_constant(self.truth):
            return UNDEFINED.tau
        if self.weights is None and "_concordances" not in vars(self):
            return _tau(self.scores, self.truth)
        weights = np.ones(self.rows.size) if self.weights is None else self.weights
        spreads = untied(self.scores, weights) @ weights, untied(self.truth, weights) @ weights
        return float(np.clip(self.concordance @ weights / np.sqrt(spreads[0]) / np.sqrt(spreads[1]), -1.0, 1.0))

    def resampled(self, multiplicity: NDArray[np.intp]) -> Correlations:
        """Tau-b and rho when original row i is present `multiplicity[i]` times (0: left out).

        Args:
            multiplicity: (n_rows,) counts over the original rows, those left out included.
        """
        times = multiplicity[self.rows]
        if np.count_nonzero(times) < 2:
            return UNDEFINED
        if self.weights is not None:
            kept = np.flatnonzero(times)
            of_kept = Pairs(kept, self.scores[kept], self.truth[kept], self.counts, (self.weights * times)[kept])
            return of_kept.correlations()
        # SciPy's spearmanr would sort both columns again: on 15,625 rows three times the time of the weighted form.
        rho = _weighted_rho(self.scores, self.truth, times)
        if np.isnan(rho):
            return UNDEFINED
        return Correlations(tau=_tau(np.repeat(self.scores, times), np.repeat(self.truth, times)), rho=rho)


def correlations(scores: ArrayLike, accuracies: ArrayLike) -> Correlations:
    """Tau-b and rho of two columns (n_rows,), rows with a NaN left out, infinities ranked at the ends.

    Raises:
        OptionError: the columns are not of one length.
    """
    return Pairs.of(scores, accuracies).correlations()


def _dense_ranks(values: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.unique(values, return_inverse=True)[1].astype(np.int32)


def _is_constant(ranks: NDArray[np.int32]) -> bool:
    return bool(ranks.min() == ranks.max())


def _tau(scores: NDArray[np.int32], truth: NDArray[np.int32]) -> float:
    # The p-value is not used; its exact form would be the slow part of small samples, the other needs three rows.
    method: Literal["asymptotic", "exact"] = "asymptotic" if scores.size > 2 else "exact"
    return float(_KENDALLTAU(scores, truth, method=method).statistic)


def untied(ranks: NDArray[np.int32], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) per row the weight of the rows that are not tied with it; ranks are dense."""
    return np.asarray(weights.sum() - np.bincount(ranks, weights=weights)[ranks])


def _weighted_rho(
    scores: NDArray[np.int32], truth: NDArray[np.int32], weights: NDArray[np.intp] | NDArray[np.float64]
) -> float:
    """Spearman's rho of rows repeated `weights` times: Pearson's correlation of their mid-ranks, in O(n)."""
    x, y = centred_mid_ranks(scores, weights), centred_mid_ranks(truth, weights)
    spread = float(np.sqrt((weights * x * x).sum() * (weights * y * y).sum()))
    return float((weights * x * y).sum() / spread) if spread > 0 else float("nan")


def centred_mid_ranks(ranks: NDArray[np.int32], weights: NDArray[np.intp] | NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) mid-ranks of rows repeated `weights` times, less their mean: sum_j weights_j sign(rank_i - rank_j) / 2."""
    held = np.bincount(ranks, weights=weights)
    last = np.cumsum(held)
    # Ranks last-held+1 .. last share their mean; minus (total+1)/2, the mean of all, so a constant column is exactly 0.
    return np.asarray((last - held / 2 - last[-1] / 2)[ranks])
