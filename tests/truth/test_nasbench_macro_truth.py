"""NAS-Bench-Macro's truth: equal to the joined table, copies with identical values, and files that are refused."""

import json
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmarks.nasbench_macro import MACRO
from harness.agreement import of_seeds
from harness.errors import CorruptDataError
from harness.evaluation import analysis
from harness.evaluation.evaluation_set import default_truth, open_evaluation_set
from harness.inputs import DATA_SETS
from harness.settings import Settings
from harness.space import BENCHMARKS
from harness.truth import Truth
from harness.truth.sources import fetch

SPACE, CIFAR10 = BENCHMARKS.get("nasbench_macro"), DATA_SETS.get("cifar10")


@pytest.fixture(scope="module")
def home(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("macro-home")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HARNESS_MIRROR", str(mirror))
        assert fetch(MACRO, folder)
    return folder


@pytest.fixture(scope="module")
def truth(home: Path) -> Truth:
    return Truth.open("nasbench_macro", home)


def test_every_value_equals_the_joined_table(truth, truth_oracle):
    with np.load(truth_oracle / "nasbench_macro.npz", allow_pickle=False) as oracle:
        archs = [arch.decode() for arch in oracle["arch"]]
        values = truth.values(archs, "cifar10", "test50")
        np.testing.assert_allclose(values, oracle["test50_mean"], rtol=0, atol=6e-5)
        for seed in range(3):
            single = truth.values(archs, "cifar10", f"test50_seed{seed}")
            np.testing.assert_allclose(single, oracle["test50_seeds"][:, seed], rtol=0, atol=6e-5)
    assert truth.n_known("cifar10", "test50") == 6_561


def test_the_column_says_that_the_epoch_was_chosen_on_test_images(truth):
    column = truth.column("cifar10", default_truth(truth, SPACE, CIFAR10))
    assert (column.name, column.split, column.epochs) == ("test50", "test", 50)
    assert "chosen on the test images" in column.note


def test_architectures_of_one_network_share_one_training(truth):
    forms = SPACE.canonical_forms(SPACE.architectures)
    for column in ("test50", "test50_seed0"):
        values = truth.values(SPACE.architectures, "cifar10", column)
        assert np.array_equal(values, truth.values(forms, "cifar10", column))


def test_counting_is_weak_and_depth_is_not(truth):
    """Published nowhere: tau and rho of the counts over all rows, from the joined table's facts."""
    values = truth.values(SPACE.architectures, "cifar10", "test50")
    table = SPACE.layer_table(SPACE.architectures, CIFAR10)
    params = (table.n_params * table.repeats).sum(axis=1)
    assert float(stats.kendalltau(params, values).statistic) == pytest.approx(0.218, abs=6e-4)
    assert float(stats.spearmanr(params, values).statistic) == pytest.approx(0.318, abs=6e-4)
    blocks = [8 - arch.count("0") for arch in SPACE.architectures]
    assert float(stats.kendalltau(blocks, values).statistic) == pytest.approx(0.693, abs=6e-4)
    assert float(stats.spearmanr(blocks, values).statistic) == pytest.approx(0.832, abs=6e-4)


def test_reliability_comes_from_the_three_seeds_alone(home, truth, monkeypatch):
    seeds = {
        f"test50_seed{seed}": truth.values(SPACE.architectures, "cifar10", f"test50_seed{seed}") for seed in range(3)
    }
    (expected,) = of_seeds(seeds)
    monkeypatch.setenv("HARNESS_DATA", str(home))
    evaluated = open_evaluation_set(SPACE, CIFAR10, Settings(sample="all", population="canonical"), None)
    (found,) = analysis.reliability(evaluated)
    assert (found.between, found.n) == (expected.between, 3_969) == ("seeds", 3_969)
    assert found.tau == pytest.approx(0.879, abs=2e-3)  # .878 to .880 between single seeds


def test_the_truth_opens_in_half_a_second(home):
    began = time.perf_counter()
    Truth.open("nasbench_macro", home).values(SPACE.architectures, "cifar10", "test50")
    assert time.perf_counter() - began < 0.5


def altered(mirror: Path, folder: Path, change) -> list[Path]:
    (file,) = MACRO.files
    path = folder / Path(file.key).name
    table = json.loads((mirror / file.key).read_bytes())
    path.write_text(change(table))
    return [path]


def _without_one(table):
    del table["00000000"]
    return json.dumps(table)


def _with(accuracies):
    def change(table):
        table["02012100"]["test_acc"] = accuracies
        return json.dumps(table)

    return change


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda table: json.dumps(table)[:1000], "is not valid JSON"),
        (lambda table: json.dumps([table]), "does not list the 6,561 architectures of nasbench_macro"),
        (_without_one, "does not list the 6,561 architectures of nasbench_macro"),
        (_with([90.0, 91.0]), "does not give 3 accuracies between 0 and 100 for architecture 02012100"),
        (_with([90.0, 91.0, 910.0]), "does not give 3 accuracies between 0 and 100 for architecture 02012100"),
        (_with(["90", 91.0, 92.0]), "does not give 3 accuracies between 0 and 100 for architecture 02012100"),
        (_with([90.0, 91.0, float("nan")]), "does not give 3 accuracies between 0 and 100 for architecture 02012100"),
    ],
)
def test_truncated_and_altered_files_are_refused(mirror, tmp_path, change, sentence):
    with pytest.raises(CorruptDataError, match=rf"nas-bench-macro_cifar10\.json {sentence}"):
        MACRO.convert(altered(mirror, tmp_path, change))
