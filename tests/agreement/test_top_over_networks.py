"""Top k, gain and agreement at equal cost, over cells and over networks: by hand, and by counting every pair."""

import math
from itertools import combinations

import numpy as np
import pytest

from harness import columns
from harness.agreement import Choice, selection
from harness.agreement.equal_cost import MOST_ROWS, tau_at_equal_cost
from harness.agreement.top import best_of_top, ndcg, precision, top_overlap, upper

COSTS = {name: np.exp(np.random.default_rng(3).normal(size=60)) for name in columns.COSTS}


def drawn(seed: int, n: int = 60, levels: int = 9) -> tuple[np.ndarray, np.ndarray]:
    """Scores and truth with ties."""
    random = np.random.default_rng(seed)
    truth = random.integers(60, 60 + levels, n).astype(float)
    return truth + random.integers(0, levels, n), truth


@pytest.mark.parametrize("seed", range(5))
def test_names_of_one_network_weigh_as_the_network_alone(seed: int) -> None:
    scores, truth = drawn(seed)
    times = np.random.default_rng(seed).integers(1, 5, scores.size)
    rows = np.repeat(np.arange(scores.size), times)
    several = Choice(
        truth[rows], 1 / times[rows], rows, {name: cost[rows] for name, cost in COSTS.items()}, in_percent=True
    )
    alone = selection(scores, Choice(truth, None, (), COSTS, in_percent=True)).cells
    found = selection(scores[rows], several)
    for name, value in alone.columns().items():
        if name in (columns.TAU_UPPER_HALF, columns.TAU_TOP_DECILE) or "precision" in name or "pairs" in name:
            continue  # quantiles are interpolated where nothing is weighted; pairs within a network are pairs too
        assert found.networks.columns()[name] == pytest.approx(value, nan_ok=True), name
    assert found.cells.columns() != found.networks.columns()


def test_equal_weights_are_no_weights() -> None:
    scores, truth = drawn(7)
    for k in (1, 3, 10, 60):
        for measure in (top_overlap, best_of_top, ndcg):
            assert measure(scores, truth, k, np.ones(60)) == pytest.approx(measure(scores, truth, k))


def test_two_names_of_the_first_network_fill_one_place() -> None:
    scores, truth, weights = np.array([9.0, 9, 5, 1]), np.array([80.0, 80, 90, 70]), np.array([0.5, 0.5, 1, 1])
    assert best_of_top(scores, truth, 1, weights) == 80
    assert best_of_top(scores, truth, 2, weights) == 90
    assert best_of_top(scores, truth, 2) == 80
    assert top_overlap(scores, truth, 2, weights) == 1
    assert top_overlap(scores, truth, 1, weights) == 0
    assert math.isnan(best_of_top(scores, truth, 4, weights))


def test_the_top_of_a_sample_counts_the_networks_in_it() -> None:
    # One name of each of four networks, which have two names each in the whole population.
    truth = np.array([90.0, 80, 70, 60])
    found = selection(-truth, Choice(truth, np.full(4, 0.5), np.arange(4)))
    assert found.networks.regret[0] == found.cells.regret[0] == 30


def test_gain_by_hand() -> None:
    # Places 1, 2 hold accuracies 2 and 3 where 3 and 2 would be best: (3 / 1 + 7 / log2 3) / (7 / 1 + 3 / log2 3).
    wanted = (3 + 7 / math.log2(3)) / (7 + 3 / math.log2(3))
    assert ndcg(np.array([3.0, 2, 1]), np.array([2.0, 3, 1]), 2) == pytest.approx(wanted)
    # Tied scores: both orders have equal chance.
    assert ndcg(np.array([3.0, 3, 1]), np.array([2.0, 3, 1]), 2) == pytest.approx((wanted + 1) / 2)
    assert ndcg(np.arange(50.0), np.full(50, 94.0), 10) == pytest.approx(1)
    assert math.isnan(selection(np.arange(50.0), Choice(np.arange(50.0))).cells.ndcg[0])


def test_precision_is_the_share_of_the_top_in_the_top_decile() -> None:
    truth = np.arange(100.0)
    assert precision(truth, truth, 10) == 1
    assert precision(truth, truth, 20) == pytest.approx(0.5)
    assert precision(np.zeros(100), truth, 10) == pytest.approx(0.1)
    assert upper(truth, 0.9, np.ones(100)) == 89


def test_pairs_of_equal_cost_are_counted_one_by_one() -> None:
    for seed in range(6):
        scores, truth = drawn(seed)
        random = np.random.default_rng(seed)
        cost, weights = np.exp(random.normal(0, 0.3, 60)), random.uniform(0.1, 1, 60)
        for weighed in (None, weights):
            w = np.ones(60) if weighed is None else weighed
            both = in_scores = in_truth = of_pairs = 0.0
            for i, j in combinations(range(60), 2):
                if max(cost[i], cost[j]) <= 1.1 * min(cost[i], cost[j]):
                    a, b = np.sign(scores[i] - scores[j]), np.sign(truth[i] - truth[j])
                    both, of_pairs = both + w[i] * w[j] * a * b, of_pairs + w[i] * w[j]
                    in_scores, in_truth = in_scores + w[i] * w[j] * abs(a), in_truth + w[i] * w[j] * abs(b)
            found = tau_at_equal_cost(scores, truth, cost, weighed)
            assert found.tau == pytest.approx(both / math.sqrt(in_scores * in_truth))
            every = sum(w[i] * w[j] for i, j in combinations(range(60), 2))
            assert found.share == pytest.approx(of_pairs / every)


def test_a_count_is_undefined_at_its_own_exact_cost_and_large_spaces_are_drawn_from() -> None:
    truth = np.arange(40.0)
    cost = np.repeat([1.0, 2.0], 20)
    assert math.isnan(tau_at_equal_cost(cost, truth, cost).tau)
    assert tau_at_equal_cost(truth, truth, cost).tau == 1
    assert math.isnan(tau_at_equal_cost(truth, truth, 2.0**truth).tau)
    many = np.random.default_rng(0).normal(size=(2, MOST_ROWS + 5000))
    cost = np.exp(many[1])
    all_alike = tau_at_equal_cost(many[0], many[0] + many[1] / 5, cost)
    assert all_alike == tau_at_equal_cost(many[0], many[0] + many[1] / 5, cost)
    assert 0.9 < all_alike.tau < 1


def test_an_infinite_truth_is_left_out() -> None:
    scores, truth = drawn(1)
    truth[5] = math.inf
    kept = np.delete(np.arange(60), 5)
    assert selection(scores, Choice(truth)).columns() == pytest.approx(
        selection(scores[kept], Choice(truth[kept])).columns(), nan_ok=True
    )
