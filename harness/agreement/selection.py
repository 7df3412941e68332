"""What a ranking is for: finding good architectures. Precision, nDCG, regret, tau among the best and at equal cost.

Each is found over cells and over networks, as tau is: a row weighs 1, or 1 / (size of its class in the population).
In a sample the weights of the top k are scaled to add up to the number of its networks.

A score that many architectures share ranks none of them first: whatever picks from the top is the expectation over a
random order of ties. Weighted tau (Vigna, WWW 2015) is `scipy.stats.weightedtau`: hyperbolic weights, so that exchanges
among the best count most, ranked by truth and by score in turn. The weight of a pair is the sum of those of its rows,
so it is found from what each row is concordant with, which is known already.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from harness import columns
from harness.agreement.correlation import Pairs, untied
from harness.agreement.equal_cost import NOWHERE, AtEqualCost, EqualCost
from harness.agreement.measure import Sample
from harness.agreement.top import Places, at_least, best_of_top, ndcg, precision, top_overlap
from harness.agreement.variations import Variations

TOP = columns.TOP
NAN = float("nan")


class Found(NamedTuple):
    """What a ranking finds, in one weighting; NaN where the rows weigh less than k.

    Attributes:
        weighted_tau: in [-1, 1].
        tau_upper_half, tau_top_decile: tau-b of the rows whose truth is not below the median, the .9 quantile.
        overlap: per k of `columns.TOP`, expected share of the top k by score that is in the top k by truth.
        regret: per k of `columns.TOP`, the best truth less the expected best truth of the top k by score, in its unit.
        precision: per k of `columns.PRECISION_AT`, expected share of the top k by score in the best tenth by truth.
        ndcg: per k of `columns.NDCG_AT`; NaN for a truth that is no accuracy in percent.
        n_first: weight of the rows that share the highest score.
    """

    weighted_tau: float
    tau_upper_half: float
    tau_top_decile: float
    overlap: tuple[float, ...]
    regret: tuple[float, ...]
    precision: tuple[float, ...]
    ndcg: tuple[float, ...]
    n_first: float

    def columns(self, suffix: str = "") -> dict[str, float]:
        """Its cells of `selection.csv`, by column name."""
        cells = {
            columns.WEIGHTED_TAU: self.weighted_tau,
            columns.TAU_UPPER_HALF: self.tau_upper_half,
            columns.TAU_TOP_DECILE: self.tau_top_decile,
            **{f"top{k}_overlap": value for k, value in zip(TOP, self.overlap, strict=True)},
            **{f"top{k}_regret": value for k, value in zip(TOP, self.regret, strict=True)},
            columns.N_FIRST: self.n_first,
            **{f"precision{k}": value for k, value in zip(columns.PRECISION_AT, self.precision, strict=True)},
            **{f"ndcg{k}": value for k, value in zip(columns.NDCG_AT, self.ndcg, strict=True)},
        }
        return {f"{name}{suffix}": value for name, value in cells.items()}


@dataclass(frozen=True)
class Selection:
    """How well the best by score are the best by truth.

    Attributes:
        n, n_nan: rows used, and rows left out because score or truth is missing or the truth is infinite.
        cells: each architecture has one vote.
        networks: each canonical class has one; `cells` itself where each network has one name.
        at_equal_cost: per cost, tau over the pairs of about that cost, in both weightings.
    """

    n: int
    n_nan: int
    cells: Found
    networks: Found
    at_equal_cost: Mapping[str, AtEqualCost]

    def columns(self) -> dict[str, float]:
        """Its cells of `selection.csv`, by column name and in the order of `columns.SELECTION`."""
        found = self.cells.columns() | self.networks.columns(columns.NETWORKS) | {columns.N: self.n}
        found[columns.N_NAN] = self.n_nan
        for cost in columns.COSTS:
            at = self.at_equal_cost.get(cost, NOWHERE)
            found |= {
                f"tau_equal_{cost}": at.tau,
                f"tau_equal_{cost}{columns.NETWORKS}": at.tau_networks,
                f"n_pairs_equal_{cost}": at.n_pairs,
            }
        return found


def selections(
    scores: Mapping[str, ArrayLike] | pd.DataFrame,
    sample: Sample,
    *,
    costs: Mapping[str, ArrayLike] | None = None,
    in_percent: bool = True,
    variations: Variations | None = None,
) -> dict[str, Selection]:
    """The selection by each column of scores; rows where score or truth is NaN, or the truth infinite, are left out.

    Args:
        scores: per proxy (n_rows,) scores, higher is better; infinities rank at the ends.
        sample: truth and classes of the same rows.
        costs: per name of `columns.COSTS` what each row costs (n_rows,); NaN: not known.
        in_percent: whether the truth is an accuracy in percent, of which nDCG is defined.
        variations: concordances that are known already.
    """
    plan = variations or Variations.of(sample.classes, n_replicates=1)
    by_name = {str(name): np.asarray(column, dtype=np.float64) for name, column in scores.items()}
    equal = {
        name: EqualCost.of(cost, sample.truth, sample.weights).taus(by_name) for name, cost in (costs or {}).items()
    }
    found = {}
    for name, column in by_name.items():
        pairs = plan.pairs(column, sample.truth, sample.weights)
        cells = _found(pairs, column, sample.truth, None, in_percent=in_percent)
        networks = cells
        if pairs.votes is not None:
            # Of a sample too, the top k over networks are k of those in it: their votes add up to their number.
            votes = pairs.votes * (plan.n_classes(pairs) / max(pairs.votes.sum(), 1e-12))
            networks = _found(pairs.networks, column, sample.truth, votes, in_percent=in_percent)
        at = {cost: taus[name] for cost, taus in equal.items()}
        found[name] = Selection(pairs.counts.n, pairs.counts.n_nan, cells, networks, at)
    return found


def _found(
    pairs: Pairs,
    scores: NDArray[np.float64],
    truth: NDArray[np.float64],
    weights: NDArray[np.float64] | None,
    *,
    in_percent: bool,
) -> Found:
    values, accuracies = scores[pairs.rows], truth[pairs.rows]
    n_first = 0.0
    if values.size:
        first = values == values.max()
        n_first = float(np.count_nonzero(first) if weights is None else weights[first].sum())
    if values.size < 2:
        top, at, gain = ((NAN,) * len(ks) for ks in (TOP, columns.PRECISION_AT, columns.NDCG_AT))
        return Found(NAN, NAN, NAN, top, top, at, gain, n_first)
    best = float(accuracies.max())
    by_score, by_truth = (Places.of_ranks(ranks, weights) for ranks in (pairs.scores, pairs.truth))
    in_best_tenth = by_truth.share_of_top(by_truth.weights.sum() / 10)
    return Found(
        weighted_tau=weighted_tau(pairs, weights),
        tau_upper_half=tau_above(pairs, accuracies, 0.5),
        tau_top_decile=tau_above(pairs, accuracies, 0.9),
        overlap=tuple(top_overlap(by_score, by_truth, k) for k in TOP),
        regret=tuple(max(best - best_of_top(values, accuracies, k, weights), 0.0) for k in TOP),
        precision=tuple(precision(by_score, in_best_tenth, k) for k in columns.PRECISION_AT),
        ndcg=tuple(ndcg(by_score, by_truth, accuracies, k) if in_percent else NAN for k in columns.NDCG_AT),
        n_first=n_first,
    )


def tau_above(pairs: Pairs, truth: NDArray[np.float64], quantile: float) -> float:
    """Tau-b of the pairs' rows whose truth (n,) is not below its quantile."""
    kept = at_least(truth, quantile, pairs.weights)
    weights = None if pairs.weights is None else pairs.weights[kept]
    return Pairs.of(pairs.scores[kept], pairs.truth[kept], weights).tau()


def weighted_tau(pairs: Pairs, weights: NDArray[np.float64] | None = None) -> float:
    """Vigna's weighted tau: the mean of those with rows ranked by truth and by score, ties of one by the other.

    Args:
        pairs: scores and truth.
        weights: (n,) how much of a place each row takes; None: the whole of one.
    """
    if np.ptp(pairs.scores) == 0 or np.ptp(pairs.truth) == 0:
        return NAN
    weights = np.ones(pairs.rows.size) if weights is None else weights
    votes = np.ones(pairs.rows.size) if pairs.weights is None else pairs.weights
    # 1 / (rows before it + 1): of place j 1 / j.
    summed = np.concatenate([np.zeros(1), np.cumsum(1 / np.arange(1, np.ceil(weights.sum()) + 1))])
    free = untied(pairs.scores, votes), untied(pairs.truth, votes)
    found = []
    n_levels = int(max(pairs.scores.max(), pairs.truth.max())) + 1
    for first, second in ((pairs.scores, pairs.truth), (pairs.truth, pairs.scores)):
        ranked = Places.of(first.astype(np.int64) * n_levels + second, weights).share_of(summed)
        found.append((ranked @ pairs.concordance) / np.sqrt((ranked @ free[0]) * (ranked @ free[1])))
    return float(np.mean(found))
