"""Rows of a published table that are fitted to accuracies: taken from runs of `nas-harness predict` about the same."""

import json
from pathlib import Path

import pandas as pd
import pytest

from harness.errors import CorruptDataError, OptionError
from harness.paths import DATA_VARIABLE
from harness.tables import read_spec
from harness.tables.__main__ import main
from harness.tables.cells import table_cells
from harness.tables.fitted import Fitted
from harness.tables.scores import ScoreSources

ROOT = Path(__file__).parent.parent.parent
SAME = {"bench": ["nats_tss"], "dataset": ["cifar10"], "population": "reachable", "truth": None, "sample": None}


def run(folder: Path, name: str, tau: float, **config: object) -> None:
    """A run of `nas-harness predict` as it lies in a folder."""
    own = folder / name
    own.mkdir(parents=True)
    (own / "run.json").write_text(json.dumps({"config": SAME | config}))
    row = {"n": 1024, "predictor": "random_forest", "features": "graf", "draws": 3}
    summary = pd.DataFrame([row | {"n": 32, "tau": 0.1}, row | {"tau": tau, "rho": 0.9, "tau_networks": 0.8}])
    summary.to_csv(own / "summary.csv", index=False)
    pd.DataFrame([row | {"n_predicted": 100}, row | {"n_predicted": 103}]).to_csv(own / "predictor.csv", index=False)


@pytest.fixture
def row(fetched_home: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """The cells of graf on CIFAR-10 by coefficient, from predictions in an empty folder."""
    monkeypatch.setenv(DATA_VARIABLE, str(fetched_home))

    def found() -> dict[str, object]:
        cells = table_cells(read_spec("vkdnw_table1"), ScoreSources(tmp_path / "none", None, tmp_path))
        own = (cell for cell in cells if (cell.dataset, cell.published_proxy) == ("cifar10", "graf"))
        return {cell.coefficient: cell for cell in own}

    return found


def test_a_fitted_row_is_that_of_the_run_about_the_same(row, tmp_path):
    run(tmp_path, "a_other_population", 0.2, population="all")
    run(tmp_path, "b_other_truth", 0.3, truth="val200")
    run(tmp_path, "c_other_data", 0.4, dataset=["cifar100"])
    run(tmp_path, "c_sample", 0.5, sample=500)
    run(tmp_path, "c_restricted", 0.6, restrict="space.yaml")
    run(tmp_path, "d", 0.75)
    cells = row()
    assert (cells["tau"].ours, cells["rho"].ours) == (0.75, 0.9)
    assert cells["tau"].difference == pytest.approx(0.75 - 0.82)
    assert cells["tau"].networks == 0.8
    assert (cells["tau"].n, cells["tau"].n_population) == (102, 9_445)
    assert (cells["tau"].protocol, cells["tau"].inputs) == ("1,024 accuracies", "mean of 3 draws")
    assert cells["tau"].inside == ""  # no interval about unseen architectures
    assert cells["ndcg"].missing == "ndcg of fitted rows is not computed"


def test_the_truth_may_be_named(row, tmp_path):
    run(tmp_path, "named", 0.5, truth="test200")
    assert row()["tau"].ours == 0.5


def test_without_a_run_the_command_is_told(row, tmp_path):
    assert row()["tau"].missing == (
        "nas-harness predict bench=nats_tss dataset=cifar10 truth=test200 population=reachable sample=all n=1024 "
        f"models=random_forest:graf out={tmp_path}/NAME"
    )


@pytest.mark.parametrize("name", ["run.json", "summary.csv", "predictor.csv"])
def test_a_run_that_cannot_be_read_is_named(row, tmp_path, name):
    run(tmp_path, "broken", 0.5)
    (tmp_path / "broken" / name).write_text("{}")
    with pytest.raises(CorruptDataError, match=r"broken is no run of nas-harness predict: KeyError in its files\.$"):
        row()


@pytest.mark.parametrize("word", ["random_forest:graf", "@32", "ridge:graf@many"])
def test_a_word_that_is_no_model_and_number_is_refused(word):
    with pytest.raises(OptionError, match="it must be MODEL@N"):
        Fitted.read(word)


def test_the_committed_predictions_are_those_of_the_table(fetched_home, monkeypatch, tmp_path):
    monkeypatch.setenv(DATA_VARIABLE, str(fetched_home))
    predictions = ROOT / "results" / "prediction"
    words = ["table=vkdnw_table1", f"scores={tmp_path}", f"predictions={predictions}", f"out={tmp_path / 'out'}"]
    assert main(words) == 0
    table = pd.read_csv(tmp_path / "out" / "vkdnw_table1.csv")
    own = table.query("published_proxy == 'graf' and dataset == 'cifar10' and coefficient == 'tau'")
    summary = pd.read_csv(predictions / "nats_tss" / "summary.csv")
    one = summary.query("predictor == 'random_forest' and features == 'graf' and n == 1024")
    assert own["ours"].item() == pytest.approx(one["tau"].item(), abs=1e-12)
