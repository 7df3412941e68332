"""What the trained architectures say: which ranking, how good it is expected to be, and whether that is decided."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.agreement import Components, best_of_top
from harness.agreement.interval import Interval
from harness.choose.nested import CrossValidated, Held, cross_validate
from harness.choose.pairs import Estimate, difference, tau_of
from harness.choose.pool import Pool
from harness.choose.rankings import Rankings
from harness.randomness import derive_seed

COUNTING = "params"
"""The count that rankings are compared with."""
RANDOM = "random"
N_REPLICATES = 500


@dataclass(frozen=True)
class Ranked:
    """One ranking on the trained architectures.

    Attributes:
        name: of the proxy, count, ensemble or predictor.
        kind: "count", "proxy", "ensemble" or "predictor"; the last one learned from truth.
        tau: a predictor's from held-out pairs. Not corrected for being the best of many.
        less_counting: tau less that of counting, on the same pairs.
        is_contender: the first, or not distinguishable from it.
        n_chosen: of `n_held` folds, those whose other folds would have it chosen.
        n_missing: candidates without a score, which rank last.
    """

    name: str
    kind: str
    tau: Estimate
    less_counting: Estimate | None
    is_contender: bool
    n_chosen: int
    n_missing: int


@dataclass(frozen=True)
class Regret:
    """The best accuracy of a held-out fold less that of its first architecture, mean over folds, in truth's unit.

    `interval` is the 95 % cluster bootstrap over isomorphism classes.
    """

    value: float
    interval: Interval


@dataclass(frozen=True, eq=False)
class Finding:
    """The answer.

    Attributes:
        pool, rankings, validated: what it is about.
        ranked: all rankings, best tau first; the first is the one to rank the rest by.
        expected: tau of choosing anew on each fold, which is what the first one is expected to reach.
        gain: `expected` less the tau of counting on the same pairs; None without a count.
        regret: of the choice, of counting and of a random order, on the same folds, by "choice", "params", "random".
        regret_less: the choice's regret less that of "params" and of "random".
        n_to_decide: trained architectures with which the interval of `gain` would leave 0 out if it is what it seems;
            None where no number would.
        fold_size: mean number of architectures in a fold.
    """

    pool: Pool
    rankings: Rankings
    validated: CrossValidated
    ranked: Sequence[Ranked]
    expected: Estimate
    gain: Estimate | None
    regret: dict[str, Regret]
    regret_less: dict[str, Regret]
    n_to_decide: int | None
    fold_size: float

    @property
    def best(self) -> Ranked:
        """The ranking to use."""
        return self.ranked[0]

    @property
    def contenders(self) -> list[str]:
        """Rankings that the data do not tell from the best, itself first."""
        return [ranked.name for ranked in self.ranked if ranked.is_contender]


def find(pool: Pool, rankings: Rankings, *, n_repeats: int = 10, seed: int = 0, n_population: int) -> Finding:
    """Cross-validate all rankings of a pool and draw the conclusions.

    Args:
        pool: with enough trained classes.
        rankings: of the pool.
        n_repeats: of the cross-validation.
        seed: of its folds.
        n_population: architectures of the whole space, for the planner.
    """
    validated = cross_validate(pool, rankings, n_repeats=n_repeats, seed=seed)
    counting = COUNTING if COUNTING in rankings.fixed else None
    best = validated.best
    ranked = [_ranked(name, best, counting, pool, rankings, validated) for name in rankings.names]
    ranked.sort(key=lambda one: (one.name != best, -one.tau.value))
    gain, needed = None, None
    if counting is not None:
        gain = difference(validated.choice, validated.shared[counting], validated.classes)
        influence = validated.choice.influence - validated.shared[counting].influence
        if gain.value and influence.any():
            components = Components.of(influence, validated.classes, n_population)
            needed = components.n_for_generalisation(2 * abs(gain.value))
    regret, less = _regrets(validated, counting, seed)
    return Finding(
        pool=pool,
        rankings=rankings,
        validated=validated,
        ranked=ranked,
        expected=tau_of(validated.choice, validated.classes),
        gain=gain,
        regret=regret,
        regret_less=less,
        n_to_decide=needed,
        fold_size=float(np.mean([held.rows.size for held in validated.held])),
    )


def _ranked(
    name: str, best: str, counting: str | None, pool: Pool, rankings: Rankings, validated: CrossValidated
) -> Ranked:
    def less(one: str, other: str) -> Estimate:
        learned = rankings.learned.keys() & {one, other}
        sums = validated.shared if learned else validated.taus
        return difference(sums[one], sums[other], validated.classes)

    return Ranked(
        name=name,
        kind=rankings.kinds[name],
        tau=tau_of(validated.taus[name], validated.classes),
        less_counting=None if counting in (None, name) else less(name, str(counting)),
        is_contender=name == best or not less(best, name).is_decided,
        n_chosen=sum(held.chosen == name for held in validated.held),
        n_missing=int(pool.scores[name].isna().sum()) if name in pool.scores else 0,
    )


def _regrets(validated: CrossValidated, counting: str | None, seed: int) -> tuple[dict[str, Regret], dict[str, Regret]]:
    """Regrets, and those of the choice less the others, with intervals from the same resampled classes."""
    labels, members = np.unique(validated.classes, return_inverse=True)
    random = np.random.default_rng(derive_seed("regret", seed))
    drawn = random.multinomial(labels.size, np.full(labels.size, 1 / labels.size), size=N_REPLICATES)
    present = np.vstack([np.ones(members.size, dtype=bool), (drawn > 0)[:, members]])  # the first row is all of them
    names = ["choice", *([counting] if counting else []), RANDOM]
    found = {name: np.zeros((len(validated.held), N_REPLICATES + 1)) for name in names}
    for at, held in enumerate(validated.held):
        truth, here = validated.truth[held.rows], present[:, held.rows]
        for name in names:
            found[name][at] = fold_regret(_values(held, name), truth, here)
    means = {name: np.nanmean(values, axis=0) for name, values in found.items()}
    regrets = {name: _with_interval(values) for name, values in means.items()}
    less = {name: _with_interval(means["choice"] - means[name]) for name in names[1:]}
    return regrets, less


def _values(held: Held, name: str) -> NDArray[np.float64]:
    if name == RANDOM:
        return np.zeros(held.rows.size)
    return held.values[held.chosen if name == "choice" else name]


def fold_regret(
    scores: NDArray[np.float64], truth: NDArray[np.float64], present: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The best truth less the mean truth of those that share the highest score, among the present; NaN below two.

    Args:
        scores: [m].
        truth: [m].
        present: [n, m] which take part, row by row; the result is [n].
    """
    held = np.where(present, scores, -np.inf)
    first = present & (held == held.max(axis=1, keepdims=True))
    n_first = np.maximum(first.sum(axis=1), 1)
    regret = np.where(present, truth, -np.inf).max(axis=1) - (first * truth).sum(axis=1) / n_first
    return np.where(present.sum(axis=1) >= 2, regret, np.nan)


def _with_interval(values: NDArray[np.float64]) -> Regret:
    low, high = np.nanquantile(values[1:], (0.025, 0.975))
    return Regret(float(values[0]), Interval(float(low), float(high)))


def regret_of_top(scores: NDArray[np.float64], truth: NDArray[np.float64], k: int) -> float:
    """The best truth less the expected best among the k highest scores."""
    return float(truth.max()) - best_of_top(scores, truth, k)
