"""Paired comparisons: hand-worked Holm and partial tau, errors by bootstrap, jackknife and simulation, verdicts."""

import math

import numpy as np
import pytest
from scipy import stats

from harness.agreement import (
    Pairs,
    Plan,
    Resampling,
    RowKey,
    Rules,
    Sample,
    TruthNoise,
    Variations,
    comparisons,
    correlations,
    replicates,
    verdict_table,
)
from harness.agreement.interval import Interval
from harness.agreement.paired import NO_ESTIMATE, Comparison, Contrast, Estimate, Verdict, exact_verdict, holm, verdict


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
    found = comparisons({"proxy": proxy, "params": count}, Sample(truth, np.arange(40), 400))[0].cells
    # 780 pairs, those of different tens all agree: 10 * 2, 10 * 2 and 10 * 4 pairs disagree... counted by SciPy.
    a, b, c = (correlations(*pair).tau for pair in ((proxy, truth), (count, truth), (proxy, count)))
    assert (a, b, c) == pytest.approx((1 - 2 * 10 / 780, 1 - 2 * 10 / 780, 1 - 2 * 20 / 780))
    assert found.partial.value == pytest.approx((a - b * c) / math.sqrt((1 - b * b) * (1 - c * c)))


@pytest.mark.parametrize("size", [1, 4])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_error_of_a_difference_is_that_of_the_bootstrap(size: int, weighted: bool) -> None:
    single, truth = columns(800 // size, seed=1)
    rows = np.arange(800) // size
    scores = {name: column[rows] for name, column in single.items()}
    sizes = np.random.default_rng(0).integers(1, 5, 800 // size)[rows]
    sample = Sample(truth[rows], rows, 8000, sizes)
    found = comparisons(scores, sample, proxies=["proxy"])[0]
    delta = (found.networks if weighted else found.cells).delta
    weights = sample.weights if weighted else None
    both = (Pairs.of(column, truth[rows], weights) for column in scores.values())
    first, second = (replicates(pairs, Resampling(rows, n_replicates=1000))[:, 0] for pairs in both)
    # The standard deviation of 1,000 replicates has a relative standard error of 2.2 %.
    assert delta.error == pytest.approx((first - second).std(ddof=1), rel=0.09)


def test_interval_and_p_of_a_sample_are_those_of_t_and_agree() -> None:
    for seed in range(40):
        scores, truth = columns(40, seed)
        delta = comparisons(scores, Sample(truth, np.arange(40), 4000), proxies=["proxy"])[0].cells.delta
        df = delta.n_effective * 39 / 40
        assert delta.p == pytest.approx(2 * stats.t.sf(abs(delta.value) / delta.error, df))
        assert (delta.p < 0.05) == (delta.interval.low > 0 or delta.interval.high < 0)


def test_order_of_rows_and_bootstrap_seed_change_nothing() -> None:
    scores, truth = columns(60, seed=6)
    order = np.random.default_rng(0).permutation(60)
    classes, sizes = np.arange(60) // 3, np.full(60, 3)
    first = comparisons(scores, Sample(truth, classes, 600, sizes))[0]
    shuffled = {name: column[order] for name, column in scores.items()}
    plan = Plan(Variations.of(classes[order], seed=5))
    second = comparisons(shuffled, Sample(truth[order], classes[order], 600, sizes), paired=plan)[0]
    assert first.cells.delta.p == pytest.approx(second.cells.delta.p, rel=1e-9)
    assert first.networks.partial.p == pytest.approx(second.networks.partial.p, rel=1e-9)


def test_influence_of_a_partial_tau_is_that_of_the_jackknife() -> None:
    scores, truth = columns(60, seed=2)
    scores["proxy"] += 0.5 * scores["params"]
    rows = np.arange(60)

    def partial(kept: np.ndarray) -> Estimate:
        columns_kept = {name: column[kept] for name, column in scores.items()}
        return comparisons(columns_kept, Sample(truth[kept], rows[kept], 600), proxies=["proxy"])[0].cells.partial

    without = np.array([partial(rows != row).value for row in rows])
    error = math.sqrt(59 / 60 * ((without - without.mean()) ** 2).sum())
    assert partial(rows >= 0).error == pytest.approx(error, rel=0.06)


def test_the_interval_of_the_difference_covers_it() -> None:
    # tau = 2/pi arcsin(r): .8 against .6. 300 samples of 150 rows: a coverage of .95 has standard error .013.
    difference = 2 / math.pi * (math.asin(0.8) - math.asin(0.6))
    covered = 0
    for repeat in range(300):
        scores, truth = columns(150, seed=repeat)
        found = comparisons(scores, Sample(truth, np.arange(150), 10_000), proxies=["proxy"])[0].cells
        covered += found.delta.interval.low <= difference <= found.delta.interval.high
    assert 0.91 <= covered / 300 <= 0.985, covered / 300


def test_infinite_scores_stay_and_missing_ones_and_infinite_truth_are_left_out() -> None:
    scores, truth = columns(100, seed=3)
    scores["proxy"][:7], scores["params"][5:12], truth[12] = math.nan, -math.inf, math.inf
    found = comparisons(scores, Sample(truth, np.arange(100), 1000))[0]
    kept = np.r_[7:12, 13:100]
    assert found.n == found.n_classes == 92
    assert found.cells.tau == correlations(scores["proxy"][kept], truth[kept]).tau
    assert found.cells.baseline_tau == correlations(scores["params"][kept], truth[kept]).tau


def test_equal_ranks_are_no_difference_and_undefined_columns_decide_nothing() -> None:
    scores, truth = columns(50, seed=4)
    scores |= {"cubed": scores["params"] ** 3, "constant": np.ones(50), "nowhere": np.full(50, math.nan)}
    sample = Sample(truth, np.arange(50), 500)
    equal, constant, nowhere = comparisons(scores, sample, proxies=["cubed", "constant", "nowhere"])
    assert equal.cells.delta == Estimate(0.0, Interval(0.0, 0.0), 1.0, 0.0)
    assert verdict(equal.cells.delta, 1.0) is Verdict.NO_DIFFERENCE
    for undefined in (constant, nowhere):
        assert math.isnan(undefined.cells.delta.value)
        assert verdict(undefined.cells.delta, math.nan) is Verdict.UNDECIDED
    assert nowhere.n == 0
    assert comparisons(scores, sample, proxies=["proxy"], baselines=["nowhere", "absent"]) == []


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


@pytest.mark.parametrize(
    ("delta", "errors", "expected"),
    [
        (0.011, (math.nan, math.nan), Verdict.YES),
        (-0.011, (0.003, math.nan), Verdict.NO),
        (0.009, (0.001, math.nan), Verdict.NO_DIFFERENCE),  # less than one that matters
        (0.019, (0.006, 0.008), Verdict.NO_DIFFERENCE),  # 2 sqrt(.006^2 + .008^2) = .02
        (0.021, (0.006, 0.008), Verdict.YES),
        (math.nan, (0.001, 0.001), Verdict.UNDECIDED),
    ],
)
def test_a_whole_population_is_decided_without_p(delta: float, errors: tuple[float, float], expected: Verdict) -> None:
    contrast = Contrast(0.5, 0.4, NO_ESTIMATE._replace(value=delta), NO_ESTIMATE, *errors)
    assert exact_verdict(contrast, smallest=0.01) is expected


def test_a_whole_population_has_no_p_but_an_interval_over_classes() -> None:
    scores, truth = columns(60, seed=5)
    found = comparisons(scores, Sample(truth, np.arange(60), 60), proxies=["proxy"])[0]
    assert found.enumerated
    assert math.isnan(found.cells.delta.p)
    assert math.isnan(found.cells.partial.p)
    assert found.cells.delta.interval.low < found.cells.delta.value < found.cells.delta.interval.high


def test_no_interval_below_five_effective_classes() -> None:
    # One class of 300 rows, on which the columns differ, beside 30 of one row: it carries nearly all of the variance.
    scores, truth = columns(330, seed=7)
    scores["params"][:300] = -truth[:300]
    classes = np.r_[np.zeros(300, dtype=int), np.arange(1, 31)]
    found = comparisons(scores, Sample(truth, classes, 3300, np.r_[np.full(300, 300), np.ones(30)]), proxies=["proxy"])[
        0
    ]
    assert found.cells.delta.n_effective < 5
    assert np.isnan([*found.cells.delta.interval, found.cells.delta.p]).all()
    assert verdict(found.cells.delta, found.cells.delta.p) is Verdict.UNDECIDED


def test_the_noise_of_the_truth_is_that_of_training_again() -> None:
    """400 trainings of 300 networks with two names each, whose accuracies have noise of sd .3."""
    random = np.random.default_rng(8)
    classes = np.repeat(np.arange(300), 2)
    quality = random.normal(size=300)[classes]
    scores = {"proxy": quality + random.normal(0, 0.5, 300)[classes], "params": random.normal(0, 1, 300)[classes]}
    truth = quality + random.normal(0, 0.3, 600)
    noise = TruthNoise.of_classes(truth, classes)
    assert noise is not None
    assert noise.deviations.std() == pytest.approx(0.3, rel=0.1)
    plan = Plan(Variations.of(classes, n_replicates=1), noise)
    sample = Sample(truth, classes, 600, np.full(600, 2))
    found = comparisons(scores, sample, proxies=["proxy"], paired=plan)[0]
    trained = [quality + random.normal(0, 0.3, 600) for _ in range(400)]
    again = [np.subtract(*(correlations(column, one).tau for column in scores.values())) for one in trained]
    # Noise is added to accuracies that have some already, in which a step is a little larger.
    assert found.cells.truth_error == pytest.approx(np.std(again), rel=0.2)


def test_seeds_of_the_truth_and_trainings_that_are_shared() -> None:
    # Two seeds a, b: deviations of their mean +-(a - b) / 2, whose mean square is half of one seed's variance.
    seeds = np.random.default_rng(9).normal(size=(2, 500))
    noise = TruthNoise.of_seeds(list(seeds))
    assert noise is not None
    assert np.mean(noise.deviations**2) == pytest.approx(np.mean((seeds[0] - seeds[1]) ** 2) / 4)
    assert TruthNoise.of_classes(np.repeat(np.arange(50.0), 2), np.repeat(np.arange(50), 2)) is None
    assert TruthNoise.of_seeds([seeds[0]]) is None


def test_several_seeds_are_one_comparison_of_their_mean() -> None:
    scores, truth = columns(200, seed=10)
    for seed in range(1, 4):
        scores[f"proxy#{seed}"] = scores["proxy"] + np.random.default_rng(seed).normal(0, 0.4, 200)
    names = ["proxy", "proxy#1", "proxy#2", "proxy#3"]
    sample = Sample(truth, np.arange(200), 2000)
    (found,) = comparisons(scores, sample, proxies={"proxy": names})
    taus = np.array([correlations(scores[name], truth).tau for name in names])
    assert found.n_seeds == 4
    assert found.cells.tau == pytest.approx(taus.mean())
    assert found.cells.seed_error == pytest.approx(taus.std(ddof=1) / 2)
    one = comparisons(scores, sample, proxies=["proxy"])[0].cells.delta
    assert found.cells.delta.error > found.cells.seed_error
    assert found.cells.delta.value != one.value


def test_p_is_corrected_for_the_proxies_beside_one_baseline_and_a_declared_one_is_not() -> None:
    scores, truth = columns(60, seed=5)
    scores |= {"other": scores["proxy"] + 0.1 * truth, "flops_live": scores["params"] + 0.3 * truth}
    found = comparisons(scores, Sample(truth, np.arange(60), 600))
    keyed = [(RowKey("b", "d", one.proxy, "1", "", "", "", "t", "0"), one) for one in found]
    rows = verdict_table(keyed, baselines={"params", "flops_live"})
    own = rows[rows["proxy"].isin(["proxy", "other"]) & (rows["baseline"] == "params")]
    assert own["p_holm"].to_list() == pytest.approx(holm(own["p"].to_list()))
    assert own["p_holm_networks"].to_list() == own["p_holm"].to_list()
    assert own["n_family"].to_list() == [2, 2]
    alone = rows[(rows["proxy"] == "flops_live") & (rows["baseline"] == "params")]
    assert alone["p"].item() < 1
    assert math.isnan(alone["p_holm"].item())
    assert alone["beats"].item() == ""
    # Taken for a proxy it would be one more hypothesis, and every corrected p larger or equal.
    counted = verdict_table(keyed)
    more = counted[counted["proxy"].isin(["proxy", "other"]) & (counted["baseline"] == "params")]
    assert more["p_holm"].to_list() == pytest.approx(holm([*own["p"], alone["p"].item()])[:2])


def test_the_family_counts_the_tests_of_its_own_weighting() -> None:
    def compared(proxy: str, p: float) -> tuple[RowKey, Comparison]:
        cells, networks = (Contrast(0.5, 0.4, Estimate(0.1, Interval(0, 1), one), NO_ESTIMATE) for one in (p, 0.01))
        return RowKey("b", "d", proxy, "1", "", "", "", "t", "0"), Comparison(
            proxy, "params", 60, 60, False, 1, cells, networks
        )

    # Below 5 effective classes over cells zico has no p there, but it has one over networks.
    rows = verdict_table([compared("zico", math.nan), compared("synflow", 0.03)])
    assert rows["n_family"].to_list() == [1, 1]
    assert rows["p_holm"].to_list() == pytest.approx([math.nan, 0.03], nan_ok=True)
    assert rows["n_family_networks"].to_list() == [2, 2]
    assert rows["p_holm_networks"].to_list() == pytest.approx([0.02, 0.02])


@pytest.mark.parametrize(("hypotheses", "expected"), [([], "undecided"), ([("zico", "params")], "yes")])
def test_the_raw_p_of_a_declared_hypothesis_decides(hypotheses: list[tuple[str, str]], expected: str) -> None:
    def compared(proxy: str, p: float) -> tuple[RowKey, Comparison]:
        contrast = Contrast(0.5, 0.4, Estimate(0.1, Interval(0.01, 0.2), p), NO_ESTIMATE)
        comparison = Comparison(proxy, "params", 60, 60, False, 1, contrast, contrast)
        return RowKey("b", "d", proxy, "1", "", "", "", "t", "0"), comparison

    rows = verdict_table([compared("zico", 0.03), compared("synflow", 0.04)], Rules(hypotheses=hypotheses))
    assert rows["p_holm"].to_list() == pytest.approx([0.06, 0.06])
    assert rows["beats"].to_list() == [expected, "undecided"]
    assert rows["declared"].to_list() == ["yes" if hypotheses else "no", "no"]
