"""Paired comparisons: what equal columns give, hand-worked Holm and partial tau, both methods against each other."""

import math

import numpy as np
import pytest

from harness.agreement import RowKey, Sample, Variations, comparisons, correlations, verdict_table
from harness.agreement.interval import Interval
from harness.agreement.paired import NO_ESTIMATE, Comparison, Estimate, Verdict, holm, verdict


def columns(n_rows: int, seed: int) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Truth, a proxy that follows it with r = .8, and params with r = .6, each with noise of its own."""
    random = np.random.default_rng(seed)
    truth = random.normal(size=n_rows)
    noise = random.normal(size=(2, n_rows))
    return {"proxy": 0.8 * truth + 0.6 * noise[0], "params": 0.6 * truth + 0.8 * noise[1]}, truth


def test_holm_by_hand() -> None:
    # Ascending .01, .02, .04 times 3, 2, 1: .03, .04, .04; the NaN is no test.
    assert holm([0.04, math.nan, 0.01, 0.02]) == pytest.approx([0.04, math.nan, 0.03, 0.04], nan_ok=True)
    # .02 * 3 = .06, then .03 * 2 = .06 and .04 * 1, which may not be smaller than what came before.
    assert holm([0.02, 0.03, 0.04]) == pytest.approx([0.06, 0.06, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_partial_tau_by_hand() -> None:
    # Truth 0 1 2 3, proxy 0 2 1 3: 5 of 6 pairs agree, tau 4/6. Baseline 1 0 2 3: 4/6. Between: 0 2 1 3 and 1 0 2 3
    # disagree on (0,1) and (1,2): 2/6. (4/6 - 4/6 * 2/6) / sqrt((1 - 16/36) (1 - 4/36)) = .4444 / .7027 = .6325.
    repeated = np.arange(40) // 4 * 10
    truth, proxy, count = (np.tile(ranks, 10) + repeated for ranks in ([0, 1, 2, 3], [0, 2, 1, 3], [1, 0, 2, 3]))
    few = Variations.of(np.arange(40), n_replicates=20)
    found = comparisons({"proxy": proxy, "params": count}, Sample(truth, np.arange(40), 40), variations=few)[0]
    # 780 pairs, those of different tens all agree: 10 * 2, 10 * 2 and 10 * 4 pairs disagree... counted by SciPy.
    a, b, c = (correlations(*pair).tau for pair in ((proxy, truth), (count, truth), (proxy, count)))
    assert (a, b, c) == pytest.approx((1 - 2 * 10 / 780, 1 - 2 * 10 / 780, 1 - 2 * 20 / 780))
    assert found.partial.value == pytest.approx((a - b * c) / math.sqrt((1 - b * b) * (1 - c * c)))


@pytest.mark.parametrize("size", [1, 4])
def test_influences_and_bootstrap_agree_on_the_difference(size: int) -> None:
    single, truth = columns(800 // size, seed=1)
    rows = np.arange(800) // size
    scores = {name: column[rows] for name, column in single.items()}
    sample = Sample(truth[rows], rows, 800)
    drawn = comparisons(scores, sample, variations=Variations.of(rows, n_replicates=600))[0]
    exact = comparisons(scores, sample, variations=Variations(rows, None, None))[0]
    assert drawn.delta.value == exact.delta.value > 0
    # The width of 600 replicates' percentiles has a relative standard error of about 5 %.
    assert np.ptp(exact.delta.interval) == pytest.approx(np.ptp(drawn.delta.interval), rel=0.15)
    assert exact.partial.interval == drawn.partial.interval


def test_influence_of_a_partial_tau_is_that_of_the_jackknife() -> None:
    scores, truth = columns(60, seed=2)
    scores["proxy"] += 0.5 * scores["params"]
    rows = np.arange(60)

    def partial(kept: np.ndarray) -> float:
        found = comparisons(
            {name: column[kept] for name, column in scores.items()},
            Sample(truth[kept], rows[kept], 60),
            proxies=["proxy"],
            variations=Variations(rows[: kept.sum()], None, None),
        )
        return found[0].partial.value

    without = np.array([partial(rows != row) for row in rows])
    error = math.sqrt(59 / 60 * ((without - without.mean()) ** 2).sum())
    sample, plan = Sample(truth, rows, 60), Variations(rows, None, None)
    found = comparisons(scores, sample, proxies=["proxy"], variations=plan)[0].partial
    half_width = (math.atanh(found.interval.high) - math.atanh(found.interval.low)) / 2
    assert half_width == pytest.approx(1.96 * error / (1 - found.value**2), rel=0.06)


def test_the_interval_of_the_difference_covers_it() -> None:
    # tau = 2/pi arcsin(r): .8 against .6. 300 samples of 150 rows: a coverage of .95 has standard error .013.
    difference = 2 / math.pi * (math.asin(0.8) - math.asin(0.6))
    covered = 0
    for repeat in range(300):
        scores, truth = columns(150, seed=repeat)
        plan = Variations(np.arange(150), None, None)
        sample = Sample(truth, np.arange(150), 150)
        found = comparisons(scores, sample, proxies=["proxy"], variations=plan)[0]
        covered += found.delta.interval.low <= difference <= found.delta.interval.high
    assert 0.91 <= covered / 300 <= 0.98, covered / 300


def test_only_rows_finite_for_both_are_compared() -> None:
    scores, truth = columns(100, seed=3)
    scores["proxy"][:7], scores["params"][5:12], truth[12] = math.nan, -math.inf, math.inf
    few = Variations.of(np.arange(100), n_replicates=20)
    found = comparisons(scores, Sample(truth, np.arange(100), 100), variations=few)[0]
    assert found.n == found.n_classes == 87
    assert found.tau == correlations(scores["proxy"][13:], truth[13:]).tau
    assert found.baseline_tau == correlations(scores["params"][13:], truth[13:]).tau


def test_equal_ranks_beat_nothing_and_undefined_columns_decide_nothing() -> None:
    scores, truth = columns(50, seed=4)
    scores |= {"cubed": scores["params"] ** 3, "constant": np.ones(50)}
    few = Variations.of(np.arange(50), n_replicates=50)
    sample = Sample(truth, np.arange(50), 50)
    equal, constant = comparisons(scores, sample, proxies=["cubed", "constant"], variations=few)
    assert equal.delta == Estimate(0.0, Interval(0.0, 0.0), 1.0)
    assert verdict(equal.delta, 1.0) is Verdict.NO
    assert math.isnan(constant.delta.value)
    assert verdict(constant.delta, math.nan) is Verdict.UNDECIDED


@pytest.mark.parametrize(
    ("interval", "p", "expected"),
    [
        ((0.01, 0.2), 0.01, Verdict.YES),
        ((0.01, 0.2), 0.06, Verdict.UNDECIDED),
        ((-0.01, 0.2), 0.04, Verdict.UNDECIDED),
        ((-0.2, -0.01), 0.01, Verdict.NO),
    ],
)
def test_a_verdict_asks_interval_and_corrected_p(interval: tuple[float, float], p: float, expected: Verdict) -> None:
    assert verdict(Estimate(sum(interval) / 2, Interval(*interval), p), p) is expected


def test_p_is_corrected_for_the_proxies_beside_one_baseline() -> None:
    scores, truth = columns(60, seed=5)
    scores |= {"other": scores["proxy"] + 0.1 * truth, "flops_live": scores["params"] + 0.3 * truth}
    sample, plan = Sample(truth, np.arange(60), 60), Variations(np.arange(60), None, None)
    found = comparisons(scores, sample, variations=plan)
    keyed = [(RowKey("b", "d", one.proxy, "1", "", "", "", "t", "0"), one) for one in found]
    rows = verdict_table(keyed, baselines={"params", "flops_live"})
    own = rows[rows["proxy"].isin(["proxy", "other"]) & (rows["baseline"] == "params")]
    assert own["p_holm"].to_list() == pytest.approx(holm(own["p"].to_list()))
    alone = rows[(rows["proxy"] == "flops_live") & (rows["baseline"] == "params")]
    assert alone["p"].item() < 1
    assert math.isnan(alone["p_holm"].item())
    assert alone["beats"].item() == ""
    # Taken for a proxy it would be one more hypothesis, and every corrected p larger or equal.
    counted = verdict_table(keyed)
    more = counted[counted["proxy"].isin(["proxy", "other"]) & (counted["baseline"] == "params")]
    assert more["p_holm"].to_list() == pytest.approx(holm([*own["p"], alone["p"].item()])[:2])


def test_another_seed_of_a_proxy_is_no_further_hypothesis() -> None:
    def compared(proxy: str, seed: str, p: float) -> tuple[RowKey, Comparison]:
        delta = Estimate(0.1, Interval(0.01, 0.2), p)
        comparison = Comparison(proxy, "params", 60, 60, 0.5, 0.4, delta, NO_ESTIMATE)
        return RowKey("b", "d", proxy, "1", "", "", "", "t", seed), comparison

    # Seed 0: .01 x 2 and .04. Seed 1: .03 x 2, and .04 raised to it. The one without a seed has the larger of its two.
    rows = [compared("zico", "0", 0.01), compared("zico", "1", 0.03), compared("synflow", "none", 0.04)]
    assert verdict_table(rows)["p_holm"].to_list() == pytest.approx([0.02, 0.06, 0.06])
