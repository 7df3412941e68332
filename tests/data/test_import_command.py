"""`python -m harness.data import NAME PATH`, and evaluations against what it brought."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmarks.nats_tss import HARDWARE
from harness.data.__main__ import main
from harness.evaluation import evaluate
from harness.inputs import DATA_SETS
from harness.settings import Settings
from harness.space import BENCHMARKS
from harness.truth.imports import TRUTH_IMPORTS
from harness.truth.table import TruthColumn, TruthTable, write_table

FOLDERS = {"nats_tss": "NATS-tss-v1_0-3ffb9-simple", "nats_sss": "NATS-sss-v1_0-50262-simple"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.long
@pytest.mark.parametrize(("name", "n_archs"), [("nats_tss", "15,625"), ("nats_sss", "32,768")])
def test_an_official_folder_becomes_a_table_that_status_and_verify_know(home, official, capsys, name, n_archs):
    assert main(["import", name, str(official / FOLDERS[name])]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{name}: 3 of {n_archs} architectures; the others have no truth in these columns, ")
    assert "100%" in printed.err  # a long import shows how far it is
    path = home / "truth" / name / f"imported-{name}.parquet"
    assert printed.out.rstrip().endswith(str(path))
    assert main(["status"]) == 0
    assert "3 rows" in capsys.readouterr().out
    assert main(["verify"]) == 0
    assert f"whole    {path}: 3 rows" in capsys.readouterr().out
    path.write_bytes(path.read_bytes()[:-1])
    assert main(["verify"]) == 1
    assert f"Run `python -m harness.data import {name} PATH`" in capsys.readouterr().out
    assert main(["status"]) == 0
    assert "damaged" in capsys.readouterr().out


def test_status_lists_what_can_be_imported_with_command_and_page(home, capsys):
    assert main(["status"]) == 0
    printed = capsys.readouterr().out
    for name in ("nats_tss", "nats_sss", "hw_nas_bench"):
        release = TRUTH_IMPORTS.get(name)
        assert f"python -m harness.data import {name} PATH" in printed
        assert f"imported-{name}.parquet" in printed
        assert release.page.partition("://")[2] in printed
    assert "the unpacked folder" in printed
    assert not home.exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["import", "nats_ts", "x"], "No importable release is called 'nats_ts'. Did you mean 'nats_tss'? Known: "),
        (["import", "nats_tss"], "The following arguments are required: PATH."),
        (["import", "nats_tss", "nowhere"], "nowhere is not a folder of files 000000.pickle.pbz2"),
        (["import", "hw_nas_bench", "nowhere"], "nowhere is not a file; PATH is the file HW-NAS-Bench-v1_0.pickle."),
    ],
)
def test_a_mistake_ends_in_one_line_and_exit_code_2(home, capsys, arguments, sentence):
    assert main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.err.startswith(sentence)
    assert printed.err.count("\n") == 1
    assert printed.out == ""


def test_the_other_benchmarks_folder_is_refused(home, official, capsys):
    assert main(["import", "nats_tss", str(official / FOLDERS["nats_sss"])]) == 2
    assert (
        "000000.pickle.pbz2 is not the official file: it has no record '200'. Fetch it again."
        in capsys.readouterr().err
    )
    assert not (home / "truth").exists()


@pytest.mark.long
def test_files_beside_the_numbered_ones_are_left_alone(home, official, tmp_path, capsys):
    folder = Path(shutil.copytree(official / FOLDERS["nats_sss"], tmp_path / "copy"))
    (folder / "000000.pickle.pbz2").rename(folder / "0.pickle.pbz2")  # the package accepts this form too
    (folder / "99999.pickle.pbz2").write_bytes(b"no architecture of this number")
    (folder / "notes.txt").write_text("mine")
    (folder / "meta.pickle.pbz2").unlink()
    assert main(["import", "nats_sss", str(folder)]) == 0
    assert "3 of 32,768 architectures" in capsys.readouterr().out


def test_an_evaluation_against_a_latency_turns_its_sign(home, tmp_path):
    """Of networks whose latency is their number of parameters, the largest is the worst: tau is -1."""
    space, data_set = BENCHMARKS.get("nats_tss"), DATA_SETS.get("cifar10")
    archs = space.architectures
    column = TruthColumn(
        name="edgegpu_latency",
        dataset="cifar10",
        metric="latency",
        unit="ms",
        split="none",
        epochs=None,
        seeds="none",
        higher_is_better=False,
        source="a test",
        sha256="0" * 64,
    )
    values = np.array([float(space.params(arch, data_set)) for arch in archs])
    write_table(TruthTable(archs, (column,), (values,)), HARDWARE.path(home), HARDWARE.origin)
    settings = Settings(
        sample=60, truth="edgegpu_latency", workers=1, store=tmp_path / "scores.sqlite", out=tmp_path / "out"
    )
    (row,) = evaluate("params", "nats_tss", "cifar10", settings).agreement.to_dict("records")
    assert row["truth"] == "edgegpu_latency"
    assert row["tau"] == pytest.approx(-1)
    report = (tmp_path / "out" / "report.md").read_text()
    assert "- truth: edgegpu_latency (latency, ms; lower is better, so tau and rho use its negative)." in report


def test_an_evaluation_names_its_validation_truth_as_such(fetched_home, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA", str(fetched_home))
    settings = Settings(sample=60, workers=1, store=tmp_path / "scores.sqlite", out=tmp_path / "out")
    (row,) = evaluate("params", "nats_sss", "cifar100", settings).agreement.to_dict("records")
    assert row["truth"] == "val90"
    assert row["tau"] > 0.3
    report = (tmp_path / "out" / "report.md").read_text()
    half = "measured on half of the official test images, the other half being the test set"
    assert f"- truth: val90 (validation accuracy after 90 epochs, %; {half})." in report
