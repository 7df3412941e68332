"""What a ranking is for: finding good architectures. Weighted tau, tau among the best, top k, regret, gain, equal cost.

Each measure is given over cells, where each name of a network counts, and over networks, where each canonical class
has one vote. Ties: see `harness.agreement.top`. Weighted tau is SciPy's (Vigna, WWW 2015), over cells alone: hyperbolic
weights, so that exchanges among the best count most, ranked by truth and by score in turn.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from harness import columns
from harness.agreement.correlation import Pairs
from harness.agreement.equal_cost import NOT_KNOWN, AtEqualCost, tau_at_equal_cost
from harness.agreement.top import best_of_top, ndcg, precision, top_overlap, upper

TOP = columns.TOP
NAN = float("nan")


@dataclass(frozen=True)
class Found:
    """What the best by score are by truth, in one weighting.

    Attributes:
        tau_upper_half, tau_top_decile: tau-b of the architectures whose truth is not below the median, the .9 quantile.
        overlap: per k of `TOP`, expected share of the k best by score that are among the k best by truth.
        precision: per k of `TOP`, expected share of the k best by score whose truth is not below the .9 quantile.
        regret: per k of `TOP`, the best truth less the expected best truth among the k best by score, in its unit.
        ndcg: per k of `columns.GAIN_AT`, normalised discounted cumulative gain; NaN where truth is not in percent.
        at_equal_cost: per cost of `columns.COSTS` tau over pairs of about equal cost.
    """

    tau_upper_half: float = NAN
    tau_top_decile: float = NAN
    overlap: tuple[float, ...] = (NAN,) * len(TOP)
    precision: tuple[float, ...] = (NAN,) * len(TOP)
    regret: tuple[float, ...] = (NAN,) * len(TOP)
    ndcg: tuple[float, ...] = (NAN,) * len(columns.GAIN_AT)
    at_equal_cost: Mapping[str, AtEqualCost] = field(default_factory=dict)

    def columns(self, of: str = "") -> dict[str, float]:
        """Its cells of `selection.csv`, by column name with `of` behind it."""
        by_cost = {cost: self.at_equal_cost.get(cost, NOT_KNOWN) for cost in columns.COSTS}
        cells = {
            columns.TAU_UPPER_HALF: self.tau_upper_half,
            columns.TAU_TOP_DECILE: self.tau_top_decile,
            **{f"top{k}_overlap": value for k, value in zip(TOP, self.overlap, strict=True)},
            **{f"top{k}_precision": value for k, value in zip(TOP, self.precision, strict=True)},
            **{f"top{k}_regret": value for k, value in zip(TOP, self.regret, strict=True)},
            **{f"ndcg{k}": value for k, value in zip(columns.GAIN_AT, self.ndcg, strict=True)},
            **{f"tau_equal_{cost}": found.tau for cost, found in by_cost.items()},
            **{f"pairs_equal_{cost}": found.share for cost, found in by_cost.items()},
        }
        return {f"{name}{of}": value for name, value in cells.items()}


@dataclass(frozen=True)
class Selection:
    """How well the best by score are the best by truth.

    Attributes:
        weighted_tau: in [-1, 1], over cells.
        n_first: architectures that share the highest score.
        cells, networks: one vote for each architecture, and for each canonical class.
    """

    weighted_tau: float
    n_first: int
    cells: Found
    networks: Found

    def columns(self) -> dict[str, float]:
        """Its cells of `selection.csv`, by column name."""
        first = {columns.WEIGHTED_TAU: self.weighted_tau, columns.N_FIRST: self.n_first}
        return first | self.cells.columns() | self.networks.columns(columns.OVER_NETWORKS)


@dataclass(frozen=True)
class Choice:
    """What rankings are judged by.

    Attributes:
        truth: (n_rows,) higher is better; NaN or infinite where unknown.
        weights: (n_rows,) 1 / class size; None where each network has one name.
        classes: (n_rows,) canonical class, any labels, where there are weights: those of a sample are scaled to add up
            to its networks, so that its top k are k of them.
        costs: by name of `columns.COSTS`, (n_rows,).
        in_percent: whether the truth is in percent, so that nDCG is defined.
    """

    truth: ArrayLike
    weights: NDArray[np.float64] | None = None
    classes: ArrayLike = ()
    costs: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    in_percent: bool = False


def selection(scores: ArrayLike, choice: Choice) -> Selection:
    """The selection by a column of scores; rows where either is NaN are left out, infinite scores rank at the ends.

    Args:
        scores: (n_rows,) higher is better.
        choice: truth, weights and costs of the same rows.
    """
    values, truth = np.asarray(scores, dtype=np.float64), np.asarray(choice.truth, dtype=np.float64)
    used = ~np.isnan(values) & np.isfinite(truth)
    if np.count_nonzero(used) < 2:
        return Selection(NAN, int(np.count_nonzero(used)), Found(), Found())
    costs = {name: cost[used] for name, cost in choice.costs.items()}
    values, truth = values[used], truth[used]
    cells = _found(values, Choice(truth, None, (), costs, choice.in_percent))
    networks = cells
    if choice.weights is not None:
        weights = choice.weights[used] * (pd.unique(np.asarray(choice.classes)[used]).size / choice.weights[used].sum())
        networks = _found(values, Choice(truth, weights, (), costs, choice.in_percent))
    return Selection(_weighted_tau(values, truth), int(np.count_nonzero(values == values.max())), cells, networks)


def _found(values: NDArray[np.float64], choice: Choice) -> Found:
    truth, weights = np.asarray(choice.truth), choice.weights
    best = float(truth.max())
    return Found(
        tau_upper_half=tau_above(values, truth, 0.5, weights),
        tau_top_decile=tau_above(values, truth, 0.9, weights),
        overlap=tuple(top_overlap(values, truth, k, weights) for k in TOP),
        precision=tuple(precision(values, truth, k, weights) for k in TOP),
        regret=tuple(max(best - best_of_top(values, truth, k, weights), 0.0) for k in TOP),
        ndcg=tuple(ndcg(values, truth, k, weights) if choice.in_percent else NAN for k in columns.GAIN_AT),
        at_equal_cost={name: tau_at_equal_cost(values, truth, cost, weights) for name, cost in choice.costs.items()},
    )


def tau_above(
    scores: NDArray[np.float64],
    truth: NDArray[np.float64],
    quantile: float,
    weights: NDArray[np.float64] | None = None,
) -> float:
    """Tau-b of the rows whose truth is not below its quantile."""
    kept = truth >= upper(truth, quantile, weights)
    return Pairs.of(scores[kept], truth[kept], None if weights is None else weights[kept]).tau()


def _weighted_tau(scores: NDArray[np.float64], truth: NDArray[np.float64]) -> float:
    # SciPy knows no infinities in its merge; ranks are what it uses anyway.
    pairs = Pairs.of(scores, truth)
    if np.ptp(pairs.scores) == 0 or np.ptp(pairs.truth) == 0:
        return NAN
    return float(stats.weightedtau(pairs.scores, pairs.truth).statistic)
