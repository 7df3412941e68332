"""What every search keeps to, whichever searcher, and what each searcher promises."""

import math
from itertools import pairwise

import numpy as np
import pytest
from pymoo.indicators.hv import HV
from scipy.stats import rankdata

from harness.search.outcome import best_place, curve_grid
from harness.search.run import SearchRun
from harness.searchers import SEARCHERS, Status
from harness.searchers.pareto import non_dominated
from harness.space import BENCHMARKS

SPACE = BENCHMARKS.get("nats_tss")
ONE_OBJECTIVE = [name for name in SEARCHERS if not SEARCHERS.get(name).multi_objective]
BOUNDED = [name for name in ONE_OBJECTIVE if SEARCHERS.get(name).bounded]


def scores(search_run: SearchRun) -> list[float]:
    return search_run.values()[:, 0].tolist()


def course(search_run: SearchRun) -> list[tuple[object, ...]]:
    """Everything that a trial proposed and was told."""
    return [
        (candidate.step, candidate.arch, candidate.parent, candidate.status, candidate.place)
        for candidate in search_run.candidates
    ]


@pytest.mark.long
@pytest.mark.parametrize("searcher", BOUNDED)
def test_no_scored_candidate_is_over_budget_and_the_best_only_rises(searcher, run):
    (search_run,) = run(searcher, "flops_live", budget={"flops": 4e6, "params": 4e4}, steps=300, population=20)
    assert len(search_run.candidates) == 300
    assert [candidate.step for candidate in search_run.candidates] == list(range(1, 301))
    flops, params = search_run.task.budget.limits
    for candidate in search_run.candidates:
        within = flops.of([candidate.arch])[0] <= 4e6 and params.of([candidate.arch])[0] <= 4e4
        assert (candidate.status is not Status.INFEASIBLE) == within
    assert any(candidate.status is Status.INFEASIBLE for candidate in search_run.candidates)
    best = [scores(search_run)[best_place(search_run, n)] for n in range(1, len(search_run.scored) + 1)]
    assert best == np.maximum.accumulate(scores(search_run)).tolist()


@pytest.mark.parametrize("searcher", BOUNDED)
def test_equal_seeds_give_equal_searches_whatever_runs_beside(searcher, run):
    together = run(searcher, "params_live", seeds=3, steps=120, population=10)
    alone = run(searcher, "params_live", seeds=1, steps=120, population=10, store="other")
    assert course(together[0]) == course(alone[0])
    assert course(together[0]) != course(together[1])


@pytest.mark.parametrize("searcher", BOUNDED)
def test_each_network_is_evaluated_once(searcher, run):
    (search_run,) = run(searcher, "params_live", steps=300, population=10)
    networks = [candidate.network for candidate in search_run.scored]
    assert len(networks) == len(set(networks)) == search_run.n_evaluations
    repeated = [candidate for candidate in search_run.candidates if candidate.status is Status.REPEATED]
    assert repeated
    for candidate in repeated:
        assert search_run.scored[candidate.place].network == candidate.network == SPACE.canonical(candidate.arch)


@pytest.mark.parametrize("searcher", BOUNDED)
def test_evaluations_bound_a_search(searcher, run):
    (search_run,) = run(searcher, "params_live", steps=5000, population=10, evaluations=40)
    assert search_run.n_evaluations == 40
    assert len(search_run.candidates) < 5000


def test_evolution_is_algorithm_1(run):
    """The population is replayed by hand: each parent must be in it, and the smallest score leaves."""
    (search_run,) = run("evolution", "params_live", steps=400, population=15)
    members = [search_run.candidates[0]]
    sizes = set()
    for candidate in search_run.candidates[1:]:
        assert candidate.parent in [member.arch for member in members]
        assert candidate.arch in SPACE.neighbours(candidate.parent)
        if candidate.status is Status.SCORED:
            members.append(candidate)
        if len(members) > 15:
            members.remove(min(members, key=search_run.value))
        sizes.add(len(members))
    assert max(sizes) == 15


def test_the_first_architecture_is_the_parent_of_the_founders(run):
    (search_run,) = run("evolution", "params_live", steps=200, population=5, options={"founders": 10})
    first, *children = search_run.candidates
    entered = 1
    late = []
    for child in children:
        if entered > 10:
            late.append(child.parent)
        else:
            assert child.parent == first.arch
        entered += child.status is Status.SCORED
    assert len(late) > 100
    assert first.arch not in late  # five better ones have driven it out


def test_without_deduplication_a_network_enters_the_population_again(run):
    (search_run,) = run("evolution", "params_live", steps=200, population=10, deduplicate=False)
    assert all(candidate.status is Status.SCORED for candidate in search_run.candidates)
    assert search_run.n_evaluations < 200


def test_the_oldest_dies_in_aging_evolution(run):
    (search_run,) = run("aging_evolution", "params_live", steps=300, population=12)
    members = []
    for candidate in search_run.candidates:
        assert candidate.parent is None or candidate.parent in [member.arch for member in members]
        assert (candidate.parent is None) == (len(members) < 12)
        if candidate.network not in [member.network for member in members]:
            members.append(candidate)
        members = members[-12:]


def test_random_search_draws_without_replacement_until_the_space_is_used_up(run):
    (search_run,) = run("random", "flops_live", steps=20_000)
    archs = [candidate.arch for candidate in search_run.candidates]
    assert len(archs) == len(set(archs)) == len(SPACE.architectures)
    assert search_run.n_evaluations == 5425
    assert archs != list(SPACE.architectures)


def test_local_search_ends_in_a_local_optimum(run):
    for search_run in run("local_search", "sum_log_layer_size", seeds=3, steps=400):
        value = {
            candidate.network: score for candidate, score in zip(search_run.scored, scores(search_run), strict=True)
        }
        best = search_run.scored[best_place(search_run, len(search_run.scored))]
        around = [value[SPACE.canonical(arch)] for arch in SPACE.neighbours(best.arch)]
        assert max(around) <= value[best.network]


@pytest.mark.long
def test_exhaustive_search_finds_the_optimum_and_scores_nothing_twice(run, monkeypatch):
    (first,) = run("exhaustive", "params", steps=1)
    best = first.scored[best_place(first, len(first.scored))]
    assert (
        best.arch == "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
    )
    assert len(first.scored) == 15_625

    def scored_again(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("harness.scoring.workers.count_units", scored_again)
    (second,) = run("exhaustive", "params", steps=1)
    assert course(second) == course(first)
    with pytest.raises(AssertionError):
        run("exhaustive", "params", store="empty")


@pytest.mark.long
@pytest.mark.parametrize("searcher", BOUNDED)
def test_what_has_no_score_never_survives(searcher, run, half_broken):
    (search_run,) = run(searcher, half_broken, steps=250, population=10)
    failed = {candidate.arch for candidate in search_run.candidates if candidate.status is Status.FAILED}
    reasons = {candidate.reason for candidate in search_run.candidates if candidate.reason}
    assert reasons == {"the value is NaN", "RuntimeError: not today (half_broken.py, line 21)"}
    assert all(candidate.parent not in failed for candidate in search_run.candidates)
    assert all(math.isfinite(score) for score in scores(search_run))
    assert all(
        search_run.value(candidate) == -math.inf for candidate in search_run.candidates if candidate.place is None
    )
    assert search_run.n_evaluations == len(search_run.scored) + len({SPACE.canonical(arch) for arch in failed})


@pytest.mark.parametrize("seed", range(5))
def test_the_front_is_what_no_other_dominates(seed):
    values = np.random.default_rng(seed).integers(0, 8, (60, 3)).astype(float)
    values[3, 1], values[5, 0] = np.inf, np.nan
    known = [row for row in range(60) if np.isfinite(values[row]).all()]
    dominated = {
        row
        for row in known
        for other in known
        if (values[other] >= values[row]).all() and (values[other] > values[row]).any()
    }
    assert non_dominated(values).tolist() == [row for row in known if row not in dominated]


def test_nsga_2_trades_better_than_random_search(run, sizes):
    """By hypervolume, of 5 seeds: the area between the front and a point worse than the whole space."""
    area = HV(ref_point=np.array([0.0, 1.0]))
    found: dict[str, list[float]] = {"pareto": [], "random": []}
    for searcher, areas in found.items():
        asked = {"minimised": ("flops",), "seeds": 5, "steps": 300, "population": 20}
        for search_run in run(searcher, "sum_log_layer_size", context=sizes, **asked):
            areas.append(float(area(-search_run.values() / [300.0, 3e8])))
    assert np.mean(found["pareto"]) > np.mean(found["random"])
    assert min(found["pareto"]) > max(found["random"])


def test_an_ensemble_ranks_all_networks_of_the_search(run):
    (search_run,) = run("evolution", "params_live", "sum_log_layer_size", ensemble="rank_sum", steps=120, population=10)
    assert search_run.task.objective.name == "rank_sum(params_live, sum_log_layer_size)"
    space, data_set = search_run.task.space, search_run.task.data_set
    table = space.layer_table([candidate.arch for candidate in search_run.scored], data_set)
    params = np.array([space.params(candidate.arch, data_set, live=True) for candidate in search_run.scored])
    logs = (np.log(np.maximum(table.n_weights, 1)) * table.live * table.repeats).sum(axis=1).round(9)
    for n in (1, 10, len(search_run.scored)):
        expected = rankdata(params[:n]) + rankdata(logs[:n])
        assert search_run.values(n)[:, 0].tolist() == expected.tolist()
        assert best_place(search_run, n) == int(np.argmax(expected))


def test_proxies_draw_anew_with_each_search_if_asked(run):
    shared = run("random", "grad_norm", seeds=2, steps=3)
    own = run("random", "grad_norm", seeds=2, steps=3, proxy_seed=None)
    assert course(shared[1]) == course(own[1])
    assert scores(shared[0]) == scores(own[0])
    assert scores(shared[1]) != scores(own[1])


def test_a_curve_counts_every_evaluation_at_first():
    grid = curve_grid(1000)
    assert grid[0] == 1
    assert grid[-1] == 1000
    assert all(low < high for low, high in pairwise(grid.tolist()))
    assert curve_grid(12).tolist() == list(range(1, 13))
