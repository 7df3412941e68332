"""Shards, budgets and forecasts: parts of an evaluation that together are the whole, and say that they are parts."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

from harness import progress
from harness.__main__ import main
from harness.errors import OptionError
from harness.evaluation import budget
from harness.inputs import InputKind
from harness.placement import EngineSettings, Shard, read_shard
from harness.protocol import Protocol
from harness.scoring import ContextSpec, ScoringRun, composites
from harness.scoring.proxy_spec import parse_proxies
from harness.scoring.shards import archs_of_shard, network_costs, shards
from harness.settings import Settings
from harness.space import BENCHMARKS
from harness.store import main as store_main

CONTEXT = ContextSpec("nats_tss", "digits", InputKind.real, Protocol(batch_size=8), 0, "cpu")
SPACE = BENCHMARKS.get("nats_tss")
ARCHS = SPACE.architectures[::3]
WORDS = ["proxy=[naswot,az_nas]", "protocol.batch_size=8", "workers=1"]


def run_of(*proxies: str) -> ScoringRun:
    return ScoringRun(CONTEXT, tuple(parse_proxies(proxies, {})), None)


@pytest.fixture
def units(monkeypatch) -> list[int]:
    """The number of units of each call that computes."""
    counted: list[int] = []
    compute = composites.compute

    def counting(run, found, store, execution):
        counted.append(len(found))
        compute(run, found, store, execution)

    monkeypatch.setattr(composites, "compute", counting)
    return counted


@pytest.mark.long
def test_shards_are_balanced_disjoint_and_keep_each_network_in_one():
    run = run_of("zico", "zen")
    found = shards(run, ARCHS, 7)
    costs = network_costs(run, ARCHS, live=False)
    loads = [costs[found == index].sum() for index in range(7)]
    assert max(loads) < 1.02 * min(loads)
    of_form: dict[str, set[int]] = {}
    for form, index in zip(SPACE.canonical_forms(ARCHS), found.tolist(), strict=True):
        of_form.setdefault(form, set()).add(index)
    assert {len(indices) for indices in of_form.values()} == {1}
    parts = [archs_of_shard(run, ARCHS, Shard(index, 7)) for index in range(7)]
    assert sorted(arch for part in parts for arch in part) == sorted(ARCHS)


def test_one_shard_is_everything_and_more_shards_than_networks_leave_some_empty():
    run = run_of("zico")
    assert archs_of_shard(run, ARCHS, Shard(0, 1)) == list(ARCHS)
    assert sum(bool(archs_of_shard(run, ARCHS[:3], Shard(index, 50))) for index in range(50)) <= 3


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("0/0", r"^shard=0/0 is invalid: there must be 1 to 100,000 shards"),
        ("4/4", r"^shard=4/4 is invalid: the shards of 4 are 0/4 to 3/4\.$"),
        ("-1/2", r"^shard=-1/2 is invalid: the shards of 2 are 0/2 to 1/2\.$"),
        ("1", r"^shard=1 is invalid: it must be I/N"),
        ("slurm", r"^shard=slurm is for the tasks of a SLURM job array"),
    ],
)
def test_a_shard_that_there_is_not_is_one_sentence(word, said, monkeypatch):
    for name in ("ID", "MIN", "COUNT"):
        monkeypatch.delenv(f"SLURM_ARRAY_TASK_{name}", raising=False)
    with pytest.raises(OptionError, match=said):
        Settings(shard=word)


def test_a_task_of_an_array_is_counted_from_its_first_in_its_steps():
    array = {"SLURM_ARRAY_TASK_MIN": "5", "SLURM_ARRAY_TASK_COUNT": "3"}
    assert read_shard("slurm", array | {"SLURM_ARRAY_TASK_ID": "7"}) == Shard(2, 3)
    assert read_shard("slurm", array | {"SLURM_ARRAY_TASK_ID": "9", "SLURM_ARRAY_TASK_STEP": "2"}) == Shard(2, 3)
    with pytest.raises(OptionError, match="array of equal steps"):
        read_shard("slurm", array | {"SLURM_ARRAY_TASK_ID": "9"})
    assert read_shard("slurm", array | {"SLURM_ARRAY_TASK_ID": "7", "SLURM_ARRAY_TASK_MAX": "7"}) == Shard(2, 3)
    single = {"SLURM_ARRAY_TASK_ID": "3", "SLURM_ARRAY_TASK_MIN": "3", "SLURM_ARRAY_TASK_COUNT": "1"}
    with pytest.raises(OptionError, match=r"task 3 of 1 from 3 to 3 with step 1 is none\. For some of its tasks give"):
        read_shard("slurm", single)
    with pytest.raises(OptionError, match=r"task 5 of 3 from 5 to 9 with step 1 is none\. For some of its tasks give"):
        read_shard("slurm", array | {"SLURM_ARRAY_TASK_ID": "5", "SLURM_ARRAY_TASK_MAX": "9"})


def test_an_engine_may_be_given_by_its_name():
    assert Settings(engine="local") == Settings()
    with pytest.raises(OptionError, match="No engine is called 'slurm'"):
        Settings(engine="slurm")
    with pytest.raises(OptionError, match=r"engine=None is invalid: it must be a name or an EngineSettings\."):
        Settings(engine=None)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "spark"}, "No engine is called 'spark'. Known: local, ray."),
        ({"address": "auto"}, "engine.address=auto is invalid: it is only for engine=ray; add engine=ray."),
        (
            {"name": "ray", "address": "nowhere"},
            "engine.address=nowhere is invalid: it must be auto, local or HOST:PORT",
        ),
        ({"name": "ray", "cpus_per_unit": 0.0}, "engine.cpus_per_unit=0 is invalid: it must be above 0."),
    ],
)
def test_an_engine_that_there_is_not_is_one_sentence(fields, said):
    with pytest.raises(OptionError) as raised:
        EngineSettings(**fields)
    assert str(raised.value).startswith(said)


@pytest.mark.long
def test_merged_shards_are_the_whole_and_the_same_command_computes_nothing(in_empty_folder, units):
    run = in_empty_folder(main)
    words = [*WORDS, "sample=24"]
    outs = [run(*words, f"shard={index}/3") for index in range(3)]
    assert [code for code, _, _ in outs] == [0, 0, 0]
    assert not list(Path("results").glob("runs/*"))  # a part has no table
    assert all("tau" not in out for _, out, _ in outs)
    stores = sorted(map(str, Path("results").glob("scores-shard*of3.sqlite")))
    assert [Path(store).name for store in stores] == [f"scores-shard{index}of3.sqlite" for index in range(3)]
    record = json.loads(Path("results/scores-shard1of3.run.json").read_text())
    assert record["shard"]["name"] == "1/3"
    assert record["config"]["shard"] == "1/3"
    assert store_main(["merge", "results/scores.sqlite", *stores]) == 0
    n_units = sum(units)
    assert n_units > 0
    units.clear()
    assert run(*words, "out=merged")[0] == 0
    assert sum(units) == 0
    assert run(*words, "store=whole.sqlite", "out=whole")[0] == 0
    tables = [Path(name, "agreement.csv").read_text().splitlines() for name in ("merged", "whole")]
    assert [line.rsplit(",", 1)[0].split(",")[:12] for line in tables[0]] == [
        line.rsplit(",", 1)[0].split(",")[:12] for line in tables[1]
    ]


def test_a_shard_is_refused_where_results_are_wanted():
    from harness.evaluation import evaluate

    with pytest.raises(OptionError, match=r"^shard=0/2 is part of an evaluation and has no results of its own"):
        evaluate("params", settings=Settings(shard="0/2"))


BUDGET = ["proxy=naswot", "protocol.batch_size=8", "workers=1", "sample=60", "against=params"]


@pytest.fixture
def clock(monkeypatch):
    """Let an architecture of a run take as long as a function of the time says."""

    def taking(seconds) -> None:
        now = [0.0]
        monkeypatch.setattr(budget.time, "monotonic", lambda: now[0])
        ensure = budget.ensure

        def slowly(of, archs, store, execution):
            now[0] += len(archs) * seconds(now[0])
            ensure(of, archs, store, execution)

        monkeypatch.setattr(budget, "ensure", slowly)

    return taking


@pytest.mark.long
def test_a_budget_ends_with_a_random_sample_and_the_same_command_goes_on(in_empty_folder, units, clock):
    run = in_empty_folder(main)
    clock(lambda now: 1)
    code, out, _ = run(*BUDGET, "budget_s=40", "out=part")
    assert code == 3
    n = int(out.split("budget_s ended after ")[1].split()[0])
    assert 10 <= n < 30  # two runs, naswot and the count, of a second each per architecture
    assert f"{n} of 60 architectures of nats_tss / digits, a random sample of them" in out
    assert "The same command goes on." in out
    record = json.loads(Path("part/run.json").read_text())
    assert record["n_architectures"] == {"nats_tss/digits": n}
    assert f"budget_s ended after {n} of 60 architectures" in Path("part/report.md").read_text()
    units.clear()
    code, out, _ = run(*BUDGET[:3], f"sample={n}", "against=params", "out=small")
    assert (code, sum(units)) == (0, 0)  # the finished part is the sample of that size
    first, second = (Path(name, "agreement.csv").read_text() for name in ("part", "small"))
    assert first == second
    code, out, _ = run(*BUDGET, "budget_s=1e6", "out=rest")
    assert code == 0
    assert "budget_s ended" not in out


def test_a_budget_below_one_unit_is_one_sentence_and_keeps_its_scores(in_empty_folder, units):
    run = in_empty_folder(main)
    words = ["proxy=naswot", "protocol.batch_size=8", "workers=1", "sample=40"]
    code, _, error = run(*words, "budget_s=1e-6")
    assert code == 3  # as every budget that ended, so that a loop over it goes on
    assert "budget_s=1e-06 ended after 1 of 40 architectures of nats_tss / digits, too few for a table" in error
    assert "one took, with all that had to start," in error
    n_before = sum(units)
    assert run(*words, "shard=0/1", "store=results/scores.sqlite")[0] == 0
    assert sum(units) - n_before <= n_before * 40
    for bad in ("0", "-1", "inf"):
        assert f"budget_s={bad} is invalid: it must be seconds above 0" in run(f"budget_s={bad}")[2]


def test_the_start_of_the_workers_is_not_the_rate_of_a_budget(in_empty_folder, clock):
    clock(lambda now: 0.1 if now else 30)  # the workers start within the first block
    code, out, _ = in_empty_folder(main)(*BUDGET, "budget_s=33", "out=part")
    assert code == 3
    finished = int(out.split("budget_s ended after ")[1].split()[0])
    assert finished >= 10
    assert f"the rest takes about {(60 - finished) * 0.2:,.0f} s. The" in out  # naswot and the count


def test_a_budget_has_one_bar_over_blocks_runs_and_data_sets(monkeypatch):
    bars = []

    class Bar(progress.tqdm):
        def __init__(self, *words, **named):
            super().__init__(*words, **{**named, "file": io.StringIO(), "delay": 0})
            bars.append(self)
            self.was_drawn = not self.disable

    monkeypatch.setattr(progress, "tqdm", Bar)
    done = 5
    with progress.WholeProgress("two sets", 30, done) as whole:
        for block in (10, 15):
            for _ in range(2):  # two runs over the same architectures
                with progress.AskedProgress("one block", block, 0, block, "networks") as asked:
                    asked.step(block)
            done += block
            assert bars[0].n == done
            whole.finished(done)
    assert [bar.total for bar in bars if bar.was_drawn] == [30]


def test_a_dry_run_says_what_remains_and_stores_nothing(in_empty_folder, units):
    run = in_empty_folder(main)
    words = ["proxy=naswot", "protocol.batch_size=8", "workers=2", "sample=20"]
    code, out, _ = run(*words, "dry_run=true")
    assert code == 0
    assert "20 architectures; the store has 0 of" in out
    assert "CPU s" in out
    assert "with 2 workers" in out
    assert "GiB per worker" in out
    assert not Path("results").exists()
    assert units == []


def test_the_order_of_a_whole_population_is_that_of_its_samples():
    from harness.evaluation.evaluation_set import open_evaluation_set
    from harness.evaluation.sampling import sample_index
    from harness.inputs import DATA_SETS

    settings = Settings(sample="all")
    evaluated = open_evaluation_set(SPACE, DATA_SETS.get("digits"), settings, None)
    order = budget.in_random_order(evaluated, settings)
    small = sample_index(SPACE, Settings(sample=100))
    assert list(order[:100]) == [SPACE.architectures[row] for row in small]
    first = budget.first_of(evaluated, order[:100])
    assert np.array_equal(first.index, small)
    assert np.array_equal(first.values, evaluated.values[small], equal_nan=True)
