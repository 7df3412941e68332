"""Tau-b and rho: worked out by hand with ties, NaN and infinities; what leaves them unchanged."""

import math

import numpy as np
import pytest
from scipy import stats

from harness.agreement import Counts, Pairs, correlations
from harness.errors import OptionError

NAN, INF = math.nan, math.inf


def test_tau_b_and_rho_with_ties_by_hand() -> None:
    # x = 1 2 2 3, y = 1 3 2 2: six pairs. (1,2) + (1,3) + (1,4) +, (2,3) tied in x, (2,4) -, (3,4) tied in y.
    # P = 3, Q = 1, X0 = 1 (tied in x only), Y0 = 1: tau_b = (P - Q) / sqrt((P+Q+X0)(P+Q+Y0)) = 2 / 5.
    # Mid-ranks x: 1 2.5 2.5 4, y: 1 4 2.5 2.5; less 2.5: (-1.5 0 0 1.5), (-1.5 1.5 0 0):
    # rho = 2.25 / sqrt(4.5 * 4.5) = 1 / 2.
    tau, rho = correlations([1, 2, 2, 3], [1, 3, 2, 2])
    assert tau == pytest.approx(2 / 5)
    assert rho == pytest.approx(1 / 2)


def test_a_nan_leaves_its_row_out_and_infinities_rank_at_the_ends() -> None:
    # Rows 1 (score NaN) and 5 (truth NaN) go. Left: x = -inf 0 +inf -inf, y = 1 3 2 0; rows a b c d.
    # ab +, ac +, ad tied in x, bc -, bd +, cd +: P = 4, Q = 1, X0 = 1, Y0 = 0: tau_b = 3 / sqrt(6 * 5).
    # Mid-ranks less 2.5: x: -1 .5 1.5 -1, y: -.5 1.5 .5 -1.5; sum xy = .5 + .75 + .75 + 1.5 = 3.5,
    # sum xx = 4.5, sum yy = 5: rho = 3.5 / sqrt(22.5).
    scores, truth = [-INF, NAN, 0.0, INF, -INF, 7.0], [1.0, 2.0, 3.0, 2.0, 0.0, NAN]
    pairs = Pairs.of(scores, truth)
    assert pairs.counts == Counts(n=4, n_nan=2, n_inf=3)
    assert pairs.correlations().tau == pytest.approx(3 / math.sqrt(30))
    assert pairs.correlations().rho == pytest.approx(3.5 / math.sqrt(22.5))


@pytest.mark.parametrize(
    ("scores", "truth"),
    [
        ([], []),
        ([1.0], [1.0]),
        ([NAN, 1.0], [1.0, 2.0]),
        ([5.0, 5.0, 5.0], [1.0, 2.0, 3.0]),
        ([1.0, 2.0, 3.0], [5.0, 5.0, 5.0]),
        ([INF, INF], [1.0, 2.0]),
    ],
    ids=["no rows", "one row", "one row left", "constant scores", "constant truth", "only infinities"],
)
def test_undefined_correlations_are_nan_without_a_warning(scores: list[float], truth: list[float]) -> None:
    assert np.isnan(correlations(scores, truth)).all()


def test_columns_of_two_lengths_are_an_error() -> None:
    with pytest.raises(OptionError, match=r"shape \(3,\) cannot be compared with truth of shape \(2,\)"):
        correlations([1, 2, 3], [1, 2])


def test_monotone_transforms_and_order_of_rows_change_nothing() -> None:
    random = np.random.default_rng(0)
    scores = random.integers(-20, 20, size=200).astype(float)
    truth = scores + random.normal(scale=15, size=200).round()
    expected = correlations(scores, truth)
    order = random.permutation(200)
    assert correlations(np.exp(scores), truth**3) == expected
    assert correlations(scores[order], truth[order]) == pytest.approx(expected)
    assert correlations(-scores, truth) == pytest.approx((-expected.tau, -expected.rho))


def test_clipping_extremes_to_infinity_changes_nothing() -> None:
    scores = np.array([3.0, 1.0, 2.0, 9.0, 0.0])
    clipped = np.where(scores == 9, INF, np.where(scores == 0, -INF, scores))
    assert correlations(clipped, [2, 1, 4, 3, 5]) == correlations(scores, [2, 1, 4, 3, 5])


def test_a_resample_is_scipy_on_repeated_rows() -> None:
    random = np.random.default_rng(1)
    scores, truth = random.integers(8, size=40).astype(float), random.integers(6, size=40).astype(float)
    scores[[3, 17]], scores[5] = NAN, INF
    multiplicity = random.integers(4, size=40)
    repeated = np.repeat(np.arange(40), np.where(np.isnan(scores), 0, multiplicity))
    tau, rho = Pairs.of(scores, truth).resampled(multiplicity)
    assert tau == pytest.approx(stats.kendalltau(scores[repeated], truth[repeated]).statistic)
    assert rho == pytest.approx(stats.spearmanr(scores[repeated], truth[repeated]).statistic)


def test_resamples_without_two_distinct_rows_are_undefined() -> None:
    pairs = Pairs.of([1.0, 2.0, 2.0], [1.0, 2.0, 3.0])
    for multiplicity in ([0, 0, 0], [3, 0, 0], [0, 2, 1]):
        assert np.isnan(pairs.resampled(np.array(multiplicity))).all()


def test_two_rows_agree_or_do_not():
    assert correlations([1, 2], [3, 4]) == pytest.approx((1, 1))
    assert correlations([1, 2], [4, 3]) == pytest.approx((-1, -1))
