"""Choosing: tau and influence by hand, no truth of a fold in its own ranking, and proposals that were not trained."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import stats

from harness.choose.finding import find, fold_regret
from harness.choose.nested import cross_validate
from harness.choose.pairs import PairSums, difference, signs, tau_of
from harness.choose.pool import Pool
from harness.choose.proposals import INFORMATIVE, TOP, proposals
from harness.choose.rankings import rankings_of
from harness.predictors import Model, Predictor
from harness.predictors.best_proxy import BestProxy
from harness.predictors.rank_ridge import PositiveRidge, RankRidge

LEARNING = {"rank_ridge": RankRidge(), "positive_ridge": PositiveRidge(), "best_proxy": BestProxy()}


def pool_of(n_trained: int = 40, n: int = 120, noise: float = 1.0, seed: int = 0) -> Pool:
    """Pairs of equal networks; `good` follows their accuracy, `params` less so, `noise1`... not at all."""
    random = np.random.default_rng(seed)
    classes = np.arange(n) // 2
    quality = random.normal(size=n // 2)[classes]
    scores = pd.DataFrame(
        {"params": quality + 2 * random.normal(size=n), "good": quality + noise * random.normal(size=n)}
    )
    for number in range(6):
        scores[f"noise{number}"] = random.normal(size=n)
    accuracies = np.full(n, np.nan)
    trained = random.permutation(n)[:n_trained]
    accuracies[trained] = quality[trained] + 0.1 * random.normal(size=n_trained)
    return Pool([f"a{at}" for at in range(n)], np.arange(n), classes, scores, accuracies, frozenset({"params"}))


def test_tau_of_pairs_is_scipy_s_and_its_influence_a_derivative() -> None:
    random = np.random.default_rng(1)
    scores, truth = random.integers(0, 6, 20).astype(float), random.integers(0, 8, 20).astype(float)
    found = PairSums.of(signs(scores), signs(truth))
    assert found.tau == pytest.approx(stats.kendalltau(scores, truth).statistic)
    # A row that counts a little more, against the derivative.
    weights = np.ones(20)
    weights[3] += 1e-6
    more = PairSums.of(signs(scores), signs(truth), np.outer(weights, weights))
    assert (more.tau - found.tau) / 1e-6 == pytest.approx(found.influence[3], abs=1e-4)
    assert found.influence.sum() == pytest.approx(0, abs=1e-12)


def test_equal_rankings_do_not_differ_and_perfect_ones_are_decided() -> None:
    random = np.random.default_rng(2)
    truth = signs(random.normal(size=30))
    classes = np.arange(30)
    perfect, other = PairSums.of(truth, truth), PairSums.of(signs(random.normal(size=30)), truth)
    assert difference(other, other, classes).interval == (0, 0)
    assert difference(perfect, other, classes).is_decided
    assert tau_of(perfect, classes).value == 1.0


def test_regret_of_a_fold_by_hand() -> None:
    scores, truth = np.array([1.0, 3, 3, 2]), np.array([90.0, 70, 80, 60])
    present = np.array([[1, 1, 1, 1], [1, 1, 0, 1], [0, 0, 1, 1], [0, 1, 0, 0]], dtype=bool)
    # All: 90 less (70 + 80) / 2. Without the third: 90 less 70. Of the last two: 80 less 80. One alone: none.
    assert fold_regret(scores, truth, present)[:3].tolist() == [15.0, 20.0, 0.0]
    assert np.isnan(fold_regret(scores, truth, present)[3])


@dataclass(frozen=True)
class Memory(Predictor):
    """An adversary: the accuracies that it was shown, by features; others get those of the nearest."""

    version: ClassVar[int] = 1

    def fit(self, features: NDArray[np.float64], accuracies: NDArray[np.float64]) -> Model:
        return _Remembered(features, accuracies)


@dataclass(frozen=True, eq=False)
class _Remembered:
    features: NDArray[np.float64]
    accuracies: NDArray[np.float64]

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        far = np.abs(features[:, None, :] - self.features[None, :, :]).sum(axis=2)
        return self.accuracies[far.argmin(axis=1)]


def test_an_adversary_that_remembers_truth_gains_nothing_from_permuted_truth() -> None:
    """Equal networks have equal features here, so that a class in two folds would be remembered perfectly."""
    taus, choices = [], []
    for seed in range(12):
        pool = pool_of(n_trained=60, seed=seed)
        random = np.random.default_rng(seed)
        accuracies = pool.accuracies.copy()
        of_class = random.permutation(60)[pool.classes].astype(float)
        accuracies[pool.trained] = of_class[pool.trained]
        scores = pool.scores.groupby(pool.classes).transform("first")
        shuffled = Pool(pool.archs, pool.index, pool.classes, scores, accuracies, pool.counts)
        rankings = rankings_of(shuffled, {"memory": Memory(), **LEARNING})
        found = cross_validate(shuffled, rankings, n_repeats=2, seed=seed)
        taus.append([found.taus[name].tau for name in rankings.learned])
        choices.append(found.choice.tau)
        # On what it was fitted to, memory is perfect.
        rows = shuffled.trained
        model = Memory().fit(shuffled.features[rows], accuracies[rows])
        assert stats.kendalltau(model.predict(shuffled.features[rows]), accuracies[rows]).statistic == pytest.approx(1)
    # Standard errors of these means are about .03: .11 is more than three of them.
    assert np.abs(np.mean(taus, axis=0)).max() < 0.11
    assert abs(np.mean(choices)) < 0.11


def test_a_fold_s_truth_does_not_reach_its_ranking() -> None:
    pool = pool_of()
    rankings = rankings_of(pool, LEARNING)
    before = cross_validate(pool, rankings, n_repeats=1)
    fold = before.held[0].rows
    changed = pool.accuracies.copy()
    changed[pool.trained[fold]] = changed[pool.trained[fold]][::-1] + 100
    other = Pool(pool.archs, pool.index, pool.classes, pool.scores, changed, pool.counts)
    after = cross_validate(other, rankings, n_repeats=1)
    assert after.held[0].rows.tolist() == fold.tolist()
    assert after.held[0].chosen == before.held[0].chosen
    for name, values in before.held[0].values.items():
        assert after.held[0].values[name].tolist() == values.tolist(), name
    # And the other folds, which do see it, change.
    assert any((after.held[1].values[name] != before.held[1].values[name]).any() for name in LEARNING)


def test_classes_stay_together() -> None:
    pool = pool_of()
    found = cross_validate(pool, rankings_of(pool, {}), n_repeats=3)
    for held in found.held:
        inside = set(found.classes[held.rows])
        assert inside.isdisjoint(np.delete(found.classes, held.rows))


def test_what_is_found_where_one_proxy_is_clearly_best() -> None:
    pool = pool_of(n_trained=60, noise=0.3)
    rankings = rankings_of(pool, LEARNING)
    found = find(pool, rankings, n_repeats=3, n_population=120)
    assert found.best.name in ("good", "best_proxy", "positive_ridge", "rank_ridge")
    assert found.gain is not None
    assert found.gain.is_decided
    assert found.gain.value > 0.2
    assert found.n_to_decide is not None
    assert found.n_to_decide <= 60
    assert found.regret["choice"].value < found.regret["params"].value < found.regret["random"].value
    assert {one.name for one in found.ranked if one.kind == "predictor"} == set(LEARNING)
    assert not any(name.startswith("noise") for name in found.contenders)
    assert "rank_sum" in {one.name for one in found.ranked if one.kind == "ensemble"}


def test_proposals_are_untrained_networks_once_each() -> None:
    pool = pool_of(n_trained=30)
    rankings = rankings_of(pool, LEARNING)
    found = find(pool, rankings, n_repeats=2, n_population=120)
    proposed = proposals(found, 5)
    classes = [pool.classes[one.index] for one in proposed]
    assert len(set(classes)) == len(classes)
    assert not set(classes) & set(pool.classes[pool.trained])
    top = [one for one in proposed if one.why == TOP]
    assert [one.place for one in top] == [1, 2, 3, 4, 5]
    informative = [one for one in proposed if one.why == INFORMATIVE]
    assert len(informative) == (5 if len(found.contenders) > 1 else 0)
    assert all(one.disagreement > 0 for one in informative)
