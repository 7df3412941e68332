"""Rank correlations within groups, and their random-effects combination.

Where accuracies of different groups cannot be compared, because recipes, data and test sizes differ, a correlation over
all architectures mixes differences between groups with those between networks. Here it is computed within each group of
ten or more, and the groups are taken as a sample of groups.

Fisher's z of each group has the variance 0.437 / (n - 4) for Kendall's tau and 1.06 / (n - 3) for Spearman's rho
(Fieller, Hartley and Pearson, Biometrika 44, 1957). The variance between groups is that of Paule and Mandel (J. Res.
Natl. Bur. Stand. 87, 1982), and the interval that of Hartung and Knapp (Stat. Med. 20, 2001) with t of k - 1 degrees of
freedom, never narrower than without their factor (Roever et al., BMC Med. Res. Methodol. 15, 2015). Differences of tau
between two scores are combined in the same way, untransformed; their variance within a group is the jackknife's.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from harness.agreement.correlation import correlations

SMALLEST_GROUP = 10
_TAU_VARIANCE, _TAU_LESS = 0.437, 4
_RHO_VARIANCE, _RHO_LESS = 1.06, 3
_LEVEL = 0.975


class Combined(NamedTuple):
    """A mean over groups with its 95 % interval (NaN for one group alone), and the variance between groups.

    `p` is two-sided, of the mean being 0, by the distribution of which the interval is.
    """

    value: float
    low: float
    high: float
    between: float
    p: float


@dataclass(frozen=True)
class GroupAgreement:
    """Agreement within one group, or combined over all: `group` is then empty and `n_groups` more than 1.

    `between` is the variance between groups of Fisher's z of tau; NaN for a single one.
    """

    group: str
    n_groups: int
    n: int
    tau: tuple[float, float, float]
    rho: tuple[float, float, float]
    between: float = math.nan


@dataclass(frozen=True)
class GroupDifference:
    """The mean over groups of tau of a score minus tau of a baseline, on the rows that both have, with its interval."""

    baseline: str
    n_groups: int
    n: int
    delta: tuple[float, float, float]
    between: float
    p: float = math.nan

    @property
    def beats(self) -> str:
        """yes, no, or undecided where the interval holds both; without regard to other comparisons."""
        _, low, high = self.delta
        return "yes" if low > 0 else "no" if high <= 0 else "undecided"


def combined(effects: Sequence[float], variances: Sequence[float]) -> Combined:
    """The random-effects mean of effects with known variances, (k,) each.

    Raises:
        ValueError: if there are none.
    """
    y, v = np.asarray(effects, dtype=np.float64), np.asarray(variances, dtype=np.float64)
    if not y.size:
        raise ValueError("there is nothing to combine")
    if y.size == 1:
        return Combined(float(y[0]), math.nan, math.nan, math.nan, math.nan)
    between = _paule_mandel(y, v)
    weights = 1 / (v + between)
    mean = float(np.average(y, weights=weights))
    factor = max(1.0, float(weights @ (y - mean) ** 2) / (y.size - 1))
    error = math.sqrt(factor / weights.sum())
    half = float(stats.t.ppf(_LEVEL, y.size - 1)) * error
    return Combined(mean, mean - half, mean + half, between, float(2 * stats.t.sf(abs(mean) / error, y.size - 1)))


def _paule_mandel(y: NDArray[np.float64], v: NDArray[np.float64]) -> float:
    """The variance between groups with which the weighted sum of squares is what it is expected to be."""

    def excess(between: float) -> float:
        weights = 1 / (v + between)
        return float(weights @ (y - np.average(y, weights=weights)) ** 2) - (y.size - 1)

    if excess(0.0) <= 0:
        return 0.0
    upper = float(np.var(y, ddof=1)) + float(v.max())
    while excess(upper) > 0:
        upper *= 2
    return float(optimize.brentq(excess, 0.0, upper, xtol=1e-14))


def within(scores: NDArray[np.float64], truth: NDArray[np.float64], groups: Sequence[str]) -> list[GroupAgreement]:
    """Agreement within each group of `SMALLEST_GROUP` or more, those with the most rows first, and combined.

    Args:
        scores: (n,) higher is better; NaN: unknown, left out.
        truth: (n,) likewise.
        groups: (n,) the group of each row.
    """
    found = [_of_group(name, scores[rows], truth[rows]) for name, rows in _rows(groups, scores, truth)]
    found = [one for one in found if math.isfinite(one.tau[0])]
    if len(found) < 2:
        return found
    n = [one.n for one in found]
    taus = combined([_z(one.tau[0], one.n) for one in found], [_tau_variance(size) for size in n])
    rhos = combined([_z(one.rho[0], one.n) for one in found], [_rho_variance(size) for size in n])
    return [*found, GroupAgreement("", len(found), sum(n), _back(taus), _back(rhos), taus.between)]


def differences(
    scores: NDArray[np.float64],
    baselines: Mapping[str, NDArray[np.float64]],
    truth: NDArray[np.float64],
    groups: Sequence[str],
) -> list[GroupDifference]:
    """Tau of the scores minus that of each baseline, combined over groups of `SMALLEST_GROUP` or more; see `within`."""
    found = []
    for name, baseline in baselines.items():
        effects, variances, n = [], [], 0
        for _, rows in _rows(groups, scores, baseline, truth):
            effect, variance = _difference(scores[rows], baseline[rows], truth[rows])
            if math.isfinite(effect):
                effects.append(effect)
                variances.append(variance)
                n += rows.size
        if len(effects) > 1:
            mean = combined(effects, variances)
            delta = mean.value, mean.low, mean.high
            found.append(GroupDifference(name, len(effects), n, delta, mean.between, mean.p))
    return found


def _rows(groups: Sequence[str], *columns: NDArray[np.float64]) -> Iterator[tuple[str, NDArray[np.intp]]]:
    """Each group of enough rows that are known in all columns, the largest first."""
    known = ~np.isnan(np.stack(columns)).any(axis=0)
    names = np.asarray(groups, dtype=object)
    members = {name: np.flatnonzero(known & (names == name)) for name in dict.fromkeys(groups)}
    for name in sorted(members, key=lambda name: (-members[name].size, name)):
        if members[name].size >= SMALLEST_GROUP:
            yield name, members[name]


def _of_group(name: str, scores: NDArray[np.float64], truth: NDArray[np.float64]) -> GroupAgreement:
    n = scores.size
    tau, rho = correlations(scores, truth)
    return GroupAgreement(name, 1, n, _alone(tau, n, _tau_variance(n)), _alone(rho, n, _rho_variance(n)))


def _alone(value: float, n: int, variance: float) -> tuple[float, float, float]:
    """A correlation with the interval of Fisher's z."""
    half = float(stats.norm.ppf(_LEVEL)) * math.sqrt(variance)
    z = _z(value, n)
    return value, math.tanh(z - half), math.tanh(z + half)


def _z(value: float, n: int) -> float:
    """Fisher's z; a correlation of 1 or -1 is taken as if half a pair of rows were ordered the other way."""
    most = 1 - 2 / (n * (n - 1))
    return math.atanh(min(max(value, -most), most)) if math.isfinite(value) else math.nan


def _tau_variance(n: int) -> float:
    return _TAU_VARIANCE / (n - _TAU_LESS)


def _rho_variance(n: int) -> float:
    return _RHO_VARIANCE / (n - _RHO_LESS)


def _back(found: Combined) -> tuple[float, float, float]:
    return math.tanh(found.value), math.tanh(found.low), math.tanh(found.high)


def _difference(
    scores: NDArray[np.float64], baseline: NDArray[np.float64], truth: NDArray[np.float64]
) -> tuple[float, float]:
    """The difference of tau, and its jackknife variance: at least the square of what one pair of rows makes."""
    n = truth.size

    def of(rows: NDArray[np.intp]) -> float:
        return correlations(scores[rows], truth[rows]).tau - correlations(baseline[rows], truth[rows]).tau

    everything = np.arange(n)
    left_out = np.array([of(np.delete(everything, row)) for row in range(n)])
    variance = (n - 1) / n * float(((left_out - left_out.mean()) ** 2).sum())
    return of(everything), max(variance, (4 / (n * (n - 1))) ** 2)
