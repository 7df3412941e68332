"""Ensembles: ranks worked out by hand, no truth in its own prediction, noise that stays noise."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from harness.ensembles import ENSEMBLES
from harness.ensembles.fitted import Fitted
from harness.errors import OptionError
from harness.proxy import Undefined

NAN, INF = float("nan"), float("inf")
RANK_SUM, LOG_RANK_SUM = (ENSEMBLES.get(name)() for name in ("rank_sum", "log_rank_sum"))
FITTED = Fitted(n_trees=20)


def test_rank_sums_worked_out_by_hand():
    table = pd.DataFrame({"one": [10.0, 30.0, 20.0], "two": [-1.0, -1.0, 5.0]}, index=["a", "b", "c"])
    # ranks of one: 1, 3, 2; of two: the first two share (1 + 2) / 2 = 1.5, the last is 3
    assert RANK_SUM.scores(table).to_dict() == {"a": 2.5, "b": 4.5, "c": 5.0}
    expected = {"a": np.log(1 / 3 * 1.5 / 3), "b": np.log(3 / 3 * 1.5 / 3), "c": np.log(2 / 3 * 3 / 3)}
    assert LOG_RANK_SUM.scores(table).to_dict() == pytest.approx(expected)


def test_the_logarithm_prefers_the_steady_to_the_uneven():
    table = pd.DataFrame({"one": [1.0, 2.0, 3.0], "two": [3.0, 2.0, 1.0]})  # ranks 1 + 3, 2 + 2, 3 + 1
    assert RANK_SUM.scores(table).tolist() == [4.0, 4.0, 4.0]
    assert LOG_RANK_SUM.scores(table).idxmax() == 1


@pytest.mark.parametrize("ensemble", [RANK_SUM, LOG_RANK_SUM])
def test_a_missing_component_is_no_score_and_infinities_are_ranked_at_the_ends(ensemble):
    table = pd.DataFrame({"one": [NAN, -INF, 0.0, INF], "two": [9.0, 1.0, 2.0, 3.0]})
    found = ensemble.scores(table)
    assert found.isna().tolist() == [True, False, False, False]
    assert np.isfinite(found[1:]).all()
    assert found[1:].is_monotonic_increasing
    # The row without a score takes no rank from the others.
    assert found[1:].tolist() == ensemble.scores(table[1:]).tolist()


@pytest.mark.parametrize("ensemble", [RANK_SUM, LOG_RANK_SUM])
def test_only_the_order_counts(ensemble):
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.normal(size=(30, 3)), columns=list("abc"))
    assert ensemble.scores(np.exp(3 * table)).tolist() == ensemble.scores(table).tolist()


def population(n_groups: int = 60, n_each: int = 4) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Scores of three proxies, one of them informative, truth, and groups of equal networks."""
    rng = np.random.default_rng(1)
    groups = np.repeat([f"class{number:02}" for number in range(n_groups)], n_each)
    truth = np.repeat(rng.normal(size=n_groups), n_each)
    table = pd.DataFrame(rng.normal(size=(truth.size, 3)), columns=["good", "noise", "other"])
    table["good"] += truth
    return table, truth, groups


def test_a_row_s_own_truth_and_that_of_its_equals_do_not_enter_its_prediction():
    table, truth, groups = population()
    before = FITTED.scores(table, truth=truth, groups=groups)
    for row in (0, 7, 101):
        equals = groups == groups[row]
        for other in (1e6, -1e6, NAN):
            changed = np.where(equals, other, truth)
            after = FITTED.scores(table, truth=changed, groups=groups)
            assert (after[equals] == before[equals]).all()
            assert (after != before).any()  # it was not deaf to truth: other folds learn from it


def test_fitting_finds_what_the_proxies_hold():
    table, truth, groups = population()
    found = FITTED.scores(table, truth=truth, groups=groups)
    assert stats.kendalltau(found, truth).statistic > 0.3
    # Architectures with an unknown truth are predicted all the same.
    truth[:10] = NAN
    assert FITTED.scores(table, truth=truth, groups=groups).notna().all()


def test_noise_stays_noise():
    taus = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        table = pd.DataFrame(np.repeat(rng.normal(size=(100, 3)), 3, axis=0), columns=list("abc"))
        truth, groups = np.repeat(rng.normal(size=100), 3), np.repeat(np.arange(100), 3)
        taus.append(stats.kendalltau(FITTED.scores(table, truth=truth, groups=groups), truth).statistic)
    # One tau of 100 groups has a standard deviation near sqrt(4 / 9 / 100) = .067, their mean .027: three of these.
    assert abs(np.mean(taus)) < 0.082
    # With equal networks in different folds the same noise "predicts" truth: what the groups are for.
    leaking = FITTED.scores(table, truth=truth, groups=np.arange(300))
    assert stats.kendalltau(leaking, truth).statistic > 0.5


def test_too_little_is_said():
    table, truth, groups = population()
    with pytest.raises(OptionError, match="An ensemble combines at least two proxies, but got 1"):
        RANK_SUM.scores(table[["good"]])
    with pytest.raises(OptionError, match="Fitted needs ground truth: give truth= and groups="):
        FITTED.scores(table)
    with pytest.raises(Undefined, match="3 different networks cannot be dealt into 5 folds"):
        FITTED.scores(table[:12], truth=truth[:12], groups=groups[:12])
    with pytest.raises(Undefined, match="networks with truth are too few to learn from"):
        FITTED.scores(table, truth=np.full(truth.size, NAN), groups=groups)
