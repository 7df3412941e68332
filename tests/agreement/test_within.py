"""Random-effects combination beside a worked example, and what agreement within groups sees that pooling hides."""

import math

import numpy as np
import pytest
from scipy import stats

from harness.agreement.table import RowKey
from harness.agreement.within import GroupDifference, combined, differences, within
from harness.agreement.within_table import within_table

# Effects and variances, and what statsmodels 0.15 gives: combine_effects(EFFECTS, VARIANCES, "pm", use_t=True).
EFFECTS = (0.10, 0.30, 0.35, 0.65, 0.45, 0.15)
VARIANCES = (0.01, 0.02, 0.015, 0.03, 0.012, 0.05)
MEAN, BETWEEN, LOW, HIGH = 0.3276876233614122, 0.0181035811107362, 0.12492462, 0.53045062


def test_the_combination_is_that_of_statsmodels():
    found = combined(EFFECTS, VARIANCES)
    assert found.value == pytest.approx(MEAN, abs=1e-8)
    assert found.between == pytest.approx(BETWEEN, abs=1e-8)
    assert (found.low, found.high) == pytest.approx((LOW, HIGH), abs=1e-7)


def test_two_equal_variances_by_hand():
    # y = 0 and 1, v = 0.1 each: tau^2 = s^2 - v = 0.5 - 0.1, mean 0.5, standard error sqrt(0.5 / 2), t of one degree.
    found = combined((0.0, 1.0), (0.1, 0.1))
    assert (found.value, found.between) == pytest.approx((0.5, 0.4))
    assert found.high - found.value == pytest.approx(math.tan(0.475 * math.pi) * 0.5)


def test_groups_that_agree_too_well_have_no_narrower_interval_than_their_own_noise_allows():
    found = combined((0.5, 0.5, 0.5), (0.03, 0.03, 0.03))
    assert found.between == 0
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, 2) * 0.1)


def test_one_group_has_no_interval_over_groups():
    found = combined((0.4,), (0.01,))
    assert found.value == 0.4
    assert math.isnan(found.low)
    with pytest.raises(ValueError, match="nothing to combine"):
        combined((), ())


def paradox() -> tuple[np.ndarray, np.ndarray, list[str]]:
    """In each group a higher score goes with a lower truth; the group with higher scores has the higher truth."""
    rng = np.random.default_rng(0)
    scores = np.concatenate([rng.permutation(12) + shift for shift in (0.0, 50.0, 100.0)])
    truth = 3 * np.repeat((0.0, 50.0, 100.0), 12) - scores
    return scores, truth, [name for name in ("a", "b", "c") for _ in range(12)]


def test_within_groups_the_sign_is_that_of_the_groups():
    scores, truth, groups = paradox()
    assert stats.kendalltau(scores, truth).statistic > 0.3
    *each, together = within(scores, truth, groups)
    assert [one.group for one in each] == ["a", "b", "c"]
    assert all(one.tau[0] == pytest.approx(-1) for one in each)
    assert (together.group, together.n_groups, together.n) == ("", 3, 36)
    assert together.tau[0] == pytest.approx(-(1 - 2 / (12 * 11)))  # half a pair short of -1, where z would be infinite
    assert together.tau[2] < -0.9


def test_each_group_has_the_interval_of_fishers_z():
    rng = np.random.default_rng(1)
    scores, truth = rng.normal(size=20), rng.normal(size=20)
    (found,) = within(scores, truth, ["only"] * 20)
    tau = stats.kendalltau(scores, truth).statistic
    assert found.tau[0] == pytest.approx(tau)
    assert math.atanh(found.tau[2]) - math.atanh(tau) == pytest.approx(1.959964 * math.sqrt(0.437 / 16), rel=1e-6)
    half = math.atanh(found.rho[0]) - math.atanh(found.rho[1])
    assert half == pytest.approx(1.959964 * math.sqrt(1.06 / 17), rel=1e-6)


def test_small_groups_unknown_scores_and_constant_scores_are_left_out():
    scores, truth, groups = paradox()
    scores[:3] = np.nan  # nine of group a are left
    scores[12:24] = 1.0
    assert [(one.group, one.n) for one in within(scores, truth, groups)] == [("c", 12)]
    assert within(scores[:9], truth[:9], groups[:9]) == []


def test_differences_from_a_baseline_are_paired_within_groups():
    rng = np.random.default_rng(2)
    truth, groups = rng.normal(size=60), [f"g{at // 20}" for at in range(60)]
    good, poor = truth + 0.2 * rng.normal(size=60), truth + 3 * rng.normal(size=60)
    better, worse = differences(good, {"poor": poor}, truth, groups), differences(poor, {"good": good}, truth, groups)
    (one,), (other,) = better, worse
    assert (one.beats, one.n_groups, one.n) == ("yes", 3, 60)
    assert other.beats == "no"
    assert one.delta == pytest.approx((-other.delta[0], -other.delta[2], -other.delta[1]))
    (same,) = differences(good, {"itself": good}, truth, groups)
    assert same.delta[0] == 0
    assert same.beats == "undecided"
    assert same.delta[1] < 0 < same.delta[2]


def test_verdicts_within_groups_are_corrected_over_proxies_and_baselines_have_none():
    """p .02 and .03 of two proxies beside one count: .04 and .04 by Holm; beside a third of .9, .06, .06 and .9."""
    subject = {"version": "1", "options": "", "protocol": "", "inputs": "", "truth": "t", "seed": "0"}

    def rows(p_values):
        for name, p in p_values.items():
            key = RowKey("timm", "imagenet", proxy=name, population="all", **subject)
            yield key, GroupDifference("params", 3, 60, (0.2, 0.05, 0.35), 0.0, p)

    two = within_table(rows({"zico": 0.02, "naswot": 0.03}))
    assert two["p_holm"].tolist() == pytest.approx([0.04, 0.04])
    assert two["beats"].tolist() == ["yes", "yes"]
    three = within_table(rows({"zico": 0.02, "naswot": 0.03, "snip": 0.9, "depth": 0.001}))
    assert three["p_holm"].tolist()[:3] == pytest.approx([0.06, 0.06, 0.9])
    assert np.isnan(three["p_holm"].iloc[3])
    assert three["beats"].tolist() == ["undecided", "undecided", "undecided", ""]
