"""Edge shrinking: removals by hand, the path against all edge subsets, and what the command writes and refuses."""

from itertools import islice, pairwise
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest

from benchmarks.nasbench101.cell import CONV_1X1, CONV_3X3, MAX_EDGES, Cell
from harness.errors import OptionError
from harness.inputs import DATA_SETS
from harness.search.__main__ import main
from harness.search.objective import CostTerm
from harness.searchers.edge_shrinking import EdgeShrinking, n_edges_of
from harness.space import BENCHMARKS
from harness.theory.settings import ShrinkingSettings
from harness.theory.shrinking import Subsets, TruthProblem, Values, shrinking, starts_of
from harness.truth.table import TruthColumn, TruthTable, write_table

TSS = BENCHMARKS.get("nats_tss")
CONVS = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
NO_EDGES = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"


@pytest.fixture
def command(in_empty_folder):
    return in_empty_folder(main)


@pytest.fixture(scope="module")
def accuracies(truth_oracle: Path) -> dict[str, float]:
    """CIFAR-10 test accuracy of every cell, from 0 to 1."""
    with np.load(truth_oracle / "nats_tss.npz", allow_pickle=False) as table:
        values = np.round(table["test200_c10"].astype(np.float64), 4) / 100
    return dict(zip(TSS.architectures, values.tolist(), strict=True))


def values_of(accuracies: dict[str, float], weight: float = 0.0) -> Values:
    return Values(TSS, DATA_SETS.get("cifar10"), accuracies, weight)


def test_the_removals_of_a_cell_with_operations_on_edges():
    arch = "|none~0|+|skip_connect~0|none~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"
    found = {removal.edge: (removal.arch, removal.n_left) for removal in TSS.removals(arch)}
    assert found == {
        "0-2": ("|none~0|+|none~0|none~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|", 2),
        "0-3": ("|none~0|+|skip_connect~0|none~1|+|none~0|none~1|nor_conv_1x1~2|", 2),
        "2-3": ("|none~0|+|skip_connect~0|none~1|+|avg_pool_3x3~0|none~1|none~2|", 2),
    }
    assert n_edges_of(TSS, arch) == 3
    assert TSS.removals(NO_EDGES) == ()


def test_the_removals_of_a_cell_with_operations_on_vertices():
    """input -> conv 3x3 -> conv 1x1 -> output, and input -> conv 1x1: without 1-2 the 3x3 is on no path."""
    space = BENCHMARKS.get("nasbench101")
    cell = Cell(((0, 1), (0, 2), (1, 2), (2, 3)), (CONV_3X3, CONV_1X1))
    chain = Cell(((0, 1), (1, 2), (2, 3)), (CONV_3X3, CONV_1X1)).name
    single = Cell(((0, 1), (1, 2)), (CONV_1X1,)).name
    found = {(removal.arch, removal.n_left) for removal in space.removals(cell.name)}
    assert found == {(chain, 3), (single, 2)}  # 0-1 and 1-2 both leave the single one; without 2-3 there is no path
    assert space.removals(Cell(((0, 1),), ()).name) == ()
    assert n_edges_of(space, cell.name) == 4
    for arch in islice(space.fullest(Random(3)), 5):
        assert len(space.cell(arch).edges) == MAX_EDGES


def test_the_usual_starts_come_first():
    assert next(TSS.fullest(Random(0))) == CONVS
    micro = BENCHMARKS.get("transnas_micro")
    assert next(micro.fullest(Random(0))) == "64-41414-3_33_333"
    assert {removal.arch for removal in micro.removals("64-41414-3_00_100")} == {
        "64-41414-0_00_100",
        "64-41414-3_00_000",
    }
    for arch in islice(TSS.fullest(Random(1)), 20):
        assert "none" not in arch


def test_the_path_from_six_convolutions_is_beaten_at_four_edges_only(accuracies):
    values = values_of(accuracies)
    path = TruthProblem(values, CONVS, 0).run(EdgeShrinking(restarts=0))
    assert [step.n_edges for step in path] == [6, 5, 4, 3, 2, 1, 0]
    found = [round(values.of(step.candidate.arch), 4) for step in path]
    assert found == [0.9376, 0.9367, 0.9326, 0.9332, 0.9211, 0.9229, 0.1]
    best = {}
    for arch in Subsets(TSS).of(CONVS):
        n_edges = n_edges_of(TSS, arch)
        best[n_edges] = max(best.get(n_edges, 0.0), round(values.of(arch), 4))
    assert [best[n] for n in range(6, -1, -1)] == [0.9376, 0.9367, 0.9330, 0.9332, 0.9211, 0.9229, 0.1]


def test_with_the_authors_score_a_single_edge_is_left(accuracies):
    values = values_of(accuracies, weight=0.1)
    path = TruthProblem(values, CONVS, 0).run(EdgeShrinking(restarts=0))
    best = max(path, key=lambda step: values.of(step.candidate.arch))
    assert best.candidate.arch == "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|"
    assert accuracies[best.candidate.arch] == pytest.approx(0.9229, abs=5e-5)
    assert values.of(best.candidate.arch) + 0.6 == pytest.approx(0.7594, abs=5e-5)  # they subtract .1 (log10 MACs - 6)
    assert values.of(best.candidate.arch) == max(map(values.of, Subsets(TSS).of(CONVS)))


@pytest.mark.parametrize(("k", "share", "n_evaluations"), [(10, 0.87, 22), (3, 0.52, 16)])
def test_shares_of_paths_that_hold_the_optimum(accuracies, k, share, n_evaluations):
    """The shares over all 4,096 starts, results/shrinking: 80 starts lie within four standard errors."""
    values, subsets = values_of(accuracies), Subsets(TSS)
    starts = starts_of(TSS, 80, seed=5)
    held = 0
    for start in starts:
        problem = TruthProblem(values, start, 0)
        path = problem.run(EdgeShrinking(k=k, restarts=0))
        assert problem.n_evaluations == n_evaluations  # 1 + 6 + 5 + 4 + 3 + 2 + 1, or 1 + 4 * 3 + 2 + 1
        held += max(values.of(step.candidate.arch) for step in path) == max(map(values.of, subsets.of(start)))
    assert abs(held / 80 - share) < 4 * (share * (1 - share) / 80) ** 0.5


def test_a_path_stops_at_its_share_of_edges(accuracies):
    path = TruthProblem(values_of(accuracies), CONVS, 0).run(EdgeShrinking(stop=0.5, restarts=0))
    assert [step.n_edges for step in path] == [6, 5, 4, 3]


def test_a_cost_term_by_hand():
    """Scores 1, 3, 5: mean 3, standard deviation sqrt(8/3). Costs 10, 100, 0: log10 1, 2, undefined."""

    class Known:
        name = "known"

        def of(self, archs):
            return np.array([{"a": 10.0, "b": 100.0, "c": 0.0, "d": 1.0}[arch] for arch in archs])

    term = CostTerm(Known(), 0.5)
    found = term.applied(np.array([1.0, 3.0, 5.0]), ["a", "b", "c"])
    assert found[:2] == pytest.approx([-2 / (8 / 3) ** 0.5 - 0.5, 0 - 1.0])
    assert np.isnan(found[2])
    assert term.applied(np.array([7.0, 7.0, -np.inf]), ["a", "b", "d"]).tolist() == [-0.5, -1.0, -np.inf]


def test_the_command_writes_paths_that_its_log_bears_out(command):
    words = ["search=edge_shrinking", "proxy=params_live", "steps=44", "workers=1", "out=one"]
    code, _, error = command(*words, "+options.edge_shrinking.weight=3", "+options.edge_shrinking.restarts=1")
    assert code == 0, error
    path, found = pd.read_csv("one/path.csv", keep_default_na=False), pd.read_csv("one/search.csv")
    assert found["objective"].tolist() == ["params_live - 3 log10(flops)"]
    assert path[path["path"] == 0]["edges"].tolist()[:3] == [6, 5, 4]
    assert path["arch"][0] == CONVS
    log = pd.read_parquet("one/candidates.parquet")
    for _, steps in path.groupby("path"):
        for (_, before), (_, after) in pairwise(steps.iterrows()):
            tried = log[log["parent"] == before["arch"]]
            assert after["value"] == pytest.approx(tried["params_live"].max())
            assert after["arch"] in {removal.arch for removal in TSS.removals(before["arch"])}
        assert steps["best"].astype(str).eq("True").sum() == 1
    finite = log.drop_duplicates("network")["params_live"].dropna()
    assert found["score"][0] == pytest.approx(finite.max())
    assert Path("one/path.png").read_bytes().startswith(b"\x89PNG")
    assert "## Paths of removed edges" in Path("one/report.md").read_text()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([f"start='{NO_EDGES}'"], "has no edge that could be removed. Give a start with more edges"),
        (["bench=nats_sss", "dataset=cifar10"], "architectures of nats_sss have none that could be removed"),
        (["bench=imagenet_mbv2", "dataset=imagenet"], "architectures of imagenet_mbv2 have none that could be removed"),
        (["+options.edge_shrinking.k=0"], "options.edge_shrinking.k=0 is invalid: it must be at least 1."),
        (
            ["+options.edge_shrinking.stop=1"],
            "edge_shrinking.stop=1 is invalid: it must be at least 0, below 1.",
        ),
        (["+options.edge_shrinking.cost=zico", "+options.edge_shrinking.weight=1"], "zico cannot be a budget"),
    ],
)
def test_mistakes_end_in_one_sentence(command, words, text):
    code, _, error = command("search=edge_shrinking", "proxy=params", "steps=5", "workers=1", "truth=none", *words)
    assert code == 2
    assert text in error
    assert error.count("\n") == 1


def test_a_truth_that_is_no_accuracy_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path))
    column = TruthColumn("latency", "digits", "latency", "ms", "none", None, "one", False, "made up", "0" * 64)
    table = TruthTable(TSS.architectures[:9], (column,), (np.arange(9.0),))
    write_table(table, tmp_path / "truth/nats_tss/made_up.parquet", "made up")
    with pytest.raises(OptionError, match="latency of digits is latency in ms"):
        shrinking(ShrinkingSettings(dataset="digits", truth="latency", n_starts=2), 0)
    with pytest.raises(OptionError, match="architectures of nats_sss have none that could be removed"):
        shrinking(ShrinkingSettings(bench="nats_sss", n_starts=2), 0)
