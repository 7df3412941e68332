"""`python -m harness.search` from end to end, on the embedded benchmark: files, resume, mistakes."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.search.__main__ import main
from harness.search.tables import mean_and_interval
from harness.space import BENCHMARKS
from harness.truth import Truth
from harness.truth.table import TruthColumn, TruthTable, write_table

PATIENCE = 600  # seconds; where other work runs, a start alone takes many
TIMES = ["seconds"]
ZICO = ["search=evolution", "proxy=zico", "steps=25", "population=5", "seeds=2", "workers=1", "protocol.batch_size=8"]


@pytest.fixture
def command(in_empty_folder):
    return in_empty_folder(main)


def stored(path: Path) -> dict[tuple[str, str], str]:
    """Components by (proxy, architecture)."""
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5) as connection:
        rows = connection.execute("SELECT proxy, arch, components FROM scores JOIN keys ON keys.id = scores.key")
        return {(proxy, arch): components for proxy, arch, components in rows}


def n_stored(path: Path) -> int:
    try:
        return len(stored(path))
    except sqlite3.OperationalError:  # not made yet
        return 0


def test_a_search_writes_its_files_and_prints_their_folder_last(command):
    words = ["search=[random,evolution]", "proxy=[params,flops_live]", "ensemble=[alone,rank_sum]", "steps=60"]
    code, out, _ = command(*words, "population=10", "seeds=3", "budget.flops=4e6", "+options.evolution.mutations=2")
    assert code == 0
    folder = Path(out.splitlines()[-1])
    files = {"search.csv", "summary.csv", "curves.csv", "candidates.parquet", "regret.png", "report.md", "run.json"}
    assert {file.name for file in folder.iterdir()} == files
    found = pd.read_csv(folder / "search.csv")
    assert found.groupby(["search", "objective"]).size().tolist() == [3] * 6
    best_seeds = found.loc[found.groupby(["search", "objective"], sort=False)["score"].idxmax()]
    told = [line for line in out.splitlines() if line.startswith("found, nats_tss digits, ")]
    assert [line.rsplit(": ", 1)[1] for line in told] == best_seeds["arch"].tolist()
    space, truth = BENCHMARKS.get("nats_tss"), Truth.open("nats_tss")
    assert (found["flops"] <= 4e6).all()
    values = truth.values(space.architectures, "digits", "test")
    for _, row in found.iterrows():
        assert space.architectures[row["index"]] == row["arch"]
        assert row["accuracy"] == values[row["index"]]
    log = pd.read_parquet(folder / "candidates.parquet")
    assert len(log) == found["steps"].sum() == 18 * 60
    best = log[log["status"] == "scored"].groupby(["search", "objective", "seed"])
    for (search, objective, seed), rows in best:
        row = found.set_index(["search", "objective", "seed"]).loc[(search, objective, seed)]
        score = rows[objective.split("(")[0]]
        assert row["score"] == score.max()
        assert row["arch"] == rows.loc[score.idxmax(), "arch"]
    curves = pd.read_csv(folder / "curves.csv")
    ends = curves.groupby(["search", "objective", "seed"]).tail(1)
    assert ends["regret"].tolist() == found["regret"].tolist()
    run = json.loads((folder / "run.json").read_text())
    assert run["search"]["budget"] == {"flops": 4e6}
    assert run["command"].startswith("python -m harness.search 'search=[random,evolution]' ")
    assert " budget.flops=4e6 " in run["command"]


@pytest.mark.long
def test_rank_and_regret_are_those_within_the_budget(command):
    assert command("search=exhaustive", "proxy=flops", "budget.params=3e4", "out=one")[0] == 0
    row = pd.read_csv("one/search.csv").iloc[0]
    log = pd.read_parquet("one/candidates.parquet")
    inside = log[log["params"] <= 3e4]
    assert row["n_infeasible"] == len(log) - len(inside) > 0
    assert row["n_ranked"] == len(inside)
    assert row["rank"] == 1 + (inside["accuracy"] > row["accuracy"]).sum()
    assert row["regret"] == inside["accuracy"].max() - row["accuracy"]
    assert row["flops"] == inside["flops"].max()


def test_several_objectives_give_a_front(command):
    words = ["search=pareto", "proxy=sum_log_layer_size", "minimise=flops", "steps=150", "population=15", "seeds=2"]
    code, out, _ = command(*words, "truth=none", "out=one")
    assert code == 0
    assert "accuracy" not in out
    front, log = pd.read_csv("one/front.csv"), pd.read_parquet("one/candidates.parquet")
    assert Path("one/front.png").read_bytes().startswith(b"\x89PNG")
    scored = log[log["status"] == "scored"]
    for _, row in front.iterrows():
        as_good = (scored["sum_log_layer_size"] >= row["sum_log_layer_size"]) & (scored["flops"] <= row["flops"])
        better = (scored["sum_log_layer_size"] > row["sum_log_layer_size"]) | (scored["flops"] < row["flops"])
        assert not (as_good & better).any()
    assert front["network"].is_unique


@pytest.mark.long
def test_a_measured_latency_is_a_budget_and_an_objective(command, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path))
    archs = BENCHMARKS.get("nats_tss").architectures
    latency = np.array([1.0 + len(arch) % 7 for arch in archs])
    latency[::5] = np.nan
    column = TruthColumn("latency", "digits", "latency", "ms", "none", None, "one", False, "made up", "0" * 64)
    write_table(TruthTable(archs, (column,), (latency,)), tmp_path / "truth/nats_tss/made_up.parquet", "made up")
    code, _, err = command("proxy=params_live", "budget.latency=3", "budget.depth=4", "steps=80", "out=one")
    assert code == 0, err
    log = pd.read_parquet("one/candidates.parquet")
    known = dict(zip(archs, latency, strict=True))
    assert log["latency"].tolist() == pytest.approx([known[arch] for arch in log["arch"]], nan_ok=True)
    assert (log["status"] != "infeasible").tolist() == ((log["latency"] <= 3) & (log["depth"] <= 4)).tolist()
    words = ["search=pareto", "proxy=params_live", "minimise=latency", "steps=80", "population=10", "out=two"]
    assert command(*words)[0] == 0
    front = pd.read_csv("two/front.csv")
    assert (-front["minus_latency"]).tolist() == [known[arch] for arch in front["arch"]]


@pytest.mark.long
def test_a_killed_search_ends_as_if_it_had_never_been_stopped(command):
    words = [*ZICO, "store=killed.sqlite"]
    process = subprocess.Popen([sys.executable, "-m", "harness.search", *words, "out=first"], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None and n_stored(Path("killed.sqlite")) < 10:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=PATIENCE)
    before = stored(Path("killed.sqlite"))
    assert not Path("first/search.csv").exists()
    assert command(*words, "out=first")[0] == 0
    after = stored(Path("killed.sqlite"))
    assert 10 <= len(before) < len(after)
    assert before.items() <= after.items()
    assert command(*ZICO, "store=clean.sqlite", "out=clean")[0] == 0
    assert stored(Path("clean.sqlite")) == after
    for name, read in {
        "search.csv": pd.read_csv,
        "curves.csv": pd.read_csv,
        "candidates.parquet": pd.read_parquet,
    }.items():
        first, clean = (read(Path(out, name)).drop(columns=TIMES, errors="ignore") for out in ("first", "clean"))
        pd.testing.assert_frame_equal(first, clean, check_exact=True)
    # Run again it computes nothing, and says the same to the byte, seconds included.
    assert command(*words, "out=again")[0] == 0
    assert stored(Path("killed.sqlite")) == after
    for name in ("search.csv", "summary.csv", "curves.csv", "candidates.parquet", "regret.png"):
        assert Path("first", name).read_bytes() == Path("again", name).read_bytes()


@pytest.mark.long
def test_the_exhaustive_row_of_params_is_the_published_one(command, fetched_home, monkeypatch):
    """ZiCo, arXiv:2301.11300, Table 4."""
    monkeypatch.setenv("HARNESS_DATA", str(fetched_home))
    words = ["search=exhaustive", "proxy=params", "dataset=cifar100", "out=one"]
    code, out, _ = command(*words)
    assert code == 0
    assert pd.read_csv("one/search.csv")["accuracy"].round(1).tolist() == [71.1]
    assert "published, arXiv:2301.11300, Table 4, nats_tss cifar100: ground_truth 73.5, params 71.1" in out
    assert (
        "| arXiv:2301.11300, Table 4 | nats_tss | cifar100 | zico | 71.1 ± 0.3 |" in Path("one/report.md").read_text()
    )


def test_a_random_search_that_meets_no_budget_says_so(command):
    words = ["search=random", "proxy=params", "bench=imagenet_mbv2", "dataset=imagenet", "steps=16", "workers=1"]
    code, out, err = command(*words, "budget.params=1000")
    assert (code, out) == (2, "")
    sentence = err.splitlines()[-1]
    assert sentence.startswith("None of 16 architectures drawn from imagenet_mbv2 meets budget.params=1000: ")
    assert sentence.endswith("Give a larger budget, or start within it: search=evolution start=ARCHITECTURE.")


def test_the_interval_is_students():
    # Mean 3, standard deviation sqrt(2.5); t of 4 degrees of freedom at .975 is 2.776445.
    mean, low, high = mean_and_interval([1.0, 2.0, 3.0, 4.0, 5.0])
    half = 2.776445 * np.sqrt(2.5) / np.sqrt(5)
    assert (mean, low, high) == (3.0, pytest.approx(3 - half), pytest.approx(3 + half))
    assert np.isnan(mean_and_interval([7.0])[1:]).all()


BROKEN = '''"""Fails everywhere."""
from dataclasses import dataclass
from typing import ClassVar
from harness.evidence import Layers
from harness.proxy import PROXIES, Proxy, Sees

@PROXIES.register("{name}")
@dataclass(frozen=True)
class Broken(Proxy):
    """No score."""
    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, layers: Layers) -> float:
        raise RuntimeError("not today")
'''


@pytest.mark.long
def test_a_proxy_that_fails_everywhere_is_one_sentence_and_its_failures_are_kept(command):
    Path("broken.py").write_text(BROKEN.format(name="fails_everywhere"))
    code, out, err = command("proxy=broken.py", "steps=100", "population=10", "store=s.sqlite")
    assert code == 2
    assert out == ""
    assert err.splitlines()[-1] == (
        "search=evolution with seed 0 found nothing: fails_everywhere has no score on any of 32 networks (first "
        "failure: RuntimeError: not today (broken.py, line 15)). The failures are stored; retry=failed scores these "
        "networks again."
    )
    assert "Traceback" not in err
    assert len(stored(Path("s.sqlite"))) == 32


MISTAKES = {
    "unknown searcher": (["search=evolutoin"], "No searcher is called 'evolutoin'. Did you mean 'evolution'? Known: "),
    "unknown setting": (["stepps=3"], "No setting is called 'stepps'. Did you mean 'steps'? Known: "),
    "unknown proxy": (["proxy=zicoo"], "No proxy is called 'zicoo'. Did you mean 'zico'? Known: "),
    "unknown option": (["+options.evolution.mutation=2"], "No option of evolution is called 'mutation'. Did you mean"),
    "option of another": (["+options.aging_evolution.sample=5"], "the requested searchers are evolution."),
    "population of one": (["population=1"], "population=1 is invalid: it must be at least 2"),
    "steps below population": (["steps=10", "population=20"], "steps=10 is smaller than population=20: "),
    "no steps": (["steps=0"], "steps=0 is invalid: it must be at least 1."),
    "steps in words": (["steps=many"], "steps=many is invalid: it must be a whole number."),
    "infeasible budget": (["budget.params=10"], "budget.params=10 cannot be met: the smallest params is 18,"),
    "unknown budget": (["budget.flop=10"], "No count or cost is called 'flop'. Did you mean 'flops'? Known: "),
    "budget of a proxy": (["budget.zico=10"], "zico cannot be a budget or be minimised, because it needs a forward"),
    "budget in words": (["budget.params=few"], "budget.params=few is invalid: it must be a number."),
    "start over budget": (["budget.params=2e4", "start=ALL3X3"], "is over budget.params=20000: its params is "),
    "no such start": (["start=x"], "'x' is not an architecture of nats_tss; an example is "),
    "start of a draw": (["search=random", "start=ALL3X3"], "such as search=evolution; random has none. "),
    "ensemble of one": (["ensemble=rank_sum"], "ensemble=rank_sum combines several proxies, but params is "),
    "learning ensemble": (["proxy=[params,flops]", "ensemble=fitted"], "ensemble=fitted is fitted to"),
    "one objective": (["search=pareto"], "search=pareto needs several objectives, but params"),
    "cost for one score": (["minimise=flops"], "minimise=flops is only for search=pareto; evolution has a single"),
    "unknown truth": (["truth=test200"], "No truth column of nats_tss on digits is called 'test200'. Did you mean"),
    "unknown preset": (["+preset=imagenet_45m"], "No preset is called 'imagenet_45m'. Did you"),
    "a block that does not exist, not in quotes": (
        ["bench=imagenet_mbv2", "dataset=imagenet", "start=SuperConvK3BNRELU(3,8,2,1)SuperFooE6K3(8,32,2,8,1)"],
        "No block of imagenet_mbv2 is called 'SuperFooE6K3'. Did you mean 'SuperResIDWE6K3'?",
    ),
    "truth of a space without": (
        ["bench=imagenet_mbv2", "dataset=imagenet", "truth=test200"],
        "imagenet_mbv2 has no ground truth, because its networks have not been trained. Omit truth=.",
    ),
    "own seed misspelt": (["proxy_seed=mine"], "proxy_seed=mine is invalid: it must be a whole number."),
}  # fmt: skip
LARGEST = "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_and_exit_code_2(mistake, command):
    words, sentence = MISTAKES[mistake]
    words = [word.replace("ALL3X3", f"'{LARGEST}'") for word in words]
    proxy = [] if any(word.startswith("proxy=") for word in words) else ["proxy=params"]
    code, out, err = command(*proxy, *words)
    assert code == 2
    assert sentence in err
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1
    assert out == ""
    assert not Path("results").exists()
