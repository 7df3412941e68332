"""What a ranking finds: ties in expectation, worked out by hand and against drawing orders of ties at random."""

import math

import numpy as np
import pytest
from scipy import stats

from harness.agreement import of_classes, of_seeds, selection
from harness.agreement.selection import best_of_top, top_overlap


def test_the_first_place_shared_by_three_is_their_mean() -> None:
    scores, truth = np.array([5.0, 5, 5, 1]), np.array([90.0, 60, 30, 99])
    assert best_of_top(scores, truth, 1) == pytest.approx(60)
    # Of two of three: 90 with probability 2/3, 60 with 1/3. All three: 90; and the last one: 99.
    assert best_of_top(scores, truth, 2) == pytest.approx(80)
    assert best_of_top(scores, truth, 3) == pytest.approx(90)
    assert best_of_top(scores, truth, 4) == pytest.approx(99)
    assert math.isnan(best_of_top(scores, truth, 5))
    found = selection(scores, truth)
    assert (found.n_first, found.regret[0]) == (3, pytest.approx(39))


def test_overlap_by_hand() -> None:
    # The two best by score are row 0 and, with equal chance, row 1 or 2; by truth rows 0 and 1: (1 + 1/2) / 2.
    assert top_overlap(np.array([9.0, 5, 5, 1]), np.array([8.0, 7, 6, 5]), 2) == pytest.approx(0.75)


def test_expectations_are_those_of_random_orders_of_ties() -> None:
    random = np.random.default_rng(0)
    scores, truth = random.integers(0, 5, 30).astype(float), random.normal(size=30)
    drawn = [truth[np.lexsort((random.random(30), -scores))[:8]].max() for _ in range(4000)]
    error = np.std(drawn) / math.sqrt(4000)
    assert best_of_top(scores, truth, 8) == pytest.approx(np.mean(drawn), abs=4 * error)


def test_a_perfect_ranking_and_its_reverse() -> None:
    truth = np.arange(1000.0)
    good, bad = selection(truth, truth), selection(-truth, truth)
    assert (good.weighted_tau, good.tau_upper_half, good.tau_top_decile) == pytest.approx((1, 1, 1))
    assert good.overlap == (1, 1, 1)
    assert good.regret == (0, 0, 0)
    assert (bad.weighted_tau, bad.overlap, bad.regret) == (pytest.approx(-1), (0, 0, 0), (999, 990, 900))


def test_nan_is_left_out_and_infinities_rank_at_the_ends() -> None:
    truth = np.arange(40.0)
    scores = truth.copy()
    scores[:3], scores[39], truth[4] = math.nan, math.inf, math.nan
    found = selection(scores, truth)
    kept = np.delete(np.arange(3, 40), 1)
    assert found.weighted_tau == pytest.approx(stats.weightedtau(kept, kept).statistic)
    assert found.regret[0] == 0


def test_reliability_by_hand_and_by_construction() -> None:
    # Twenty classes of two equal members each: the truth repeats itself. One of three unrelated: it does not.
    same = of_classes(np.repeat(np.arange(20.0), 2), np.repeat(np.arange(20), 2))
    assert [(one.between, one.n) for one in same] == [("class", 20), ("architecture", 40)]
    assert [taus for one in same for taus in (one.tau, one.upper_half)] == pytest.approx([1] * 4)
    noise = np.random.default_rng(0).normal(size=3000)
    unrelated = of_classes(noise, np.repeat(np.arange(1000), 3))
    assert [one.n for one in unrelated] == [1000, 3000]
    assert all(abs(one.tau) < 0.05 for one in unrelated)
    assert of_classes(noise[:18], np.repeat(np.arange(9), 2)) == []


def test_reliability_of_seeds_is_the_mean_over_pairs() -> None:
    a, b, c = np.random.default_rng(1).normal(size=(3, 200)) + np.arange(200) / 100
    found = of_seeds({"s0": a, "s1": b, "s2": c})[0]
    pairs = [stats.kendalltau(*pair).statistic for pair in ((a, b), (a, c), (b, c))]
    assert found.tau == pytest.approx(np.mean(pairs))
    assert of_seeds({"s0": a}) == []
    nowhere = np.full(np.shape(a), np.nan)  # as of an official folder with none of these architectures
    assert of_seeds({"s0": nowhere, "s1": nowhere}) == []
    assert of_seeds({"s0": a, "s1": b, "s2": c, "s3": nowhere})[0] == found
