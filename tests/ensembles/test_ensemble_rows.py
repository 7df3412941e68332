"""`ensemble=` from end to end: rows, columns and notes of ensembles over the proxies of a run."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness import Settings, evaluate
from harness.__main__ import main
from harness.result_tables import read_agreement
from harness.space import BENCHMARKS

COUNTS = "proxy=[params,sum_log_layer_size]"


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Runs the command in an empty folder; returns standard output."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> str:
        monkeypatch.setattr(sys, "argv", ["harness", *words])
        assert main() == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return run


def test_ensembles_are_rows_columns_and_notes(command):
    out = command(COUNTS, "ensemble=[rank_sum,log_rank_sum,fitted]", "sample=80", "out=one")
    rows = read_agreement(Path("one/agreement.csv")).set_index("proxy")
    assert list(rows.index) == ["params", "sum_log_layer_size", "rank_sum", "log_rank_sum", "fitted"]
    assert rows["components"].tolist() == ["", "", *["params+sum_log_layer_size"] * 3]
    scores = pd.read_parquet("one/scores.parquet")
    assert list(scores.columns)[3:] == list(rows.index)
    ranks = scores["params"].rank() + scores["sum_log_layer_size"].rank()
    assert scores["rank_sum"].tolist() == ranks.tolist()
    assert scores["fitted"].notna().all()
    note = "+ ensemble: rank_sum, log_rank_sum, fitted over params, sum_log_layer_size"
    assert note in out
    assert "+ fitted uses the ground truth of the sample's other networks" in out
    report = Path("one/report.md").read_text()
    assert "rank_sum+" in report
    assert "`+` ensemble: rank_sum, log_rank_sum, fitted over params, sum_log_layer_size" in report


@pytest.mark.long
def test_what_lacks_a_component_is_left_out_and_counted(command):
    archs = list(BENCHMARKS.get("nats_tss").architectures[:20])
    mine = pd.DataFrame({"arch": archs, "mine": np.arange(20.0), "empty": np.nan})
    mine.loc[:2, "mine"] = np.nan
    mine.to_csv("mine.csv", index=False)
    command("scores=mine.csv", "proxy=params", "ensemble=[rank_sum,fitted]", "+options.fitted.n_folds=3", "out=one")
    rows = read_agreement(Path("one/agreement.csv")).set_index("proxy")
    assert rows.loc["rank_sum", ["n", "n_nan"]].tolist() == [17, 3]
    # A proxy without any score here has no part in it.
    assert rows.loc["rank_sum", "components"] == "mine+params"
    assert rows.loc["fitted", "options"] == "n_folds=3"
    assert "`rank_sum` on nats_tss / digits: n_nan 3" in Path("one/report.md").read_text()
    assert "no score of mine" in Path("one/report.md").read_text()


def test_a_sample_too_small_to_learn_from_is_undefined_and_the_others_go_on(command):
    command(COUNTS, "ensemble=all", "sample=4", "out=one")
    rows = read_agreement(Path("one/agreement.csv")).set_index("proxy")
    assert rows["n"].to_dict() == {"params": 4, "sum_log_layer_size": 4, "fitted": 0, "log_rank_sum": 4, "rank_sum": 4}
    assert "undefined: 4 different networks cannot be dealt into 5 folds" in Path("one/report.md").read_text()


@pytest.mark.long
def test_each_seed_has_its_ensemble_and_python_says_the_same(command):
    words = ["proxy=[naswot,params]", "ensemble=rank_sum", "sample=10", "seeds=2", "protocol.batch_size=8"]
    command(*words, "workers=1", "inputs=noise", "out=one")
    rows = read_agreement(Path("one/agreement.csv"))
    ensembles = rows[rows["proxy"] == "rank_sum"]
    assert ensembles["seed"].tolist() == ["0", "1"]
    assert (ensembles["inputs"] == "noise").all()
    scores = pd.read_parquet("one/scores.parquet")
    assert scores["rank_sum#1"].tolist() == (scores["naswot#1"].rank() + scores["params"].rank()).tolist()
    again = evaluate(["params", "flops"], settings=Settings(sample=10), ensemble="rank_sum")
    assert again.agreement["proxy"].tolist() == ["params", "flops", "rank_sum"]
