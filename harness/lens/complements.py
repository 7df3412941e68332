"""Whether two proxies together, by the sum of their ranks, rank better than one: all pairs, and a choice held out."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata, t

from harness.agreement import Pairs
from harness.lens.bias import similarity

N_SPLITS = 50
_LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class Scored:
    """What pairs are made of: architectures with a truth and a score by every proxy.

    Attributes:
        names: k proxies.
        scores: (n, k), never NaN.
        truth: (n,), higher is better.
        networks: (n,) a number for each isomorphism class.
    """

    names: tuple[str, ...]
    scores: NDArray[np.float64]
    truth: NDArray[np.float64]
    networks: NDArray[np.intp]

    def votes(self, *, of_networks: bool) -> NDArray[np.float64] | None:
        """(n,) weights: None where every architecture has one vote, otherwise 1 / (names of its network)."""
        return 1 / np.bincount(self.networks)[self.networks] if of_networks else None

    def of(self, rows: NDArray[np.intp]) -> "Scored":
        """The architectures of some rows."""
        networks = np.unique(self.networks[rows], return_inverse=True)[1].astype(np.intp)
        return Scored(self.names, self.scores[rows], self.truth[rows], networks)


class HeldOut(NamedTuple):
    """Tau on the half of the networks on which nothing was chosen, mean over splits.

    Attributes:
        pair: of the rank sum of the pair that was best on the other half.
        single: of the proxy that was best there.
        delta: pair less single.
        low, high: a 95 % interval for delta, by Nadeau and Bengio's corrected variance.
        n_splits: splits with a tau of both on either half.
        pairs: how often each pair was chosen, most often first.
        singles: how often each proxy was.
    """

    pair: float
    single: float
    delta: float
    low: float
    high: float
    n_splits: int
    pairs: list[tuple[tuple[str, str], int]]
    singles: list[tuple[str, int]]


def pairs_table(scored: Scored) -> pd.DataFrame:
    """Every pair: tau of each, with each other, of the rank sum, and of each with the truth given the other.

    `gain` is the rank sum's tau less that of the better of the two; columns that end in `_networks` have one vote for
    each network. In the order of the rank sum's tau, the highest first.
    """
    ranks = rankdata(scored.scores, axis=0)
    known = similarity(pd.DataFrame(scored.scores, columns=list(scored.names)), scored.names)
    votes = [None, scored.votes(of_networks=True)]
    alone = [[_tau(ranks[:, at], scored.truth, weights) for at in range(len(scored.names))] for weights in votes]
    rows = []
    for one, two in combinations(range(len(scored.names)), 2):
        summed = [_tau(ranks[:, one] + ranks[:, two], scored.truth, weights) for weights in votes]
        taus = alone[0][one], alone[0][two]
        between = float(known[one, two])
        rows.append(
            {
                "first": scored.names[one], "second": scored.names[two], "n": scored.truth.size,
                "tau_first": taus[0], "tau_second": taus[1], "tau_between": between,
                "tau_sum": summed[0], "gain": summed[0] - max(taus),
                "partial_first": _partial(*taus, between), "partial_second": _partial(*taus[::-1], between),
                "tau_sum_networks": summed[1], "gain_networks": summed[1] - max(alone[1][one], alone[1][two]),
            }
        )  # fmt: skip
    return pd.DataFrame(rows).sort_values("tau_sum", ascending=False, kind="stable", ignore_index=True)


def held_out(scored: Scored, seed: int, *, of_networks: bool, n_splits: int = N_SPLITS) -> HeldOut:
    """The best pair and the best proxy of one random half of the networks, judged on the other; over many splits.

    Splits share networks, so that their spread understates what is not known: the variance of the mean difference is
    that of Nadeau and Bengio (Machine Learning 52, 2003), (1 / splits + judged / chosen on) times that over splits.
    """
    pairs = list(combinations(range(len(scored.names)), 2))
    found, of_pairs, of_singles = [], Counter[tuple[str, str]](), Counter[str]()
    for chosen_on, judged_on in _halves(scored.networks, n_splits, seed):
        there = _Ranked.of(scored.of(chosen_on), of_networks=of_networks)
        pair = max(pairs, key=there.eligible)
        single = max(range(len(scored.names)), key=lambda at: there.eligible((at,)))
        here = _Ranked.of(scored.of(judged_on), of_networks=of_networks)
        judged = here.tau(pair), here.tau((single,))
        if np.isfinite([there.tau(pair), there.tau((single,)), *judged]).all():
            of_pairs[scored.names[pair[0]], scored.names[pair[1]]] += 1
            of_singles[scored.names[single]] += 1
            found.append((*judged, judged_on.size / chosen_on.size))
    if len(found) < 2:
        nothing = float("nan")
        return HeldOut(nothing, nothing, nothing, nothing, nothing, len(found), [], [])
    by_pair, by_single, ratios = np.array(found).T
    deltas = by_pair - by_single
    error = float(np.sqrt(deltas.var(ddof=1) * (1 / len(found) + ratios.mean())))
    reach = float(t.ppf((1 + _LEVEL) / 2, len(found) - 1)) * error
    delta = float(deltas.mean())
    return HeldOut(
        float(by_pair.mean()), float(by_single.mean()), delta, delta - reach, delta + reach, len(found),
        of_pairs.most_common(), of_singles.most_common(),
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Ranked:
    ranks: NDArray[np.float64]
    truth: NDArray[np.float64]
    weights: NDArray[np.float64] | None

    @classmethod
    def of(cls, scored: Scored, *, of_networks: bool) -> "_Ranked":
        return cls(rankdata(scored.scores, axis=0), scored.truth, scored.votes(of_networks=of_networks))

    def tau(self, columns: Sequence[int]) -> float:
        """Of the rank sum of columns; NaN where scores or truth are all equal."""
        return _tau(self.ranks[:, list(columns)].sum(axis=1), self.truth, self.weights)

    def eligible(self, columns: Sequence[int]) -> float:
        """Tau, or less than any where it is undefined: that is never chosen."""
        found = self.tau(columns)
        return found if np.isfinite(found) else -np.inf


def _halves(
    networks: NDArray[np.intp], n_splits: int, seed: int
) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Rows of two random halves, names of one network together."""
    sizes = np.bincount(networks)
    random = np.random.default_rng(seed)
    for _ in range(n_splits):
        order = random.permutation(sizes.size)
        before = np.cumsum(sizes[order]) - sizes[order]
        is_first = np.zeros(sizes.size, dtype=bool)
        is_first[order[before < networks.size / 2]] = True
        yield np.flatnonzero(is_first[networks]), np.flatnonzero(~is_first[networks])


def _tau(scores: NDArray[np.float64], truth: NDArray[np.float64], weights: NDArray[np.float64] | None) -> float:
    return Pairs.of(scores, truth, weights).tau()


def _partial(own: float, other: float, between: float) -> float:
    """Kendall's partial tau of a proxy and the truth given another proxy; NaN where the other leaves nothing over."""
    left = (1 - other**2) * (1 - between**2)
    return float((own - other * between) / np.sqrt(left)) if left > 0 else float("nan")
