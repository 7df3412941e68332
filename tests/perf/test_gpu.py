"""The stages for a machine with a GPU, tried on a CPU: what is compared, and that each keeps what it has finished."""

from dataclasses import replace

import pandas as pd
import pytest

from harness.perf.gpu import correctness as correctness_module
from harness.perf.gpu import speed as speed_module
from harness.perf.gpu.__main__ import STAGES, main
from harness.perf.gpu.cases import Case, Stage, all_cases, running
from harness.perf.gpu.commands import _n_scores, _run
from harness.perf.gpu.correctness import _row, compared, correctness, reference
from harness.perf.gpu.speed import profile, speed
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
    assert {case.bench for case in all_cases()} == set(BENCHMARKS)
    assert "latency" not in running()
    assert {"zico", "gradsign", "az_trainability", "head_confidence"} < set(running())
    assert not {"params", "az_nas"} & set(running())


def test_scores_of_one_device_equal_themselves_and_bfloat16_is_told_apart(stage):
    figures = [one for found in correctness(stage, [DIGITS]) for one in found]
    table = pd.read_csv(stage.out / "correctness.csv").set_index(["compared", "proxy"])
    assert set(table.index.get_level_values("proxy")) == set(NAMES)
    assert table.loc["fp32", "n"].tolist() == [3, 3, 3]
    for same in ("fp32", "together, in one process"):
        assert table.loc[same, "n_differing"].tolist() == [0, 0, 0]
    assert table.loc[("bf16", "zico"), "largest"] > 0
    assert not any(figure.value for figure in figures if figure.name == "defined on one side alone")


def test_what_is_finished_is_not_scored_again(stage, monkeypatch):
    list(correctness(stage, [DIGITS]))
    before = compared([DIGITS], stage)
    assert len(before) == 9
    monkeypatch.setattr(engine, "score_subject", lambda *_: pytest.fail("scored again"))
    list(correctness(stage, [DIGITS]))
    pd.testing.assert_frame_equal(compared([DIGITS], stage), before)


def test_differences_are_relative_and_other_statuses_are_counted():
    here = [Score("a", {"x": 1.0}, OK, "", 0), Score("b", {"x": -2.0}, OK, "", 0), Score("c", {"x": 4.0}, OK, "", 0)]
    there = [Score("a", {"x": 1.0}, OK, "", 0), Score("b", {"x": -1.5}, OK, "", 0), Score("c", {}, FAILED, "", 0)]
    assert _row(here, there) | {"tau": None} == {
        "n": 3, "n_other_status": 1, "n_differing": 1, "largest": 0.25, "median": 0.125, "tau": None,
    }  # fmt: skip
    assert _row(here, [None, None, None])["n"] == 0


def test_the_cpus_part_may_be_made_elsewhere(stage, monkeypatch):
    list(reference(stage, [DIGITS]))
    assert not stage.store("device").exists()
    with ScoreStore(stage.store("cpu"), read_only=True) as store:
        assert sorted(len(store.find(key)) for key in store.score_keys()) == [3, 3, 3]


def test_a_case_that_cannot_be_scored_is_left_out_and_named(stage, capsys):
    list(correctness(stage, [Case("nats_tss", "no such data"), DIGITS]))
    assert "nats_tss no such data is left out" in capsys.readouterr().err
    assert len(pd.read_csv(stage.out / "correctness.csv"))


def test_speed_and_profile_measure_what_they_name(stage):
    tiny = Protocol(batch_size=2)
    *_, last = speed(stage, tiny)
    assert [one.name for one in last][:2] == ["1 worker: zico", "1 worker: all 5,425 networks, projected"]
    assert last[1].value == pytest.approx(5_425 / last[0].value)
    assert last[-1].name == "fastest over the plain loop"
    (found,) = profile(stage, tiny)
    assert all(one.value >= 0 for one in found)
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


def test_commands_keep_their_store_and_are_ended_in_time(stage):
    words = ["proxy=zico", "protocol.batch_size=2", "inputs=noise", "sample=all"]
    elapsed, code = _run("harness", words, stage, "some", 12)
    assert code != 0
    assert elapsed < 60
    n = _n_scores(stage.store("some"))
    assert n > 0
    with ScoreStore(stage.store("some")) as store:  # whole, and in use by nobody
        assert sum(len(store.find(key)) for key in store.score_keys()) >= n


def test_a_device_that_is_not_here_is_told_in_a_sentence(tmp_path, capsys):
    assert main(["speed", "--device", "cuda:9", "--out", str(tmp_path)]) == 2
    assert "device=cuda:9 is not available" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_no_stage_begins_after_its_time(tmp_path, capsys):
    assert main([*STAGES, "--device", "cpu", "--out", str(tmp_path), "--seconds", "0"]) == 0
    assert capsys.readouterr().out.count("was not begun") == len(STAGES)
