"""Agreement at equal cost: tau-b over the pairs of architectures whose cost differs by 10 % at most.

A search under a budget compares architectures of about one cost. Over such pairs a count of that cost says next to
nothing by construction, so that what is left of a proxy's agreement is not counting. Tau-b as over all pairs,
A / sqrt(B C), each a sum of w_i w_j over the pairs whose larger cost is at most 1.1 times the smaller one.

All such pairs are counted up to 50 million of them, as those of NATS-TSS are; of more, 2 million drawn at random are
(standard error of tau below .001), the same for every proxy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.randomness import derive_seed

WITHIN = 0.1
MOST_PAIRS: Final = 50_000_000
N_DRAWN: Final = 2_000_000
_AT_ONCE = 128
NAN = float("nan")


class AtEqualCost(NamedTuple):
    """Tau-b over the pairs of equal cost, each row weighing 1 and by its weight, and how many such pairs there are."""

    tau: float
    tau_networks: float
    n_pairs: int


NOWHERE = AtEqualCost(NAN, NAN, 0)


@dataclass(frozen=True, eq=False)
class EqualCost:
    """The rows whose truth and cost are known, by ascending cost.

    Attributes:
        rows: (n,) positions in the original columns.
        truth: (n,) dense ranks.
        ends: (n,) per row the end of the rows that cost no more than 1.1 times as much.
        weights: (n, 1 or 2) ones, and where networks have several names their weights.
    """

    rows: NDArray[np.intp]
    truth: NDArray[np.int32]
    ends: NDArray[np.intp]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, cost: ArrayLike, truth: NDArray[np.float64], weights: NDArray[np.float64] | None) -> "EqualCost":
        """Of a cost (n_rows,) that is not negative, the truth (n_rows,), and weights (n_rows,) or none."""
        costs = np.asarray(cost, dtype=np.float64)
        rows = np.flatnonzero(np.isfinite(costs) & ~np.isnan(truth))
        rows = rows[np.argsort(costs[rows], kind="stable")]
        ends = np.searchsorted(costs[rows], costs[rows] * (1 + WITHIN), side="right")
        votes = [np.ones(rows.size)] if weights is None else [np.ones(rows.size), weights[rows]]
        return cls(rows, _ranks(truth[rows]), np.asarray(ends, dtype=np.intp), np.stack(votes, axis=1))

    def taus(self, scores: Mapping[str, NDArray[np.float64]]) -> dict[str, AtEqualCost]:
        """Per column of scores (n_rows,) what is found; NaN where no such pairs, or none untied, are left."""
        known = {name: ~np.isnan(column[self.rows]) for name, column in scores.items()}
        ranks = {name: _ranks(np.where(known[name], column[self.rows], -np.inf)) for name, column in scores.items()}
        votes = {name: self.weights * known[name][:, None] for name in scores}
        n_pairs = int((self.ends - np.arange(self.ends.size) - 1).sum())
        if n_pairs > MOST_PAIRS:
            return self._of_drawn(ranks, votes, n_pairs)
        signed = self._concordance(ranks, votes)
        of_truth: dict[bytes, NDArray[np.float64]] = {}
        found = {}
        for name in scores:
            key = known[name].tobytes()
            if key not in of_truth:
                of_truth[key] = self._untied(self.truth, votes[name])
            n = round(float(self._held(np.zeros_like(self.truth), votes[name])[0]))
            found[name] = _tau(signed[name], self._untied(ranks[name], votes[name]), of_truth[key], n)
        return found

    def _concordance(
        self, ranks: Mapping[str, NDArray[np.int32]], votes: Mapping[str, NDArray[np.float64]]
    ) -> dict[str, NDArray[np.float64]]:
        """Per column (1 or 2,) the sums of w_i w_j sign sign, by blocks of rows beside all that they reach."""
        found = {name: np.zeros(self.weights.shape[1]) for name in ranks}
        for first in range(0, self.rows.size, _AT_ONCE):
            own = np.arange(first, min(first + _AT_ONCE, self.rows.size))
            others = np.arange(first + 1, self.ends[own[-1]])
            if not others.size:
                continue
            in_reach = (others > own[:, None]) & (others < self.ends[own][:, None])
            truth = _signs(self.truth, own, others) * in_reach.astype(np.int8)
            for name, column in ranks.items():
                signs = (_signs(column, own, others) * truth).astype(np.float64)
                found[name] += ((signs @ votes[name][others]) * votes[name][own]).sum(axis=0)
        return found

    def _held(self, ranks: NDArray[np.int32], votes: NDArray[np.float64]) -> NDArray[np.float64]:
        """(1 or 2,) weight of the pairs of equal cost that are tied in `ranks`."""
        n_rows = self.rows.size
        here = np.arange(n_rows)
        keys = ranks.astype(np.int64) * (n_rows + 1)
        order = np.argsort(keys + here)
        ordered = (keys + here)[order]
        ends = np.searchsorted(ordered, (keys + self.ends)[order])
        before = np.concatenate([np.zeros((1, votes.shape[1])), np.cumsum(votes[order], axis=0)])
        return np.asarray((votes[order] * (before[ends] - before[1:])).sum(axis=0))

    def _untied(self, ranks: NDArray[np.int32], votes: NDArray[np.float64]) -> NDArray[np.float64]:
        """(1 or 2,) weight of the pairs of equal cost that are not tied in `ranks`."""
        total = self._held(np.zeros_like(ranks), votes)
        untied = total - self._held(ranks, votes)
        # A total less ties that are all of it, but for rounding, is no untied pair.
        return np.where(untied > 1e-9 * total, untied, 0.0)

    def _of_drawn(
        self, ranks: Mapping[str, NDArray[np.int32]], votes: Mapping[str, NDArray[np.float64]], n_pairs: int
    ) -> dict[str, AtEqualCost]:
        """As `taus`, from pairs drawn at random."""
        random = np.random.default_rng(derive_seed("pairs of equal cost", str(self.rows.size)))
        last = np.cumsum(self.ends - np.arange(self.ends.size) - 1)
        drawn = np.sort(random.integers(n_pairs, size=N_DRAWN))
        one = np.searchsorted(last, drawn, side="right")
        other = self.ends[one] - (last[one] - drawn)
        truth = np.sign(self.truth[one] - self.truth[other])
        found = {}
        for name, column in ranks.items():
            weights = votes[name][one] * votes[name][other]
            signs = np.sign(column[one] - column[other])
            parts = (signs * truth, abs(signs), abs(truth))
            signed, of_scores, of_truth = (values.astype(np.float64) @ weights for values in parts)
            found[name] = _tau(signed, of_scores, of_truth, round(n_pairs * float(weights[:, 0].mean())))
        return found


def _tau(
    signed: NDArray[np.float64], scores: NDArray[np.float64], truth: NDArray[np.float64], n_pairs: int
) -> AtEqualCost:
    """From A, B and C, each (1 or 2,)."""
    spreads = np.sqrt(scores * truth)
    taus = [float(np.clip(a / b, -1.0, 1.0)) if b > 0 else NAN for a, b in zip(signed, spreads, strict=True)]
    return AtEqualCost(taus[0], taus[-1], n_pairs)


def _ranks(values: NDArray[np.float64]) -> NDArray[np.int32]:
    return np.unique(values, return_inverse=True)[1].astype(np.int32)


def _signs(ranks: NDArray[np.int32], own: NDArray[np.intp], others: NDArray[np.intp]) -> NDArray[np.int8]:
    one, other = ranks[own][:, None], ranks[others]
    return (one > other).astype(np.int8) - (one < other).astype(np.int8)
