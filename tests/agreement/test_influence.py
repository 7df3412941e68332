"""Influences: counts by brute force, derivatives and errors against exact resampling, coverage of what is known."""

import math

import numpy as np
import pytest
from scipy import stats

from harness.agreement import Agreement, Pairs, Resampling, Sample, agreements, replicates
from harness.agreement.concordance import concordance
from harness.agreement.influence import influences, standard_error
from harness.agreement.interval import normal_interval
from harness.agreement.resampling import default_replicates

# The smallest sample whose intervals come from influences.
LARGE = 4_001


def bivariate_normal(n_rows: int, correlation: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    truth = random.normal(size=n_rows)
    return correlation * truth + math.sqrt(1 - correlation**2) * random.normal(size=n_rows), truth


def clustered(n_clusters: int, size: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, truth and clusters; r = .7 of rows, as of the half of the variance that a cluster shares."""
    cluster = np.repeat(np.arange(n_clusters), size)
    shared, own = bivariate_normal(n_clusters, 0.7, random), bivariate_normal(cluster.size, 0.7, random)
    scores, truth = (a[cluster] + b for a, b in zip(shared, own, strict=True))
    return scores, truth, cluster


def tied(n_rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    scores, truth = bivariate_normal(n_rows, 0.7, np.random.default_rng(seed))
    return (4 * scores).round(), (2 * truth).round()


def test_concordance_by_hand() -> None:
    # x = 1 2 2 3, y = 1 3 2 2: (1,2) + (1,3) + (1,4) +, (2,3) tied in x, (2,4) -, (3,4) tied in y.
    found = concordance(np.array([1, 2, 2, 3], dtype=np.int32), np.array([1, 3, 2, 2], dtype=np.int32))
    assert found.tolist() == [3, 0, 1, 0]


@pytest.mark.parametrize("n_rows", [0, 1, 2, 3, 8, 33, 257])
@pytest.mark.parametrize("n_values", [1, 2, 10, 10_000])
def test_concordance_is_that_of_all_pairs(n_rows: int, n_values: int) -> None:
    scores, truth = np.random.default_rng(n_rows).integers(-n_values, n_values, size=(2, n_rows), dtype=np.int32)
    signs = [np.sign(ranks[:, None] - ranks[None, :]) for ranks in (scores, truth)]
    assert np.array_equal(concordance(scores, truth), (signs[0] * signs[1]).sum(axis=1))


def test_concordance_of_rows_without_ties_adds_up_to_scipys_tau() -> None:
    scores, truth = np.random.default_rng(0).permuted(np.tile(np.arange(5000, dtype=np.int32), (2, 1)), axis=1)
    assert concordance(scores, truth).sum() / (5000 * 4999) == pytest.approx(stats.kendalltau(scores, truth).statistic)


def test_an_influence_is_the_derivative_by_the_weight_of_a_row() -> None:
    # All rows present 1000 times and one 1001 or 999 times: its weight is 1 +- 1/1000, whatever the others' scale.
    pairs = Pairs.of(*tied(24, seed=0))
    expected = np.empty((24, 2))
    for row in range(24):
        more, less = np.full(24, 1000), np.full(24, 1000)
        more[pairs.rows[row]], less[pairs.rows[row]] = 1001, 999
        expected[row] = (np.array(pairs.resampled(more)) - pairs.resampled(less)) * 500
    found = np.transpose(influences(pairs))
    assert found == pytest.approx(expected, abs=1e-6)
    assert found.sum(axis=0) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("size", [1, 3])
def test_errors_are_those_of_the_exact_jackknife(size: int) -> None:
    scores, truth, cluster = clustered(60, size, np.random.default_rng(1))
    scores, truth = scores.round(1), truth.round(1)
    pairs = Pairs.of(scores, truth)
    without = np.array([Pairs.of(scores[cluster != one], truth[cluster != one]).correlations() for one in range(60)])
    expected = np.sqrt(59 / 60 * ((without - without.mean(axis=0)) ** 2).sum(axis=0))
    for influence, left_out, error in zip(influences(pairs), without.T, expected, strict=True):
        summed = np.bincount(cluster[pairs.rows], weights=influence)
        assert np.corrcoef(summed, -left_out)[0, 1] > 0.999
        assert standard_error(influence, cluster[pairs.rows]) == pytest.approx(error, rel=0.03)


@pytest.mark.parametrize("size", [1, 4])
def test_errors_are_those_of_the_bootstrap(size: int) -> None:
    # The standard deviation of 800 replicates has a relative standard error of 1 / sqrt(2 * 800) = 2.5 %.
    scores, truth, cluster = clustered(2000 // size, size, np.random.default_rng(2))
    pairs = Pairs.of(scores.round(1), truth.round(1))
    expected = replicates(pairs, Resampling(cluster, n_replicates=800)).std(axis=0, ddof=1)
    found = [standard_error(influence, cluster[pairs.rows]) for influence in influences(pairs)]
    assert found == pytest.approx(expected, rel=0.08)


def test_copies_of_rows_in_one_class_add_no_precision() -> None:
    single, copied = (Pairs.of(*(np.repeat(column, n) for column in tied(50, seed=3))) for n in (1, 5))
    for one, five in zip(influences(single), influences(copied), strict=True):
        alone = standard_error(one, single.rows)
        assert standard_error(five, copied.rows // 5) == pytest.approx(alone)
        # Influences of a fifth: 250 rows taken for independent are narrower by sqrt(5), but for n / (n - 1).
        assert standard_error(five, copied.rows) == pytest.approx(alone * math.sqrt(250 / 249 / (50 / 49) / 5))


@pytest.mark.long
@pytest.mark.parametrize(("n_clusters", "size"), [(300, 1), (100, 4)])
def test_intervals_cover_the_bivariate_normal(n_clusters: int, size: int) -> None:
    # tau = 2/pi arcsin(r), rho = 6/pi arcsin(r/2), r = .7; 600 samples: a coverage of .95 has standard error .009.
    known = 2 / math.pi * math.asin(0.7), 6 / math.pi * math.asin(0.35)
    random, covered, naive = np.random.default_rng(4), np.zeros(2), np.zeros(2)
    for _ in range(600):
        scores, truth, cluster = clustered(n_clusters, size, random)
        pairs = Pairs.of(scores, truth)
        found = zip(known, pairs.correlations(), influences(pairs), strict=True)
        for column, (expected, value, influence) in enumerate(found):
            low, high = normal_interval(value, standard_error(influence, cluster[pairs.rows]))
            covered[column] += low <= expected <= high
            low, high = normal_interval(value, standard_error(influence, pairs.rows))
            naive[column] += low <= expected <= high
    assert np.all((covered / 600 >= 0.93) & (covered / 600 <= 0.97)), covered / 600
    # Rows of a class taken for independent cover too rarely.
    assert size == 1 or np.all(naive / 600 < 0.90), naive / 600


def test_a_normal_interval_by_hand() -> None:
    # atanh(.5) = .54931, half width 1.95996 * .1 / (1 - .25) = .26133: tanh(.28798) = .28027, tanh(.81064) = .66994.
    assert normal_interval(0.5, 0.1) == pytest.approx((0.28027, 0.66994), abs=1e-5)
    assert normal_interval(-0.5, 0.1) == pytest.approx((-0.66994, -0.28027), abs=1e-5)
    low, high = normal_interval(0.99, 0.5)
    assert -1 <= low < 0.99 < high <= 1
    assert normal_interval(0.3, 0.0) == (0.3, 0.3)
    assert normal_interval(1.0, 1e-9) == (1.0, 1.0)
    assert np.isnan(normal_interval(0.3, math.nan)).all()
    assert np.isnan(normal_interval(math.nan, 0.1)).all()


def large(n_population: int, scores: np.ndarray, truth: np.ndarray, classes: np.ndarray, seed: int = 0) -> Agreement:
    return agreements({"proxy": scores}, Sample(truth, classes, n_population), seed=seed)["proxy"]


def test_a_large_sample_gets_its_intervals_from_influences() -> None:
    assert default_replicates(LARGE) == 0 < default_replicates(LARGE - 1)
    scores, truth = bivariate_normal(LARGE, 0.7, np.random.default_rng(5))
    scores[::100] = math.nan
    rows = np.arange(LARGE)
    # n of N = 4 n / 3: sqrt(1 - n/N) = 1/2 of every deviation of z.
    found = large(LARGE * 4 // 3, scores, truth, rows)
    value, ends, part = (np.arctanh(x) for x in (found.correlations.tau, found.tau_generalisation, found.tau_sampling))
    assert part - value == pytest.approx((ends - value) / 2, rel=1e-3)
    assert large(LARGE * 4 // 3, scores, truth, rows, seed=1) == found
    # Pairs of rows that have nothing in common are no clusters: the same width but for chance.
    pairs_of_rows = large(LARGE, scores, truth, rows // 2)
    assert np.ptp(pairs_of_rows.tau_generalisation) == pytest.approx(np.ptp(found.tau_generalisation), rel=0.03)
    # Row 4,000, alone in class 2,000, is one of those without a score.
    assert pairs_of_rows.n_classes == 2_000
    assert pairs_of_rows.rho_sampling == (found.correlations.rho, found.correlations.rho)


def test_a_large_sample_without_an_interval() -> None:
    truth = np.arange(float(LARGE))
    few = large(LARGE + 1, truth % 7, truth, np.arange(LARGE) % 9)
    assert np.isnan(few.rho_generalisation).all()
    assert few.rho_sampling.low < few.correlations.rho < few.rho_sampling.high
    constant = large(LARGE, np.ones(LARGE), truth, np.arange(LARGE))
    assert np.isnan([*constant.tau_generalisation, *constant.tau_sampling]).all()
    perfect = large(LARGE + 1, truth, truth, np.arange(LARGE))
    assert perfect.tau_generalisation == pytest.approx((1.0, 1.0))
    assert perfect.rho_sampling == pytest.approx((1.0, 1.0))
