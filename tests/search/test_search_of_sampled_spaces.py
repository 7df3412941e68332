"""Searches of a space of which a part was trained: the truth where there is one, else the nearest trained networks."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.evaluation.costs import open_costs
from harness.inputs import InputKind
from harness.protocol import Protocol
from harness.scoring import ContextSpec
from harness.search.__main__ import main
from harness.search.problems import open_problems
from harness.search.settings import SearchSettings, SearchSpec
from harness.settings import Settings
from harness.space import BENCHMARKS
from harness.store.command import export
from harness.truth import Truth

SPACE = BENCHMARKS.get("mnasnet")
WORDS = ["proxy=flops", "bench=mnasnet", "dataset=imagenet", "workers=1"]


@pytest.fixture
def command(in_empty_folder, fetched_home, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA", str(fetched_home))
    return in_empty_folder(main)


@pytest.mark.long
def test_beside_a_network_that_was_never_trained_are_the_nearest_that_were(command, fetched_home):
    code, out, _ = command(*WORDS, "search=evolution", "steps=60", "population=10", "budget.flops=3e8", "seeds=2")
    assert code == 0
    folder = Path(out.splitlines()[-1])
    found, nearest = pd.read_csv(folder / "search.csv"), pd.read_csv(folder / "nearest.csv")
    assert (found["flops"] <= 3e8).all()
    assert found["accuracy"].isna().all()
    assert found["index"].isna().all()
    assert not set(found["arch"]) & set(SPACE.architectures)
    truth = Truth.open("mnasnet", fetched_home)
    for row in found.itertuples():
        beside = nearest[nearest["seed"] == row.seed]
        assert list(zip(beside["trained"], beside["distance"], strict=True)) == SPACE.nearest(row.arch, 5)
        np.testing.assert_allclose(beside["accuracy"], truth.values(list(beside["trained"]), "imagenet", "val_top1"))
    assert "not trained, so without ground truth; the nearest trained networks: " in out
    assert "## Nearest trained networks" in (folder / "report.md").read_text()
    # Only trained architectures have a number, so that of these scores no table can be written.
    exported = export(Path("results/scores.sqlite"), Path("tables"))
    assert exported.n_tables == 0
    assert not exported.left_out


def test_a_trained_network_that_was_found_has_its_truth(command, fetched_home):
    arch = SPACE.architectures[2000]
    words = ["search=evolution", "start=2000", "steps=2", "population=2", "evaluations=1"]
    code, out, _ = command(*WORDS, *words)
    assert code == 0
    folder = Path(out.splitlines()[-1])
    row = pd.read_csv(folder / "search.csv").iloc[0]
    assert (row["arch"], row["index"], row["n_ranked"]) == (arch, 2000, 5_125)
    (accuracy,) = Truth.open("mnasnet", fetched_home).values([arch], "imagenet", "val_top1")
    assert row["accuracy"] == pytest.approx(accuracy)
    assert not (folder / "nearest.csv").exists()


def test_a_budget_that_no_network_meets_is_refused_with_the_smallest(command):
    code, _, err = command(*WORDS, "search=random", "steps=20", "budget.flops=1e6")
    assert code != 0
    assert "budget.flops=1e+06" in err
    assert "the smallest flops is" in err


def test_a_found_network_is_looked_up_among_all_whatever_population_is_usual(fetched_home, monkeypatch):
    """timm's usual population is a part of its rows: official numbers are not places in it."""
    monkeypatch.setenv("HARNESS_DATA", str(fetched_home))
    zoo = BENCHMARKS.get("timm")
    words = SearchSpec(searchers=("random",), proxies=("params",), benches=("timm",), data_sets=("imagenet",))
    ((problem,), _) = open_problems(words, [], SearchSettings(base=Settings(store=Path("s.sqlite"))), [])
    assert problem.truth is not None
    assert list(problem.truth.evaluated.archs) == list(zoo.architectures)


def test_a_budget_of_counts_builds_no_network_that_needs_a_library():
    context = ContextSpec("timm", "imagenet", InputKind.noise, Protocol(), 0, "cpu")
    assert list(open_costs(["params", "flops"], context)) == ["params", "flops"]
