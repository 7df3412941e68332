"""The default column: stated in conf/benchmarks, and of several the first that is here for every architecture."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from harness.errors import HarnessError, MissingDataError
from harness.evaluation.evaluation_set import default_truth, open_evaluation_set
from harness.inputs import DATA_SETS
from harness.settings import Settings
from harness.space import BENCHMARKS
from harness.truth import Truth
from harness.truth.imports import TRUTH_IMPORTS, imports_of
from harness.truth.sources import sources_of
from harness.truth.table import TruthColumn, TruthTable, write_table

SPACE, CIFAR10 = BENCHMARKS.get("nats_sss"), DATA_SETS.get("cifar10")
N_SPACE = 32_768


def write(path: Path, name: str, n_archs: int) -> None:
    column = TruthColumn(
        name=name,
        dataset="cifar10",
        metric="accuracy",
        unit="%",
        split="validation" if name == "val90" else "test",
        epochs=90,
        seeds="seed 777",
        higher_is_better=True,
        source="a test",
        sha256="0" * 64,
    )
    write_table(TruthTable(SPACE.architectures[:n_archs], (column,), (np.arange(float(n_archs)),)), path, "")


def chosen(home: Path) -> str:
    return default_truth(Truth.open("nats_sss", home), SPACE, CIFAR10)


@pytest.mark.parametrize(
    ("n_val", "n_test", "expected"),
    [
        (N_SPACE, 0, "val90"),
        (N_SPACE, 3, "val90"),  # a partial import does not become the default ...
        (N_SPACE, N_SPACE, "test90"),  # ... a whole one does
        (0, 3, "test90"),  # unless there is nothing else
        (3, 7, "test90"),
        (7, 3, "val90"),
    ],
)
def test_test_accuracy_once_it_is_whole_and_validation_accuracy_until_then(tmp_path, n_val, n_test, expected):
    if n_val:
        write(tmp_path / "truth" / "nats_sss" / "lighton.parquet", "val90", n_val)
    if n_test:
        write(TRUTH_IMPORTS.get("nats_sss").path(tmp_path), "test90", n_test)
    assert chosen(tmp_path) == expected


def test_with_none_of_them_here_the_one_to_fetch_is_asked_for(tmp_path):
    write(tmp_path / "truth" / "nats_sss" / "other.parquet", "other", 3)
    assert chosen(tmp_path) == "val90"
    truth = Truth.open("nats_sss", tmp_path)
    with pytest.raises(MissingDataError, match=r"Run `python -m harness\.data fetch nats_sss`"):
        truth.column("cifar100", default_truth(truth, SPACE, DATA_SETS.get("cifar100")))


def test_a_single_name_is_taken_as_it_is_and_a_missing_one_is_named(tmp_path):
    tss = BENCHMARKS.get("nats_tss")
    truth = Truth("nats_tss", [])
    assert default_truth(truth, tss, CIFAR10) == "test200"
    with pytest.raises(HarnessError, match=r"No default truth column of nats_sss on digits is defined in .*; give "):
        default_truth(Truth("nats_sss", []), SPACE, DATA_SETS.get("digits"))


def test_every_data_set_of_every_benchmark_has_a_default():
    for bench in BENCHMARKS:
        space = BENCHMARKS.get(bench)
        if not (sources_of(bench) or imports_of(bench)):
            continue  # no ground truth at all
        for data_set in space.data_sets:
            assert default_truth(Truth(bench, []), space, DATA_SETS.get(data_set)), (bench, data_set)


def test_a_space_states_its_own_default_and_a_file_replaces_it(tmp_path, monkeypatch):
    macro = BENCHMARKS.get("nasbench_macro")
    truth = Truth("nasbench_macro", [])
    assert default_truth(truth, macro, CIFAR10) == "test50"
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "nasbench_macro.yaml").write_text("truth:\n  cifar10: test50_seed1\n")
    monkeypatch.setattr("harness.evaluation.evaluation_set.conf_folder", lambda: tmp_path)
    assert default_truth(truth, macro, CIFAR10) == "test50_seed1"


def test_a_space_of_a_package_declares_a_file_beside_its_own(tmp_path, monkeypatch):
    (tmp_path / "plugged.py").write_text(
        "from benchmarks.nats_sss.space import NatsSss\n\n"
        "class Plugged(NatsSss):\n    default_truth = {'cifar10': 'mine.csv:acc'}\n"
    )
    (tmp_path / "mine.csv").write_text(f"arch,acc\n{SPACE.architectures[5]},71\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    plugged = importlib.import_module("plugged").Plugged()
    evaluated = open_evaluation_set(plugged, CIFAR10, Settings(), None)
    assert (evaluated.truth.name, evaluated.archs, evaluated.values.tolist()) == (
        "mine.csv:acc",
        (SPACE.architectures[5],),
        [71.0],
    )
