"""Predictors: what they learn by hand, and that they keep nothing between fits."""

import numpy as np
import pytest

from harness.ensembles.fitted import Fitted
from harness.errors import OptionError, UnknownNameError
from harness.predictors import PREDICTORS
from harness.predictors.best_proxy import BestProxy
from harness.predictors.extra_trees import ExtraTrees
from harness.predictors.gaussian_process import GaussianProcess
from harness.predictors.random_forest import RandomForest
from harness.predictors.rank_ridge import PositiveRidge, RankRidge


def test_ridge_by_hand() -> None:
    # One feature: .25 .5 .75 1, centred -.375 -.125 .125 .375, sum of squares .3125, penalty 1 * .3125. The target's
    # ranks 1 2 3 4, centred over 4, are the same numbers: weight .3125 / (.3125 + .3125) = .5.
    features, accuracies = np.array([[0.25], [0.5], [0.75], [1.0]]), np.array([10.0, 20, 90, 91])
    found = RankRidge().fit(features, accuracies)
    assert found.predict(np.array([[0.0], [0.8]])) == pytest.approx([0.0, 0.4])
    assert PositiveRidge().fit(features, accuracies).predict(np.array([[0.8]])) == pytest.approx([0.4])
    # Reversed accuracies: a weight of any sign is -.5, one that may not be negative is 0.
    assert RankRidge().fit(features, -accuracies).predict(np.array([[0.8]])) == pytest.approx([-0.4])
    assert PositiveRidge().fit(features, -accuracies).predict(np.array([[0.8]])).tolist() == [0.0]


def test_the_best_proxy_by_hand() -> None:
    accuracies = np.array([1.0, 2, 3, 4])
    good, bad = np.array([0.25, 0.5, 0.75, 1]), np.array([0.5, 0.25, 1, 0.75])  # tau 1 and 2/6
    constant = np.full(4, 0.625)
    found = BestProxy().fit(np.column_stack([bad, good, constant]), accuracies)
    assert found.predict(np.array([[0.1, 0.7, 0.2]])).tolist() == [0.7]
    shared = BestProxy().fit(np.column_stack([good, good]), accuracies)
    assert shared.predict(np.array([[0.2, 0.4]])) == pytest.approx([0.3])


@pytest.mark.parametrize("name", list(PREDICTORS))
def test_a_predictor_keeps_nothing_between_fits(name: str) -> None:
    random = np.random.default_rng(0)
    features, accuracies = random.uniform(size=(40, 3)), random.normal(size=40)
    predictor = PREDICTORS.get(name)()
    first = predictor.fit(features[:20], accuracies[:20]).predict(features)
    predictor.fit(features, accuracies[::-1].copy())
    assert predictor.fit(features[:20], accuracies[:20]).predict(features).tolist() == first.tolist()
    assert first.shape == (40,)


@pytest.mark.parametrize("name", [name for name in PREDICTORS if not PREDICTORS.get(name).in_units])
def test_only_the_order_of_accuracies_counts(name: str) -> None:
    random = np.random.default_rng(0)
    features, accuracies = random.uniform(size=(40, 3)), random.normal(size=40)
    predictor = PREDICTORS.get(name)()
    first = predictor.fit(features[:20], accuracies[:20]).predict(features)
    assert predictor.fit(features[:20], np.exp(accuracies[:20])).predict(features).tolist() == first.tolist()


@pytest.mark.parametrize("name", [name for name in PREDICTORS if PREDICTORS.get(name).in_units])
def test_predictors_of_accuracies_predict_in_their_unit(name: str) -> None:
    """On a straight line of 40 points, in whatever unit, the others are predicted within a tenth of its length."""
    random = np.random.default_rng(0)
    features = random.uniform(size=(60, 1))
    for scale, shift in ((1.0, 0.0), (20.0, 90.0)):
        accuracies = shift + scale * features[:, 0]
        predicted = PREDICTORS.get(name)().fit(features[:40], accuracies[:40]).predict(features[40:])
        assert np.abs(predicted - accuracies[40:]).max() < 0.1 * scale
        changed = PREDICTORS.get(name)().fit(-3 * features[:40], accuracies[:40]).predict(-3 * features[40:])
        assert np.abs(changed - predicted).max() < 0.02 * scale  # features are standardised, or only compared


def test_the_fitted_ensemble_takes_any_predictor() -> None:
    assert Fitted()._learner == ExtraTrees(n_trees=100, min_leaf=5)
    assert Fitted(predictor="rank_ridge")._learner == RankRidge()
    with pytest.raises(UnknownNameError, match=r"No predictor is called 'rigde'\. Did you mean 'ridge'"):
        Fitted(predictor="rigde")


def test_invalid_options() -> None:
    with pytest.raises(OptionError, match="RankRidge with penalty=0 is invalid"):
        RankRidge(penalty=0)
    with pytest.raises(OptionError, match="ExtraTrees with n_trees=0 is invalid"):
        ExtraTrees(n_trees=0)
    with pytest.raises(OptionError, match="RandomForest with min_leaf=0 is invalid"):
        RandomForest(min_leaf=0)
    with pytest.raises(OptionError, match="GaussianProcess with n_tuned=1 is invalid"):
        GaussianProcess(n_tuned=1)
