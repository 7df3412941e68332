"""Reliability of the truth: how far it agrees with itself where one network was trained several times.

Canonical-equal architectures compute the same function and were trained separately, each from weights and an order of
images of its own; so do seeds. Tau between such repetitions says how much of the truth's order training noise can
change. It is no bound on a proxy's tau: the truth of a table is a mean over more runs than one repetition, classes with
several names are not all classes, and a proxy may follow what a repetition and the truth share.

Two weights, because both are asked for: `class` takes two architectures of each class that has several, `architecture`
a random partner for each architecture, so that a large class counts for its size. Both are means over random draws.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from harness.agreement.correlation import correlations
from harness.randomness import derive_seed

N_DRAWS = 20
NAN = float("nan")

Pairing = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Rows and their repetitions."""


class Reliability(NamedTuple):
    """Tau between two repetitions: of all pairs, and of those whose first is in the truth's upper half, top decile.

    Attributes:
        between: what was repeated: `class`, `architecture`, or `seeds`.
        n: pairs of one draw.
        tau, upper_half, top_decile: means over the draws; the thresholds are quantiles of the whole truth, so that the
            upper half is that of a proxy's `tau_upper_half`.
        tau_sd: standard deviation of tau over the draws; 0 where nothing is drawn.
    """

    between: str
    n: int
    tau: float
    upper_half: float
    top_decile: float
    tau_sd: float


def of_classes(truth: ArrayLike, classes: ArrayLike) -> list[Reliability]:
    """Reliability from canonical-equal architectures; none where fewer than ten classes have several members.

    Args:
        truth: (n_rows,) higher is better; rows with NaN are left out.
        classes: (n_rows,) canonical class of each, any labels.
    """
    accuracies = np.asarray(truth, dtype=np.float64)
    members = _repeated(accuracies, classes)
    if len(members) < 10:
        return []
    return [
        _mean_over_draws("class", accuracies, lambda random: _two_of_each(members, random)),
        _mean_over_draws("architecture", accuracies, lambda random: _a_partner_for_each(members, random)),
    ]


def draws_of_classes(truth: ArrayLike, classes: ArrayLike) -> list[Pairing]:
    """The draws behind `class`: two rows (n_classes,) of each class that has several known ones, in random order."""
    members = _repeated(np.asarray(truth, dtype=np.float64), classes)
    random = np.random.default_rng(derive_seed("reliability", "class"))
    return [_two_of_each(members, random) for _ in range(N_DRAWS)] if members else []


def of_seeds(truth_by_seed: Mapping[str, ArrayLike]) -> list[Reliability]:
    """Reliability from seeds of the same architectures, mean over all pairs of seeds.

    Pairs with fewer than two architectures in common are left out, as where seeds are known for a part of the space;
    none where no pair is left.
    """
    columns = [np.asarray(column, dtype=np.float64) for column in truth_by_seed.values()]
    found = []
    for position, first in enumerate(columns):
        for second in columns[position + 1 :]:
            both = ~(np.isnan(first) | np.isnan(second))
            if both.sum() > 1:
                found.append((int(both.sum()), *_taus(first[both], second[both], first[both])))
    if not found:
        return []
    n, tau, upper, top = np.transpose(found)
    return [
        Reliability("seeds", int(n.mean()), float(tau.mean()), float(upper.mean()), float(top.mean()), float(tau.std()))
    ]


def _repeated(accuracies: NDArray[np.float64], classes: ArrayLike) -> list[NDArray[np.intp]]:
    """The known rows of each class that has several."""
    labels = pd.factorize(np.asarray(classes), use_na_sentinel=False)[0]
    known = np.flatnonzero(~np.isnan(accuracies))
    return [known[rows] for rows in pd.Series(known).groupby(labels[known]).indices.values() if len(rows) > 1]


def _mean_over_draws(
    between: str, accuracies: NDArray[np.float64], draw: Callable[[np.random.Generator], Pairing]
) -> Reliability:
    random = np.random.default_rng(derive_seed("reliability", between))
    whole = accuracies[~np.isnan(accuracies)]
    taus, n = [], 0
    for _ in range(N_DRAWS):
        first, second = draw(random)
        n = first.size
        taus.append(_taus(accuracies[first], accuracies[second], whole))
    tau, upper, top = np.transpose(taus)
    return Reliability(between, n, float(tau.mean()), float(upper.mean()), float(top.mean()), float(tau.std()))


def _taus(
    first: NDArray[np.float64], second: NDArray[np.float64], whole: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Tau of all, and of those whose first is not below the median and the .9 quantile of `whole`."""
    above = [first >= np.quantile(whole, quantile) for quantile in (0.0, 0.5, 0.9)]
    tau, upper, top = (correlations(first[kept], second[kept]).tau for kept in above)
    return tau, upper, top


def _two_of_each(members: list[NDArray[np.intp]], random: np.random.Generator) -> Pairing:
    drawn = np.array([random.choice(rows, 2, replace=False, shuffle=True) for rows in members])
    return drawn[:, 0], drawn[:, 1]


def _a_partner_for_each(members: list[NDArray[np.intp]], random: np.random.Generator) -> Pairing:
    first, second = [], []
    for rows in members:
        # Any of the others, uniformly: from one step to size - 1 steps on.
        first.append(rows)
        second.append(rows[(np.arange(rows.size) + random.integers(1, rows.size, rows.size)) % rows.size])
    return np.concatenate(first), np.concatenate(second)
