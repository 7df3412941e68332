"""Nested cross-validation: what each ranking, and the choice between all of them, is worth on what it has not seen.

The trained architectures are dealt into folds, isomorphism classes together, several times over. A fold is ranked by
models of the others. The choice is itself learned from accuracies, so it is made anew for each fold: a predictor's tau
within the other folds comes from models that were fitted without both, a fixed ranking's from all their pairs, and the
highest one ranks the fold. The fold's accuracies enter neither the models nor the choice.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from harness.choose.pairs import PairSums, signs
from harness.choose.pool import Pool
from harness.choose.rankings import Rankings
from harness.predictors import Predictor
from harness.randomness import derive_seed

N_FOLDS = 5
FEWEST_CLASSES = 2 * N_FOLDS


@dataclass(frozen=True, eq=False)
class Held:
    """What happened on one held-out fold.

    Attributes:
        rows: positions among the trained architectures, [m].
        values: scores [m] of the fold by each ranking, learned ones fitted without it.
        chosen: the ranking that was chosen without it.
    """

    rows: NDArray[np.intp]
    values: Mapping[str, NDArray[np.float64]]
    chosen: str


@dataclass(frozen=True, eq=False)
class CrossValidated:
    """All rankings and the choice between them, on the trained architectures.

    Attributes:
        classes: their isomorphism classes [n].
        truth: their accuracies [n].
        held: every held-out fold of every repetition.
        taus: pairs by ranking; fixed ones on all pairs, learned ones on pairs that were held out together.
        choice: pairs of the choice, held out together.
        shared: pairs of each ranking on exactly the pairs of `choice`, for differences.
    """

    classes: NDArray[np.intp]
    truth: NDArray[np.float64]
    held: Sequence[Held]
    taus: Mapping[str, PairSums]
    choice: PairSums
    shared: Mapping[str, PairSums]

    @property
    def best(self) -> str:
        """The ranking with the highest tau: what the whole procedure chooses from all the accuracies."""
        return max(self.taus, key=lambda name: self.taus[name].tau)


def cross_validate(pool: Pool, rankings: Rankings, *, n_repeats: int = 10, seed: int = 0) -> CrossValidated:
    """Cross-validate rankings and the choice between them.

    Args:
        pool: with at least `FEWEST_CLASSES` trained classes.
        rankings: of the pool.
        n_repeats: how often the folds are dealt anew.
        seed: of the dealing.
    """
    rows = pool.trained
    truth, classes = pool.accuracies[rows], pool.classes[rows]
    of_truth = signs(truth)
    fixed = {name: values[rows] for name, values in rankings.fixed.items()}
    of_fixed = {name: signs(values) for name, values in fixed.items()}
    n = rows.size
    learned = {name: PairSums.none(n) for name in rankings.learned}
    shared = {name: PairSums.none(n) for name in rankings.names}
    choice = PairSums.none(n)
    held: list[Held] = []
    for repeat in range(n_repeats):
        folds = _folds(classes, derive_seed("choose", seed, repeat))
        models = {
            name: _left_out(predictor, pool.features[rows], truth, folds)
            for name, predictor in rankings.learned.items()
        }
        for at, fold in enumerate(folds):
            block = np.ix_(fold, fold)
            values = {name: column[fold] for name, column in fixed.items()}
            values |= {name: found[at, at] for name, found in models.items()}
            pairs = {name: PairSums.of(signs(column), of_truth[block]) for name, column in values.items()}
            chosen = _chosen(at, folds, of_fixed, of_truth, models)
            choice = choice.plus(pairs[chosen], fold)
            for name, sums in pairs.items():
                shared[name] = shared[name].plus(sums, fold)
            held.append(Held(fold, values, chosen))
    learned = {name: shared[name] for name in rankings.learned}
    taus = {name: PairSums.of(of_fixed[name], of_truth) for name in fixed} | learned
    return CrossValidated(classes, truth, held, taus, choice, shared)


def _folds(classes: NDArray[np.intp], seed: int) -> list[NDArray[np.intp]]:
    """Rows of each fold: classes in random order, each into the fold that has the fewest rows so far."""
    labels, members = np.unique(classes, return_inverse=True)
    order = np.random.default_rng(seed).permutation(labels.size)
    sizes = np.bincount(members)
    filled, fold_of = np.zeros(N_FOLDS, dtype=np.int64), np.empty(labels.size, dtype=np.int64)
    for label in order:
        fold_of[label] = np.argmin(filled)
        filled[fold_of[label]] += sizes[label]
    found = [np.flatnonzero(fold_of[members] == fold) for fold in range(N_FOLDS)]
    return [fold for fold in found if fold.size]


Predictions = Mapping[tuple[int, int], NDArray[np.float64]]
"""Of fold B, at (A, B), by a model of all folds but A and B; at (A, A) by one of all but A."""


def _left_out(
    predictor: Predictor, features: NDArray[np.float64], truth: NDArray[np.float64], folds: Sequence[NDArray[np.intp]]
) -> Predictions:
    found = {}
    for one, other in _pairs(len(folds)):
        kept = np.setdiff1d(np.arange(truth.size), np.concatenate([folds[one], folds[other]]))
        model = predictor.fit(features[kept], truth[kept])
        found[one, other] = model.predict(features[folds[other]])
        found[other, one] = found[one, other] if one == other else model.predict(features[folds[one]])
    return found


def _pairs(n_folds: int) -> Iterator[tuple[int, int]]:
    yield from ((fold, fold) for fold in range(n_folds))
    yield from combinations(range(n_folds), 2)


def _chosen(
    at: int,
    folds: Sequence[NDArray[np.intp]],
    of_fixed: Mapping[str, NDArray[np.float64]],
    of_truth: NDArray[np.float64],
    models: Mapping[str, Predictions],
) -> str:
    """The ranking with the highest tau on the folds other than `at`."""
    rest = np.concatenate([fold for other, fold in enumerate(folds) if other != at])
    block = np.ix_(rest, rest)
    taus = {name: PairSums.of(column[block], of_truth[block]).tau for name, column in of_fixed.items()}
    for name, found in models.items():
        sums = PairSums.none(len(of_truth))
        for other, fold in enumerate(folds):
            if other != at:
                sums = sums.plus(PairSums.of(signs(found[at, other]), of_truth[np.ix_(fold, fold)]), fold)
        taus[name] = sums.tau
    return max(taus, key=lambda name: taus[name])
