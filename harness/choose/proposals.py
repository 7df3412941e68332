"""Which architectures to train next: the first by the chosen ranking, and those on which open rankings disagree."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.choose.finding import Finding
from harness.choose.pool import Pool
from harness.choose.rankings import Rankings

TOP, INFORMATIVE = "top", "informative"
MOST_COMPARED = 10


@dataclass(frozen=True)
class Proposal:
    """An untrained architecture.

    Attributes:
        arch, index: its name and official index.
        why: "top": first by the chosen ranking; "informative": the open rankings disagree most on it.
        place: by the chosen ranking among the untrained networks, 1 the first.
        disagreement: standard deviation of its percentiles among the untrained networks over the open rankings.
    """

    arch: str
    index: int
    why: str
    place: int
    disagreement: float


def proposals(finding: Finding, k: int) -> list[Proposal]:
    """The k to train next, and k more where the choice of the ranking is open.

    One architecture of each isomorphism class; none that was trained, nor one that computes the same function. Equal
    places are ordered by the mean over the open rankings, then by official index.
    """
    pool, rankings = finding.pool, finding.rankings
    rows = pool.untrained
    if not rows.size:
        return []
    compared = finding.contenders[:MOST_COMPARED]
    percentiles = np.column_stack([_percentiles(values_by(pool, rankings, name)[rows]) for name in compared])
    mean, spread = percentiles.mean(axis=1), percentiles.std(axis=1)
    order = np.lexsort((pool.index[rows], -mean, -percentiles[:, 0]))
    places = np.empty(rows.size, dtype=np.int64)
    places[order] = np.arange(1, rows.size + 1)
    top = order[:k]
    chosen = [(at, TOP) for at in top]
    if len(compared) > 1:
        by_spread = np.lexsort((pool.index[rows], -spread))
        chosen += [(at, INFORMATIVE) for at in by_spread[~np.isin(by_spread, top)][:k] if spread[at] > 0]
    return [
        Proposal(pool.archs[rows[at]], int(pool.index[rows[at]]), why, int(places[at]), float(spread[at]))
        for at, why in chosen
    ]


def values_by(pool: Pool, rankings: Rankings, name: str) -> NDArray[np.float64]:
    """The whole pool as a ranking orders it, [n]; a predictor is fitted to all that was trained."""
    if name in rankings.fixed:
        return rankings.fixed[name]
    trained = pool.trained
    model = rankings.learned[name].fit(pool.features[trained], pool.accuracies[trained])
    return model.predict(pool.features)


def _percentiles(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(stats.rankdata(values) / values.size)


def table_rows(found: Sequence[Proposal]) -> list[dict[str, object]]:
    """Rows of next.csv."""
    return [
        {
            "arch": one.arch,
            "index": one.index,
            "why": one.why,
            "place": one.place,
            "disagreement": round(one.disagreement, 4),
        }
        for one in found
    ]
