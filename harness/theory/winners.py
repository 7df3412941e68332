"""Which network has the most validation images right: exactly where images are independent, by draws where not.

Network i has X_i of m images right and the largest count is chosen, ties at random. With independent images the X_i are
independent binomials, and X_i + U_i with U_i uniform on [0, 1) has the piecewise linear distribution function
F_i(c - 1) + t p_i(c) at c + t, so that

    P(i is chosen) = sum_c p_i(c) integral_0^1 prod_{j != i} (F_j(c - 1) + t p_j(c)) dt,

ties averaged. The sum is over all counts that the largest one can be; the integrand is a polynomial in t, integrated by
Gauss and Legendre's rule. What is left out has a probability below 1e-10.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtr, ndtri
from scipy.stats import binom

QUANTILES = (0.5, 0.9, 0.95)
N_LEVELS = 32
"""Levels of difficulty of an image, all equally likely, where images are correlated."""
_NEGLIGIBLE = 1e-12
_NODES = 16
_N_PANELS = 6
_STEEP = 8.0  # networks expected at a count, above which one panel of nodes is too coarse
_REACH = 40.0  # of them: below t = 1 - _REACH / n the integrand is below e^-40 of its largest value
_MOST_CELLS = 500_000  # numbers in an array
_LEFT_OUT = 1e-6


@dataclass(frozen=True, eq=False)
class Candidates:
    """Networks to choose from: distinct accuracies (k,) from 0 to 1, ascending, and how many networks (k,) have it."""

    accuracies: NDArray[np.float64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, accuracies: NDArray[np.float64]) -> "Candidates":
        """From one accuracy (n,) per network."""
        values, counts = np.unique(accuracies, return_counts=True)
        return cls(values, counts.astype(np.int64))

    @property
    def n(self) -> int:
        """How many networks there are."""
        return int(self.counts.sum())


@dataclass(frozen=True, eq=False)
class Winner:
    """The network that is chosen.

    Attributes:
        accuracies: (k,) of the candidates, ascending, from 0 to 1.
        probabilities: (k,) that the chosen one has this accuracy; they sum to 1.
        gap: mean of its share of images right minus its accuracy: how much the winner's own images flatter it.
        gap_sd: its standard deviation.
        error: standard error of the mean accuracy over draws of images and shortlists; 0 where nothing was drawn.
    """

    accuracies: NDArray[np.float64]
    probabilities: NDArray[np.float64]
    gap: float
    gap_sd: float
    error: float = 0.0

    def regret(self, best: float) -> float:
        """Mean of best - accuracy of the chosen network."""
        return float(self.probabilities @ (best - self.accuracies))

    def quantile(self, share: float, best: float) -> float:
        """The smallest regret that is exceeded with a probability of at most 1 - `share`."""
        below = np.cumsum(self.probabilities[::-1])  # from the smallest regret on
        at = min(int(np.searchsorted(below, share - 1e-9)), below.size - 1)
        return float(best - self.accuracies[::-1][at])

    def finds(self, best: float) -> float:
        """The probability that the chosen network has the accuracy `best`."""
        return float(self.probabilities[self.accuracies >= best - 1e-12].sum())

    @classmethod
    def mean(cls, winners: "Sequence[Winner]", accuracies: NDArray[np.float64]) -> "Winner":
        """The mixture of equally likely winners, over the union (k,) of their accuracies, ascending."""
        probabilities = np.zeros(accuracies.size)
        for one in winners:
            probabilities[np.searchsorted(accuracies, one.accuracies)] += one.probabilities / len(winners)
        gap = float(np.mean([one.gap for one in winners]))
        squares = float(np.mean([one.gap_sd**2 + one.gap**2 for one in winners]))
        means = [float(one.probabilities @ one.accuracies) for one in winners]
        error = float(np.std(means, ddof=1)) / math.sqrt(len(means)) if len(means) > 1 else winners[0].error
        return cls(accuracies, probabilities, gap, math.sqrt(max(squares - gap**2, 0.0)), error)


def chosen(candidates: Candidates, m: int) -> Winner:
    """Who is chosen by m independent images, exactly."""
    accuracies, counts = candidates.accuracies, candidates.counts
    best = float(accuracies[-1])
    highest = min(m, int(binom.isf(_NEGLIGIBLE / candidates.n, m, best)) + 1)
    lowest = max(int(binom.ppf(_NEGLIGIBLE, m, best)), 0)
    kept = _able(candidates, m, lowest)
    lowest = _lowest(accuracies[kept], counts[kept], m, (lowest, highest))
    kept = _able(candidates, m, lowest)
    own, n_each = accuracies[kept], counts[kept].astype(np.float64)
    sums = np.zeros((3, own.size))  # of the probability, and of it times the gap and its square
    for at in _chunks(lowest, highest, own.size):
        below, mass = _below(own, m, at)
        won = n_each[:, None] * _won(below, mass, n_each)
        gaps = at[None, :] / m - own[:, None]
        sums += np.array([won.sum(axis=1), (won * gaps).sum(axis=1), (won * gaps**2).sum(axis=1)])
    probabilities = np.zeros(accuracies.size)
    probabilities[kept] = sums[0]
    gap, squares = float(sums[1].sum()), float(sums[2].sum())
    return Winner(accuracies, probabilities, gap, math.sqrt(max(squares - gap**2, 0.0)))


def _able(candidates: Candidates, m: int, lowest: int) -> NDArray[np.bool_]:
    """(k,) who may have `lowest` or more images right; all others together have a negligible chance to."""
    reach = candidates.counts * binom.sf(lowest - 1, m, candidates.accuracies)
    able = np.cumsum(reach) > _NEGLIGIBLE
    able[-1] = True
    return np.asarray(able)


def _lowest(accuracies: NDArray[np.float64], counts: NDArray[np.int64], m: int, ends: tuple[int, int]) -> int:
    """The smallest count that the largest one can be; it is smaller with a negligible probability."""
    for at in _chunks(*ends, accuracies.size):
        below, mass = _below(accuracies, m, at)
        logs = counts @ np.log(np.clip(below + mass, 1e-300, 1.0))
        above = np.flatnonzero(logs > math.log(_NEGLIGIBLE))
        if above.size:
            return int(at[above[0]])
    return ends[1]


def _chunks(lowest: int, highest: int, n_groups: int) -> Iterator[NDArray[np.int64]]:
    """The counts from lowest to highest, as many at once as memory should hold."""
    step = max(1, _MOST_CELLS // n_groups)
    for first in range(lowest, highest + 1, step):
        yield np.arange(first, min(highest, first + step - 1) + 1)


def _below(
    accuracies: NDArray[np.float64], m: int, at: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(k, n_counts) probabilities of fewer images right than each of the consecutive counts `at`, and of as many."""
    mass = _mass(accuracies, m, at)
    fewer = np.asarray(binom.cdf(at[0] - 1, m, accuracies))
    return fewer[:, None] + np.cumsum(mass, axis=1) - mass, mass


def _mass(accuracies: NDArray[np.float64], m: int, at: NDArray[np.int64]) -> NDArray[np.float64]:
    """(k, n_counts) binomial probabilities of the counts `at`."""
    inner = np.clip(accuracies, 1e-300, 1 - 1e-16)[:, None]
    ways = gammaln(m + 1) - gammaln(at + 1) - gammaln(m - at + 1)
    found = np.exp(ways + at * np.log(inner) + (m - at) * np.log1p(-inner))
    found[accuracies == 1] = at == m
    found[accuracies == 0] = at == 0
    return np.asarray(found)


def _won(below: NDArray[np.float64], mass: NDArray[np.float64], n_each: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k, n_counts) probability that one network of each accuracy has the count and is chosen.

    Args:
        below: (k, n_counts) probability of a smaller count.
        mass: (k, n_counts) probability of the count.
        n_each: (k,) networks of each accuracy.
    """
    found = np.zeros_like(mass)
    full = np.maximum(below + mass, 1e-300)
    crowd = n_each @ (mass / full)  # how many networks have this count, if none has more
    possible = n_each @ np.log(full) > math.log(_NEGLIGIBLE) - 2
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    nodes, weights = (nodes + 1) / 2, weights / 2
    for steep in (False, True):
        at = np.flatnonzero(possible & ((crowd > _STEEP) == steep))
        if not at.size:
            continue
        starts = np.zeros((1, at.size))
        widths = np.ones((1, at.size))
        if steep:
            reach = np.minimum(1.0, _REACH / crowd[at])
            widths = np.repeat(reach[None, :] / _N_PANELS, _N_PANELS, axis=0)
            starts = 1 - reach + np.arange(_N_PANELS)[:, None] * widths
        for start, width in zip(starts, widths, strict=True):
            for node, weight in zip(nodes, weights, strict=True):
                values = np.maximum(below[:, at] + (start + width * node) * mass[:, at], 1e-300)
                all_below = np.exp(n_each @ np.log(values))
                found[:, at] += width * weight * all_below * mass[:, at] / values
    return found


def chosen_by_draws(
    candidates: Candidates, m: int, *, correlation: float, n_draws: int, random: np.random.Generator
) -> Winner:
    """Who is chosen by m images that are the same for all networks, from draws; ties are averaged within each.

    A network has an image right if sqrt(correlation) z + sqrt(1 - correlation) e stays below a threshold; z, the
    difficulty of the image, is one of `N_LEVELS` equally likely quantiles of the normal distribution, e is independent
    and normal, and the threshold gives each network its accuracy exactly. Networks that are chosen by independent
    images with a probability below 1e-6, all together, are left out: correlated images distinguish them better.
    """
    independent = chosen(candidates, m)
    kept = np.cumsum(independent.probabilities) > _LEFT_OUT
    own = candidates.accuracies[kept]
    group = np.repeat(np.arange(own.size), candidates.counts[kept])
    right = right_by_level(own, correlation)
    shares = np.zeros((n_draws, own.size))
    gaps = np.zeros((n_draws, 2))
    for draw in range(n_draws):
        images = random.multinomial(m, np.full(N_LEVELS, 1 / N_LEVELS))
        n_right = np.zeros(group.size, dtype=np.int64)
        for level in np.flatnonzero(images):
            # Counted from the wrong ones, which are few: numpy draws those in the time that it takes to count them.
            n_right += images[level] - random.binomial(images[level], 1 - right[group, level])
        most = int(n_right.max())
        shares[draw] = np.bincount(group[n_right == most], minlength=own.size)
        shares[draw] /= shares[draw].sum()
        gap = most / m - own
        gaps[draw] = shares[draw] @ gap, shares[draw] @ gap**2
    probabilities = np.zeros(candidates.accuracies.size)
    probabilities[kept] = shares.mean(axis=0)
    gap, squares = gaps.mean(axis=0)
    error = float((shares @ own).std(ddof=1)) / math.sqrt(n_draws) if n_draws > 1 else math.nan
    return Winner(candidates.accuracies, probabilities, float(gap), math.sqrt(max(squares - gap**2, 0.0)), error)


def right_by_level(accuracies: NDArray[np.float64], correlation: float) -> NDArray[np.float64]:
    """(k, N_LEVELS) probability to have an image of each difficulty right; its mean over levels is the accuracy."""
    difficulty = ndtri((np.arange(N_LEVELS) + 0.5) / N_LEVELS)
    common, own = math.sqrt(correlation), math.sqrt(1 - correlation)
    low, high = np.full(accuracies.size, -40.0), np.full(accuracies.size, 40.0)
    for _ in range(60):  # bisection, to the last bit that matters
        middle = (low + high) / 2
        too_low = ndtr((middle[:, None] - common * difficulty) / own).mean(axis=1) < accuracies
        low, high = np.where(too_low, middle, low), np.where(too_low, high, middle)
    return np.asarray(ndtr((((low + high) / 2)[:, None] - common * difficulty) / own))


def hoeffding(n: int, m: int, failure: float = 0.05) -> float:
    """Regret (0 to 1) that m images exceed with a probability of at most `failure`, whatever the n networks are.

    Hoeffding's inequality for each network and a union over all: each count is within sqrt(log(2 n / failure) / (2 m))
    of its mean, and the chosen network's regret within twice that. It ignores that good networks vary less
    and that bad ones are no competitors, so it is loose.
    """
    return 2 * math.sqrt(math.log(2 * n / failure) / (2 * m))
