"""The two intervals: when they have no width, how wide they are on duplicates, and how often they cover."""

import math

import numpy as np
import pandas as pd
import pytest

from harness import columns
from harness.agreement import Agreement, Interval, Resampling, Sample, agreements
from harness.agreement.resampling import default_replicates
from harness.errors import OptionError


def bivariate_normal(n_rows: int, correlation: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    truth = random.normal(size=n_rows)
    return correlation * truth + math.sqrt(1 - correlation**2) * random.normal(size=n_rows), truth


def one(scores: np.ndarray, sample: Sample, n_replicates: int = 300) -> Agreement:
    return agreements({"proxy": scores}, sample, n_replicates=n_replicates)["proxy"]


def width(interval: Interval) -> float:
    return interval.high - interval.low


def test_sampling_interval_has_no_width_on_the_whole_space_and_generalisation_has() -> None:
    scores, truth = bivariate_normal(60, 0.7, seed=0)
    whole = one(scores, Sample(truth, np.arange(60), n_population=60))
    assert whole.tau_sampling == (whole.correlations.tau, whole.correlations.tau)
    assert whole.rho_sampling == (whole.correlations.rho, whole.correlations.rho)
    assert whole.tau_generalisation.low < whole.correlations.tau < whole.tau_generalisation.high


def test_rows_without_a_score_do_not_widen_the_sampling_interval_of_the_whole_space() -> None:
    scores, truth = bivariate_normal(60, 0.7, seed=0)
    scores[:5] = math.nan
    whole = one(scores, Sample(truth, np.arange(60), n_population=60))
    assert whole.counts == (55, 5, 0)
    assert width(whole.tau_sampling) == 0


def test_rows_without_a_truth_were_not_seen() -> None:
    """The whole space asked of a table that knows 20 of its 60 rows is a sample of 20; three rows give no interval."""
    scores, truth = bivariate_normal(60, 0.7, seed=0)
    truth[20:] = math.nan
    asked, known = np.arange(60), np.arange(20)
    partial = one(scores, Sample(truth, asked, n_population=60))
    sample = one(scores[:20], Sample(truth[:20], known, n_population=60))
    assert width(partial.tau_sampling) == pytest.approx(width(sample.tau_sampling), rel=0.3)  # other resamples
    assert width(partial.tau_sampling) > 0
    truth[3:] = math.nan
    assert all(map(math.isnan, one(scores, Sample(truth, asked, n_population=60)).tau_sampling))


def test_with_one_class_per_row_sampling_is_generalisation_scaled_by_the_finite_population() -> None:
    # n = 60 of N = 80: sqrt(1 - 60/80) = 1/2 of every deviation.
    scores, truth = bivariate_normal(60, 0.7, seed=0)
    found = one(scores, Sample(truth, np.arange(60), n_population=80))
    tau = found.correlations.tau
    assert found.tau_sampling.low - tau == pytest.approx((found.tau_generalisation.low - tau) / 2)
    assert found.tau_sampling.high - tau == pytest.approx((found.tau_generalisation.high - tau) / 2)


def test_duplicates_do_not_fake_precision() -> None:
    scores, truth = bivariate_normal(60, 0.7, seed=3)
    single = one(scores, Sample(truth, np.arange(60), n_population=10_000))
    copies, names = np.repeat(np.arange(60), 5), np.repeat([f"class {i}" for i in range(60)], 5)
    clustered = one(scores[copies], Sample(truth[copies], names, n_population=10_000))
    naive = one(scores[copies], Sample(truth[copies], np.arange(300), n_population=10_000))
    assert clustered.n_classes == 60
    # Five copies of every row tie with one another in both columns, so tau-b is the same, resample by resample.
    assert clustered.tau_generalisation == pytest.approx(single.tau_generalisation)
    assert clustered.rho_generalisation == pytest.approx(single.rho_generalisation)
    # 300 rows taken for independent: narrower by sqrt(5) = 2.2.
    assert width(clustered.tau_generalisation) / width(naive.tau_generalisation) == pytest.approx(2.2, abs=0.5)
    assert width(clustered.tau_sampling) < width(clustered.tau_generalisation)


def test_generalisation_covers_the_bivariate_normal() -> None:
    # tau = 2/pi arcsin(r), rho = 6/pi arcsin(r/2); r = .7, 80 rows, 200 repeats: standard error of a coverage .015.
    tau, rho = 2 / math.pi * math.asin(0.7), 6 / math.pi * math.asin(0.35)
    covered = np.zeros(2)
    for repeat in range(200):
        scores, truth = bivariate_normal(80, 0.7, seed=repeat)
        found = one(scores, Sample(truth, np.arange(80), n_population=10**9), n_replicates=120)
        covered += [
            found.tau_generalisation.low <= tau <= found.tau_generalisation.high,
            found.rho_generalisation.low <= rho <= found.rho_generalisation.high,
        ]
    assert np.all((covered / 200 >= 0.90) & (covered / 200 <= 0.98)), covered / 200


def test_sampling_covers_the_value_on_the_whole_space() -> None:
    scores, truth = bivariate_normal(120, 0.7, seed=11)
    whole = one(scores, Sample(truth, np.arange(120), n_population=120), n_replicates=1)
    random, covered = np.random.default_rng(0), np.zeros(2)
    for _ in range(100):
        rows = random.permutation(120)[:60]
        found = one(scores[rows], Sample(truth[rows], rows, n_population=120), n_replicates=100)
        covered += [
            found.tau_sampling.low <= whole.correlations.tau <= found.tau_sampling.high,
            found.rho_sampling.low <= whole.correlations.rho <= found.rho_sampling.high,
        ]
    # 100 repeats: .95 +- 2.3 standard errors of .022.
    assert np.all((covered / 100 >= 0.90) & (covered / 100 <= 0.99)), covered / 100


def test_equal_seeds_give_equal_bytes_whatever_runs_beside() -> None:
    scores, truth = bivariate_normal(40, 0.5, seed=5)
    sample = Sample(truth, np.arange(40) // 2, n_population=100)
    alone = agreements({"a": scores}, sample, n_replicates=50)["a"]
    beside = agreements(pd.DataFrame({"b": -scores, "a": scores}), sample, n_replicates=50)
    assert list(beside) == ["b", "a"]
    assert beside["a"] == alone
    assert agreements({"a": scores}, sample, n_replicates=50, seed=1)["a"] != alone


def test_a_proxy_and_its_negative_have_mirrored_intervals() -> None:
    # Only the same resamples for both can do this.
    scores, truth = bivariate_normal(40, 0.5, seed=5)
    found = agreements({"a": scores, "b": -scores}, Sample(truth, np.arange(40) // 2, 100), n_replicates=50)
    assert found["b"].tau_generalisation.low == pytest.approx(-found["a"].tau_generalisation.high)
    assert found["b"].rho_sampling.high == pytest.approx(-found["a"].rho_sampling.low)


def test_fewer_than_ten_classes_and_undefined_values_have_no_interval() -> None:
    scores, truth = bivariate_normal(40, 0.5, seed=5)
    few = one(scores, Sample(truth, np.arange(40) % 9, n_population=100))
    assert np.isnan(few.tau_generalisation).all()
    assert width(few.tau_sampling) > 0
    constant = one(np.ones(40), Sample(truth, np.arange(40), n_population=40))
    assert np.isnan([*constant.correlations, *constant.tau_generalisation, *constant.tau_sampling]).all()


def test_intervals_stay_within_bounds_and_perfect_agreement_is_one() -> None:
    truth = np.arange(30.0)
    perfect = one(truth, Sample(truth, np.arange(30), n_population=300))
    assert perfect.tau_generalisation == pytest.approx((1.0, 1.0))
    assert max(perfect.tau_generalisation.high, perfect.rho_generalisation.high) <= 1.0


def test_a_plan_draws_whole_classes_as_many_as_there_are() -> None:
    cluster = np.array([0, 0, 0, 1, 2, 2])
    plan = Resampling(cluster, n_replicates=20, seed=4)
    for multiplicity in plan:
        per_class = multiplicity[[0, 3, 4]]
        assert per_class.sum() == 3
        assert (multiplicity == per_class[cluster]).all()
    assert np.array_equal(list(plan), list(plan))


@pytest.mark.parametrize(
    ("n_rows", "expected"), [(1, 1000), (2000, 1000), (4_000, 1000), (4_001, 0), (40_001, 0), (423_624, 0)]
)
def test_large_samples_get_no_replicates(n_rows: int, expected: int) -> None:
    assert default_replicates(n_rows) == expected


def test_impossible_samples_are_errors() -> None:
    with pytest.raises(OptionError, match="A sample of 3 architectures cannot come from a space of 2"):
        Sample([1, 2, 3], [0, 1, 2], n_population=2)
    with pytest.raises(OptionError, match="3 accuracies came with 2 canonical classes"):
        Sample([1, 2, 3], [0, 1], n_population=5)
    with pytest.raises(OptionError, match="n_replicates is 0"):
        agreements({"a": [1, 2]}, Sample([1, 2], [0, 1], 5), n_replicates=0)


def test_every_measured_column_comes_from_the_agreement_but_the_seconds() -> None:
    found = one(np.arange(12.0), Sample(np.arange(12.0), np.arange(12), 12), n_replicates=2)
    assert set(found.columns()) == {*columns.MEASURED, *columns.APPENDED, *columns.OF_NETWORKS} - {columns.SECONDS}
