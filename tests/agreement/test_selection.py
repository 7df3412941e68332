"""What a ranking finds: ties in expectation, worked out by hand and against drawing orders of ties at random."""

import math

import numpy as np
import pytest
from scipy import stats

from harness.agreement import Sample, Selection, of_classes, of_seeds, selections
from harness.agreement.top import Places, _best_of_places, at_least, best_of_top, precision, top_overlap
from harness.agreement.top import ndcg as ndcg_of_places


def selection(scores: np.ndarray, truth: np.ndarray) -> Selection:
    """Of architectures of one name each."""
    return selections({"it": scores}, Sample(truth, np.arange(truth.size), truth.size))["it"]


def overlap(scores: np.ndarray, truth: np.ndarray, k: int, weights: np.ndarray | None = None) -> float:
    return top_overlap(Places.of(scores, weights), Places.of(truth, weights), k)


def ndcg(scores: np.ndarray, accuracies: np.ndarray, k: int) -> float:
    return ndcg_of_places(Places.of(scores), Places.of(accuracies), accuracies, k)


def test_the_first_place_shared_by_three_is_their_mean() -> None:
    scores, truth = np.array([5.0, 5, 5, 1]), np.array([90.0, 60, 30, 99])
    assert best_of_top(scores, truth, 1) == pytest.approx(60)
    # Of two of three: 90 with probability 2/3, 60 with 1/3. All three: 90; and the last one: 99.
    assert best_of_top(scores, truth, 2) == pytest.approx(80)
    assert best_of_top(scores, truth, 3) == pytest.approx(90)
    assert best_of_top(scores, truth, 4) == pytest.approx(99)
    assert math.isnan(best_of_top(scores, truth, 5))
    found = selection(scores, truth)
    assert (found.cells.n_first, found.cells.regret[0]) == (3, pytest.approx(39))
    assert found.networks is found.cells


def test_overlap_by_hand() -> None:
    # The two best by score are row 0 and, with equal chance, row 1 or 2; by truth rows 0 and 1: (1 + 1/2) / 2.
    assert overlap(np.array([9.0, 5, 5, 1]), np.array([8.0, 7, 6, 5]), 2) == pytest.approx(0.75)


def test_ndcg_by_hand() -> None:
    # Gains 7, 3, 1, discounts 1, 1/log2(3), 1/2. In reverse order 1 + 3/log2(3) + 7/2; in the best 7 + 3/log2(3) + 1/2.
    scores, accuracies = np.array([1.0, 2, 3]), np.array([3.0, 2, 1])
    middle = 3 / math.log2(3)
    assert ndcg(scores, accuracies, 3) == pytest.approx((4.5 + middle) / (7.5 + middle))
    # Of the first place alone 1/7; shared by all, the mean gain 11/3 over 7.
    assert ndcg(scores, accuracies, 1) == pytest.approx(1 / 7)
    assert ndcg(np.zeros(3), accuracies, 1) == pytest.approx(11 / 21)
    assert math.isnan(ndcg(scores, accuracies, 4))


def test_precision_by_hand() -> None:
    # Twenty rows: the best tenth are the last two. Row 19 is first; rows 18, 0 and 1 share the next two places.
    scores, truth = np.zeros(20), np.arange(20.0)
    scores[19], scores[[18, 0, 1]] = 2, 1
    relevant = (truth >= 18).astype(float)
    assert precision(Places.of(scores), relevant, 3) == pytest.approx((1 + 2 / 3) / 3)
    # Of ten, all four of those and six of the sixteen others.
    assert selection(scores, truth).cells.precision == (pytest.approx(2 / 10), pytest.approx(np.nan, nan_ok=True))


def test_expectations_are_those_of_random_orders_of_ties() -> None:
    random = np.random.default_rng(0)
    scores, truth = random.integers(0, 5, 30).astype(float), random.normal(size=30)
    best, discounted = [], []
    discount = 1 / np.log2(np.arange(2, 10))
    for _ in range(4000):
        order = np.lexsort((random.random(30), -scores))[:8]
        best.append(truth[order].max())
        discounted.append(((np.exp2(truth[order]) - 1) * discount).sum())
    error = np.std(best) / math.sqrt(4000)
    assert best_of_top(scores, truth, 8) == pytest.approx(np.mean(best), abs=4 * error)
    ideal = ((np.exp2(np.sort(truth)[::-1][:8]) - 1) * discount).sum()
    error = np.std(discounted) / ideal / math.sqrt(4000)
    assert ndcg(scores, truth, 8) == pytest.approx(np.mean(discounted) / ideal, abs=4 * error)


def test_a_perfect_ranking_and_its_reverse() -> None:
    truth = np.arange(1000.0) / 10
    good, bad = selection(truth, truth).cells, selection(-truth, truth).cells
    assert (good.weighted_tau, good.tau_upper_half, good.tau_top_decile) == pytest.approx((1, 1, 1))
    assert good.overlap == good.ndcg == (1, 1, 1)
    assert good.regret == (0, 0, 0)
    assert good.precision == (1, 1)
    assert (bad.weighted_tau, bad.overlap) == (pytest.approx(-1), (0, 0, 0))
    assert bad.regret == pytest.approx((99.9, 99.0, 90.0))
    assert bad.precision == (0, 0)
    assert bad.ndcg[0] < 1e-20


def test_weighted_tau_is_that_of_scipy_with_ties() -> None:
    random = np.random.default_rng(1)
    for n_values in (2, 5, 1000):
        scores, truth = random.integers(n_values, size=(2, 60)).astype(float)
        expected = stats.weightedtau(scores, truth).statistic
        assert selection(scores, truth).cells.weighted_tau == pytest.approx(expected, abs=1e-12)


def test_nan_and_infinite_truth_are_left_out_and_infinite_scores_rank_at_the_ends() -> None:
    truth = np.arange(41.0)
    scores = truth.copy()
    scores[:3], scores[39], truth[4], truth[40] = math.nan, math.inf, math.nan, math.inf
    found = selection(scores, truth)
    kept = np.delete(np.arange(3, 40), 1)
    assert (found.n, found.n_nan) == (kept.size, 5)
    assert found.cells.weighted_tau == pytest.approx(stats.weightedtau(kept, kept).statistic)
    assert found.cells.regret[0] == 0


@pytest.mark.parametrize("empty", [np.full(5, math.nan), np.array([1.0, *[math.nan] * 4])])
def test_a_column_without_two_scores_finds_nothing(empty: np.ndarray) -> None:
    found = selection(empty, np.arange(5.0))
    assert np.isnan([value for name, value in found.columns().items() if "tau" in name or "top" in name]).all()
    assert found.n + found.n_nan == 5


def test_the_top_of_a_sample_over_networks_counts_the_networks_in_it() -> None:
    """One name of each of 200 networks that have two in the population: k of them are k, as over cells."""
    random = np.random.default_rng(4)
    scores, truth = random.normal(size=(2, 200))
    found = selections({"it": scores}, Sample(truth, np.arange(200), 400, np.full(200, 2)))["it"]
    assert found.networks is not found.cells
    assert found.networks.columns() == pytest.approx(found.cells.columns(), abs=1e-12, nan_ok=True)


def test_names_of_a_network_that_share_score_and_truth_change_nothing() -> None:
    """What is found over networks is what is found of one architecture of each, whatever the number of its names."""
    random = np.random.default_rng(2)
    for n_values in (4, 1000):
        scores, truth = random.integers(n_values, size=(2, 230)).astype(float) / n_values * 5
        costs = {"flops": random.integers(50, 80, 230), "params": random.integers(1, 1000, 230)}
        names = random.permutation(np.repeat(np.arange(230), random.integers(1, 6, 230)))
        several = selections(
            {"it": scores[names]},
            Sample(truth[names], names, names.size),
            costs={name: cost[names] for name, cost in costs.items()},
        )["it"]
        single = selections({"it": scores}, Sample(truth, np.arange(230), 230), costs=costs)["it"]
        expected = single.cells.columns()
        assert several.networks.columns() == pytest.approx(expected, abs=1e-9, nan_ok=True)
        assert several.cells.columns() != pytest.approx(expected, abs=1e-3, nan_ok=True)


def test_networks_with_names_of_differing_truth_by_hand() -> None:
    # Networks A (names 90, 60 and 30, one score), B (50) and C (99, last). One training of A: 60 on average.
    scores, truth = np.array([9.0, 9, 9, 5, 1]), np.array([90.0, 60, 30, 50, 99])
    weights = np.array([1 / 3, 1 / 3, 1 / 3, 1, 1])
    assert best_of_top(scores, truth, 1, weights) == pytest.approx(60)
    # The better one of A's training and B: (90 + 60 + 50) / 3.
    assert best_of_top(scores, truth, 2, weights) == pytest.approx(200 / 3)
    assert best_of_top(scores, truth, 3, weights) == pytest.approx(99)
    assert math.isnan(best_of_top(scores, truth, 4, weights))
    # By truth the top 2 are C, two thirds of A (90 and 60) and a third of B; by score they are A and B.
    assert overlap(scores, truth, 1, weights) == 0
    assert overlap(scores, truth, 2, weights) == pytest.approx(1 / 2)
    # A network whose names differ in score: the first place is half of D (score 9, truth 10) and half of E (8, 20).
    halves = np.full(4, 0.5)
    assert best_of_top(np.array([9.0, 8, 7, 6]), np.array([10.0, 20, 30, 40]), 1, halves) == pytest.approx(15)


def test_rows_that_weigh_one_are_rows_without_weights() -> None:
    random = np.random.default_rng(3)
    for n_values in (3, 8, 1000):
        scores, truth = random.integers(n_values, size=(2, 40)).astype(float)
        ones = np.ones(40)
        for k in (1, 7, 40):
            assert _best_of_places(scores, truth, k, ones) == pytest.approx(best_of_top(scores, truth, k))
        for quantile in (0.1, 0.5, 0.9):
            assert at_least(truth, quantile, ones).tolist() == at_least(truth, quantile).tolist()


def test_a_truth_that_is_no_accuracy_has_no_ndcg() -> None:
    truth = -np.arange(50.0)
    sample = Sample(truth, np.arange(50), 50)
    assert np.isnan(selections({"it": truth}, sample, in_percent=False)["it"].cells.ndcg).all()


@pytest.mark.parametrize(
    ("data_set", "convolutions", "parameters"),
    [("c10", 0.675, 0.743), ("c100", 0.521, 0.576), ("in16", 0.511, 0.404)],
)
def test_ndcg_at_1000_is_that_of_the_table_of_vkdnw(truth_oracle, data_set, convolutions, parameters) -> None:
    """Our own reproduction of arXiv:2502.04975, Table 1: counts over the 9,445 cells, ties at random."""
    with np.load(truth_oracle / "nats_tss.npz", allow_pickle=False) as table:
        archs, truth = table["arch"].astype(str), table[f"test200_{data_set}"]
    kept = np.array([is_reachable(arch) for arch in archs])
    assert kept.sum() == 9_445
    n_large, n_small = (np.char.count(archs[kept], f"nor_conv_{size}") for size in ("3x3", "1x1"))
    counts = (n_large + n_small, 9 * n_large + n_small)
    found = [ndcg(count.astype(float), truth[kept].astype(float), 1_000) for count in counts]
    assert found == pytest.approx([convolutions, parameters], abs=0.002)


def is_reachable(arch: str) -> bool:
    """Whether each operation but `none` of a NATS-TSS cell lies on a path from its input to its output."""
    edges = {
        (int(word[-1]), node + 1)
        for node, part in enumerate(arch.split("+"))
        for word in part.strip("|").split("|")
        if not word.startswith("none")
    }
    after, before = {0}, {3}
    for start, end in sorted(edges):
        after |= {end} if start in after else set()
    for start, end in sorted(edges, reverse=True):
        before |= {start} if end in before else set()
    return all(start in after and end in before for start, end in edges)


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
