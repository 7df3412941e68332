"""The stages for a machine with a GPU, tried on a CPU: what is compared, and that each keeps what it has finished."""

import math
import sqlite3
import subprocess
import time
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from harness.errors import HarnessError
from harness.perf.figure import Figure
from harness.perf.gpu import correctness as correctness_module
from harness.perf.gpu import speed as speed_module
from harness.perf.gpu.cases import Case, Stage, all_cases, running
from harness.perf.gpu.commands import _run, n_scores
from harness.perf.gpu.comparing import compared, row_of, table_of
from harness.perf.gpu.correctness import correctness, reference
from harness.perf.gpu.speed import profile, speed
from harness.perf.gpu.stages import STAGES, main
from harness.protocol import Protocol
from harness.scoring import engine
from harness.space import BENCHMARKS
from harness.store import FAILED, OK, Score, ScoreStore

DIGITS = Case("nats_tss", "digits")
NAMES = ("zico", "naswot", "synflow")


@pytest.fixture
def stage(tmp_path, monkeypatch):
    monkeypatch.setattr(correctness_module, "running", lambda: list(NAMES))
    monkeypatch.setattr(speed_module, "_MEASURED_S", 0.01)
    monkeypatch.setattr(speed_module, "_PLAIN", 1)
    return Stage("cpu", tmp_path, n_networks=3, workers=(1, 2))


def test_every_space_and_every_proxy_that_repeats_is_compared():
    names = [case.bench for case in all_cases()]
    assert set(names) == set(BENCHMARKS)
    assert names.index("nats_tss") < names.index("transnas_micro")  # small inputs first
    assert "latency" not in running()
    assert {"zico", "gradsign", "az_trainability", "head_confidence"} < set(running())
    assert not {"params", "az_nas"} & set(running())


def test_scores_of_one_device_equal_themselves_and_bfloat16_is_told_apart(stage):
    figures = [one for found in correctness(stage, [DIGITS]) for one in found]
    table = pd.read_csv(stage.out / "by_proxy.csv").set_index(["compared", "proxy"])
    assert set(table.index.get_level_values("proxy")) == set(NAMES)
    assert table.loc["fp32", "n"].tolist() == [3, 3, 3]
    for same in ("fp32", "together, in one process"):
        assert table.loc[same, "n_differing"].tolist() == [0, 0, 0]
    assert table.loc[("bf16", "zico"), "largest"] > 0
    assert not any(figure.value for figure in figures if figure.name == "defined on one side alone")


def test_what_is_finished_is_not_scored_again(stage, monkeypatch):
    list(correctness(stage, [DIGITS]))
    before = table_of(compared(DIGITS, stage))
    assert len(before) == 9
    monkeypatch.setattr(engine, "score_subject", lambda *_: pytest.fail("scored again"))
    list(correctness(stage, [DIGITS]))
    pd.testing.assert_frame_equal(table_of(compared(DIGITS, stage)), before)


def test_differences_are_relative_and_other_statuses_are_counted():
    here = [Score("a", {"x": 1.0}, OK, "", 0), Score("b", {"x": -2.0}, OK, "", 0), Score("c", {"x": 4.0}, OK, "", 0)]
    there = [Score("a", {"x": 1.0}, OK, "", 0), Score("b", {"x": -1.5}, OK, "", 0), Score("c", {}, FAILED, "", 0)]
    assert row_of(here, there) | {"tau": None} == {
        "n": 3, "n_other_status": 1, "n_failed": 1, "n_differing": 1, "largest": 0.25, "median": 0.125, "tau": None,
    }  # fmt: skip
    assert row_of(here, [None, None, None])["n"] == 0
    failed = [Score("a", {}, FAILED, "", 0)]
    assert row_of(failed, failed) | {"tau": None, "median": None} == {
        "n": 1, "n_other_status": 0, "n_failed": 1, "n_differing": 0, "largest": 0.0, "median": None, "tau": None,
    }  # fmt: skip
    other = [Score("a", {"y": 1.0}, OK, "", 0)]
    assert row_of(here[:1], other)["largest"] == math.inf


def test_the_cpus_part_may_be_made_elsewhere(stage, monkeypatch):
    list(reference(stage, [DIGITS]))
    assert not stage.store("device").exists()
    with ScoreStore(stage.store("cpu"), read_only=True) as store:
        assert sorted(len(store.find(key)) for key in store.score_keys()) == [3, 3, 3]


def test_without_the_cpus_part_the_device_is_scored_and_nothing_is_left_out(stage, capsys):
    *_, last = correctness(replace(stage, is_brought=True), [DIGITS])
    assert not stage.store("cpu").exists()
    assert {one.name: one.value for one in last}["spaces and tasks left out"] == 0
    assert set(pd.read_csv(stage.out / "by_proxy.csv")["compared"]) == {"together, in one process"}


def test_a_case_that_cannot_be_scored_is_left_out_and_named(stage, capsys):
    list(correctness(stage, [Case("nats_tss", "no such data"), DIGITS]))
    assert "nats_tss no such data is left out" in capsys.readouterr().err
    assert len(pd.read_csv(stage.out / "by_proxy.csv"))


def test_speed_and_profile_measure_what_they_name(stage):
    tiny = Protocol(batch_size=2)
    *_, last = speed(stage, tiny)
    assert [one.name for one in last][:2] == ["1 worker: zico", "1 worker: all 5,425 networks, projected"]
    assert last[1].value == pytest.approx(5_425 / last[0].value)
    assert last[-1].name == "fastest over the plain loop"
    (found,) = profile(stage, tiny)
    assert all(one.value > 0 for one in found[:3])
    assert "convolution" in (stage.out / "profile.txt").read_text()


AUTHORS = """
import torch

def getzico(network, trainloader, lossfunc):
    if WORKS:
        return 1.0
    raise ValueError("no such luck")
"""


@pytest.mark.parametrize("works", [True, False])
def test_somebodys_function_is_timed_where_it_works(works, stage, tmp_path, capsys):
    file = tmp_path / "theirs.py"
    file.write_text(AUTHORS.replace("WORKS", str(works)))
    stage = replace(stage, workers=(1,), authors=f"{file}:getzico")
    *_, last = speed(stage, Protocol(batch_size=2))
    found = {one.name: one.value for one in last}
    assert (found["the authors' code, one process"] > 0) is works
    assert ("fastest over the authors' code" in found) is works
    assert ("no such luck" in capsys.readouterr().err) is not works


def test_commands_keep_their_store_and_are_ended_in_time(stage, monkeypatch):
    words = ["proxy=zico", "protocol.batch_size=2", "inputs=noise", "sample=all"]
    wait, store = subprocess.Popen.wait, stage.store("some")

    def until_something_is_scored(run: "subprocess.Popen[bytes]", timeout: float | None = None) -> int:
        if timeout is None:
            return wait(run)
        while run.poll() is None and not _n_rows(store):
            time.sleep(0.2)
        raise subprocess.TimeoutExpired(run.args, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", until_something_is_scored)
    done = _run("harness", words, stage, "some", 1)
    assert done.how == "a part"
    assert 0 < done.n_new < 5_425
    assert n_scores(store) == done.n_new  # whole, and in use by nobody


def test_a_command_that_fails_is_no_measurement(stage):
    done = _run("harness", ["proxy=no_such_proxy"], stage, "none", 60)
    assert done.how == "failed with exit code 2"
    assert done.n_new == 0


def _n_rows(store: Path) -> int:
    """Rows of a store that another process writes."""
    if not store.exists():
        return 0
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection, suppress(sqlite3.OperationalError):
        return int(connection.execute("SELECT count(*) FROM scores").fetchone()[0])
    return 0


def test_a_device_that_is_not_here_is_told_in_a_sentence(tmp_path, capsys):
    assert main(["speed", "--device", "cuda:9", "--out", str(tmp_path)]) == 2
    assert "device=cuda:9 is not available" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_a_table_of_each_stage_and_one_of_proxies(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(correctness_module, "running", lambda: list(NAMES))
    monkeypatch.setattr(correctness_module, "all_cases", lambda: [DIGITS])
    words = ["correctness", "--device", "cpu", "--networks", "2", "--workers", "1", "--out", str(tmp_path)]
    assert main(words) == 0
    assert "correctness, fp32: scores compared: 6 scores" in capsys.readouterr().out
    assert "measurement" in pd.read_csv(tmp_path / "correctness.csv")
    assert set(pd.read_csv(tmp_path / "by_proxy.csv")["proxy"]) == set(NAMES)
    assert "a trial on cpu" in (tmp_path / "correctness.md").read_text()


def test_a_stage_begins_nothing_after_its_time(stage):
    late = replace(stage, until=time.monotonic() - 1)
    assert list(correctness(late, [DIGITS])) == []
    assert not late.store("cpu").exists()


def test_a_stage_that_ends_in_a_mistake_does_not_end_the_others(tmp_path, monkeypatch, capsys):
    def fails(stage: Stage) -> None:
        raise HarnessError("no such luck")

    monkeypatch.setitem(STAGES, "speed", fails)
    monkeypatch.setitem(STAGES, "profile", lambda stage: iter([[Figure("profile", "x", 1.0, "s")]]))
    assert main(["speed", "profile", "--device", "cpu", "--out", str(tmp_path)]) == 1
    found = capsys.readouterr()
    assert "speed: no such luck" in found.err
    assert "profile: x: 1" in found.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["sped"], "Did you mean 'speed'?"),
        (["--networks", "-1"], "--networks and --workers must be 1 or more"),
        (["--workers", "1", "0"], "--networks and --workers must be 1 or more"),
    ],
)
def test_mistakes_are_told_before_anything_is_measured(words, told, capsys):
    with pytest.raises(SystemExit):
        main([*words, "--device", "cpu"])
    assert told in capsys.readouterr().err
