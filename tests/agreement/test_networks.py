"""One vote for each network: weighted tau and rho by brute force, by repeated rows, by hand, and their influences."""

import numpy as np
import pytest
from scipy import stats

from harness.agreement import Pairs, Resampling, Sample, agreements, replicates
from harness.agreement.correlation import Correlations
from harness.agreement.influence import clustered, influences


def columns(n_rows: int, seed: int, n_values: int = 8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    scores, truth = random.integers(n_values, size=(2, n_rows)).astype(float)
    return scores, truth, 1 / random.integers(1, 6, n_rows)


def by_brute_force(scores: np.ndarray, truth: np.ndarray, weights: np.ndarray) -> Correlations:
    """All ordered pairs, one by one."""
    w = np.outer(weights, weights)
    x, y = (np.sign(np.subtract.outer(column, column)) for column in (scores, truth))
    tau = (w * x * y).sum() / np.sqrt((w * x * x).sum() * (w * y * y).sum())
    ranks = [(signs * weights).sum(axis=1) / 2 for signs in (x, y)]
    covariance = np.cov(np.array(ranks), aweights=weights, ddof=0)
    return Correlations(tau, covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))


@pytest.mark.parametrize("n_rows", [2, 3, 7, 40, 257])
@pytest.mark.parametrize("n_values", [2, 8, 1000])
def test_weighted_correlations_are_those_of_all_pairs(n_rows: int, n_values: int) -> None:
    for seed in range(5):
        scores, truth, weights = columns(n_rows, seed, n_values)
        found = Pairs.of(scores, truth, weights).correlations()
        if np.ptp(scores) and np.ptp(truth):
            assert found == pytest.approx(by_brute_force(scores, truth, weights), abs=1e-12)
        else:
            assert np.isnan(found).all()


def test_whole_weights_are_repeated_rows() -> None:
    scores, truth, _ = columns(60, seed=1)
    times = np.random.default_rng(2).integers(1, 4, 60)
    repeated = np.repeat(scores, times), np.repeat(truth, times)
    expected = stats.kendalltau(*repeated).statistic, stats.spearmanr(*repeated).statistic
    assert Pairs.of(scores, truth, times.astype(float)).correlations() == pytest.approx(expected)


def test_two_names_of_one_network_by_hand() -> None:
    # Network A has the names 0 and 1, weights 1/2. Pairs: (0,1) 1/4, tied scores; (0,2) 1/2 concordant, (1,2) 1/2
    # discordant, (0,3) and (1,3) 1/2, (2,3) 1. A = 1/2 - 1/2 + 1/2 + 1/2 + 1 = 2, B = 3, C = 3 + 1/4. Cells: 3, 5, 6.
    sample = Sample([1.0, 3.0, 2.0, 4.0], ["A", "A", "B", "C"], 4)
    found = agreements({"proxy": [1.0, 1.0, 2.0, 3.0]}, sample)["proxy"]
    assert found.networks.correlations.tau == pytest.approx(2 / np.sqrt(3 * 3.25))
    assert found.correlations.tau == pytest.approx((1 - 1 + 1 + 1 + 1) / np.sqrt(5 * 6))


def test_networks_of_one_name_each_are_the_cells() -> None:
    scores, truth, _ = columns(30, seed=3)
    found = agreements({"proxy": scores}, Sample(truth, np.arange(30), 30), n_replicates=20)["proxy"]
    assert found.networks is found.cells


def test_weights_of_a_sample_are_those_of_the_population() -> None:
    """Horvitz and Thompson: the mean over samples is the population's value, which its own class sizes miss."""
    random = np.random.default_rng(4)
    sizes = np.array([60] * 20 + [1] * 200)
    classes = np.repeat(np.arange(sizes.size), sizes)
    truth = random.normal(size=sizes.size)[classes]
    scores = np.where(sizes[classes] == 60, -truth, truth) + random.normal(size=sizes.size)[classes]
    whole = Sample(truth, classes, classes.size, sizes[classes])
    expected = Pairs.of(scores, truth, whole.weights).tau()
    assert expected - Pairs.of(scores, truth).tau() > 0.3
    found = {"population": [], "sample": []}
    for _ in range(200):
        rows = random.permutation(classes.size)[:200]
        for name, known in (("population", sizes[classes[rows]]), ("sample", None)):
            sample = Sample(truth[rows], classes[rows], classes.size, known)
            found[name].append(Pairs.of(scores[rows], truth[rows], sample.weights).tau())
    error = np.std(found["population"]) / np.sqrt(200)
    assert abs(np.mean(found["population"]) - expected) < 3 * error + 0.02
    assert abs(np.mean(found["sample"]) - expected) > 0.2


def test_an_influence_is_the_derivative_by_the_number_of_a_row() -> None:
    scores, truth, weights = columns(24, seed=5)
    expected = np.empty((24, 2))
    pairs = Pairs.of(scores, truth, weights)
    for row, original in enumerate(pairs.rows):
        step = np.zeros(24)
        step[original] = weights[original] * 1e-5
        both = (np.array(by_brute_force(scores, truth, weights + sign * step)) for sign in (1, -1))
        expected[row] = np.subtract(*both) / 2e-5
    found = np.transpose(influences(pairs))
    assert found == pytest.approx(expected, abs=1e-7)
    assert found.sum(axis=0) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_replicates_by_matrices_are_those_of_resampled_rows(weighted: bool) -> None:
    scores, truth, weights = columns(80, seed=6)
    scores[:3] = np.nan
    pairs = Pairs.of(scores, truth, weights if weighted else None)
    plan = Resampling(np.arange(80) // 4, n_replicates=600)
    expected = [pairs.resampled(multiplicity) for multiplicity in plan]
    assert replicates(pairs, plan) == pytest.approx(np.array(expected), abs=1e-5)


def test_effective_classes_by_hand() -> None:
    # Sums of classes 3, 1, -4, 0: v = 9, 1, 16, 0; 26^2 / (81 + 1 + 256) = 2; SE^2 = 4/3 x 26.
    found = clustered(np.array([2.0, 1.0, 1.0, -4.0, 0.0]), np.array([0, 0, 1, 2, 3]))
    assert found == pytest.approx((np.sqrt(4 / 3 * 26), 2.0, 1.5))
