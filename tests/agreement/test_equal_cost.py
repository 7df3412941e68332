"""Agreement at equal cost: by hand, over all pairs one by one, and by drawing pairs."""

import math

import numpy as np
import pytest

from harness.agreement import Sample, selections
from harness.agreement import equal_cost as module
from harness.agreement.equal_cost import EqualCost


def by_brute_force(scores: np.ndarray, truth: np.ndarray, cost: np.ndarray, weights: np.ndarray) -> tuple[float, int]:
    signed = of_scores = of_truth = 0.0
    n_pairs = 0
    known = np.flatnonzero(~np.isnan(scores + truth + cost))
    for i in known:
        for j in known[known > i]:
            low, high = sorted((cost[i], cost[j]))
            if high <= 1.1 * low:
                n_pairs += 1
                x, y, w = np.sign(scores[i] - scores[j]), np.sign(truth[i] - truth[j]), weights[i] * weights[j]
                signed, of_scores, of_truth = signed + w * x * y, of_scores + w * x * x, of_truth + w * y * y
    spread = math.sqrt(of_scores * of_truth)
    return (signed / spread if spread else math.nan), n_pairs


def columns(n_rows: int, n_values: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    scores, truth = random.integers(n_values, size=(2, n_rows)).astype(float)
    cost = random.integers(10, 40, n_rows) * 10.0
    scores[: n_rows // 8], truth[1], cost[2] = math.nan, math.nan, math.nan
    return scores, truth, cost, 1 / random.integers(1, 6, n_rows)


@pytest.mark.parametrize(("n_rows", "n_values"), [(4, 2), (25, 3), (300, 4), (300, 1000)])
def test_it_is_tau_over_all_pairs_of_about_one_cost(n_rows: int, n_values: int) -> None:
    for seed in range(3):
        scores, truth, cost, weights = columns(n_rows, n_values, seed)
        other = np.where(np.isnan(scores), 1.0, scores)
        found = EqualCost.of(cost, truth, weights).taus({"it": scores, "other": other})
        for name, column in (("it", scores), ("other", other)):
            tau, n_pairs = by_brute_force(column, truth, cost, np.ones(n_rows))
            assert found[name].tau == pytest.approx(tau, abs=1e-12, nan_ok=True)
            assert found[name].n_pairs == n_pairs
            tau, _ = by_brute_force(column, truth, cost, weights)
            assert found[name].tau_networks == pytest.approx(tau, abs=1e-12, nan_ok=True)


def test_by_hand() -> None:
    # Costs 100, 109 and 119: 0 with 1 and 1 with 2 are pairs, 0 with 2 (1.19) is none; nor is 3 with any, but with 4.
    # Pairs: (0,1) concordant, (1,2) discordant, (3,4) tied in the scores: A = 0 + w, B = 2, C = 3.
    cost, truth = np.array([100.0, 109, 119, 500, 500]), np.array([1.0, 2, 3, 4, 5])
    found = EqualCost.of(cost, truth, None).taus({"it": np.array([1.0, 5, 2, 7, 7])})["it"]
    assert found == (0.0, 0.0, 3)
    found = EqualCost.of(cost, truth, np.array([1.0, 1.0, 0.5, 1, 1])).taus({"it": np.array([1.0, 5, 2, 7, 7])})["it"]
    assert found == (0.0, pytest.approx(0.5 / math.sqrt(1.5 * 2.5)), 3)


def test_a_count_says_nothing_among_equals_of_its_own() -> None:
    random = np.random.default_rng(0)
    count = np.repeat(np.exp(np.arange(6.0)), 50)
    truth = np.log(count) * 10 + random.normal(size=300)
    good = truth + random.normal(size=300)
    found = selections({"count": count, "good": good}, Sample(truth, np.arange(300), 300), costs={"flops": count})
    assert math.isnan(found["count"].at_equal_cost["flops"].tau)
    assert found["good"].at_equal_cost["flops"].tau > 0.3
    cells = found["good"].columns()
    assert cells["tau_equal_flops"] == cells["tau_equal_flops_networks"]
    assert (cells["n_pairs_equal_flops"], cells["n_pairs_equal_params"]) == (6 * 50 * 49 // 2, 0)
    assert math.isnan(cells["tau_equal_params"])


def test_pairs_that_are_drawn_estimate_what_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(1)
    truth = random.normal(size=2_000)
    scores, cost = truth + random.normal(size=2_000), np.exp(random.normal(size=2_000))
    scores[:200] = math.nan
    equal = EqualCost.of(cost, truth, 1 / random.integers(1, 6, 2_000))
    counted = equal.taus({"it": scores})["it"]
    monkeypatch.setattr(module, "MOST_PAIRS", 10)
    monkeypatch.setattr(module, "N_DRAWN", 200_000)
    drawn = equal.taus({"it": scores})["it"]
    assert drawn[:2] == pytest.approx(counted[:2], abs=4 / math.sqrt(200_000))
    assert drawn != counted
    assert drawn.n_pairs == pytest.approx(counted.n_pairs, rel=0.01)
    assert drawn == equal.taus({"it": scores})["it"]
