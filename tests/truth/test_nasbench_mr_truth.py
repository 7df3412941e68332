"""NAS-Bench-MR's truth: equal to the joined table, of the sign that the counts have there, refused files."""

import pickle
import time
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from benchmarks.nasbench_mr import NCP
from benchmarks.nasbench_mr.structure import read, structure
from harness.errors import CorruptDataError, OptionError
from harness.evaluation.evaluation_set import default_truth
from harness.evaluation.pairs import pairs
from harness.files import safe_pickle
from harness.inputs import DATA_SETS
from harness.settings import Settings
from harness.space import BENCHMARKS
from harness.truth import Truth
from harness.truth.sources import fetch

pytestmark = pytest.mark.long  # imports of files that rarely change

SPACE = BENCHMARKS.get("nasbench_mr")


@pytest.fixture(scope="module")
def home(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mr-home")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HARNESS_MIRROR", str(mirror))
        assert fetch(NCP, folder)
    return folder


@pytest.fixture(scope="module")
def truth(home: Path) -> Truth:
    return Truth.open("nasbench_mr", home)


def test_every_value_of_every_setting_equals_the_joined_table(truth, truth_oracle):
    with np.load(truth_oracle / "nasbench_mr.npz", allow_pickle=False) as oracle:
        archs = [arch.decode() for arch in oracle["arch"]]
        columns = [name for name in oracle if "__" in name]
        assert len(columns) == 18
        for name in columns:
            setting, metric = name.split("__")
            found = truth.values(archs, setting, f"val_{metric}")
            assert (np.abs(found - oracle[name]) < 6e-5).sum() == 2_507


def test_segmentation_is_judged_by_miou_and_the_rest_by_accuracy(truth):
    chosen = {name: default_truth(truth, SPACE, DATA_SETS.get(name)) for name in SPACE.data_sets}
    assert {name for name, column in chosen.items() if column == "val_mIoU"} == {"seg", "seg_4x"}
    assert {column for name, column in chosen.items() if not name.startswith("seg")} == {"val_top1"}
    assert all(column.higher_is_better for name in SPACE.data_sets for column in truth.columns(name))


@pytest.mark.parametrize(
    ("setting", "tau", "rho"),
    [("cls_50_1000", 0.177, 0.279), ("cls_50_100", -0.451, -0.584), ("seg", 0.216, 0.328), ("video", -0.345, -0.463)],
)
def test_the_number_of_modules_has_another_sign_on_other_settings(truth, setting, tau, rho):
    """Facts of the joined table: tau and rho of the number of modules over all 2,507 rows."""
    values = truth.values(SPACE.architectures, setting, default_truth(truth, SPACE, DATA_SETS.get(setting)))
    modules = [sum(stage.repeat for stage in structure(read(arch)).stages) for arch in SPACE.architectures]
    assert float(stats.kendalltau(modules, values).statistic) == pytest.approx(tau, abs=6e-4)
    assert float(stats.spearmanr(modules, values).statistic) == pytest.approx(rho, abs=6e-4)


def test_a_task_that_the_space_lacks_is_said_with_those_that_it_has():
    with pytest.raises(OptionError, match=r"nasbench_mr has no data set 'cifar10'; it has cls_50_1000, cls_50_100, "):
        pairs(["nasbench_mr"], ["cifar10"], Settings())


def test_the_truth_opens_in_half_a_second(home):
    archs = SPACE.architectures
    began = time.perf_counter()
    Truth.open("nasbench_mr", home).values(archs, "seg", "val_mIoU")
    assert time.perf_counter() - began < 0.5


def test_the_licence_says_for_whom_it_is():
    assert "academic use" in NCP.licence


@pytest.fixture
def paths(mirror: Path, tmp_path: Path) -> list[Path]:
    found = []
    for file in NCP.files:
        path = tmp_path / Path(file.key).parent.name / "trainval.pkl"
        path.parent.mkdir()
        path.write_bytes((mirror / file.key).read_bytes())
        found.append(path)
    return found


def _dropped(rows):
    return rows[1:]


def _swapped(rows):
    return [rows[1], rows[0], *rows[2:]]


def _beyond(rows):
    rows[5]["top1"] = 840.0
    return rows


def _unstated(rows):
    del rows[5]["top5"]
    return rows


def _short(rows):
    rows[5]["embedding"] = rows[5]["embedding"][:20]
    return rows


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (_dropped, "does not list the 2,507 architectures of nasbench_mr in order"),
        (_swapped, "does not list the 2,507 architectures of nasbench_mr in order"),
        (_beyond, "gives no top1 between 0 and 100 for architecture 16_16-1_1_1_16-4_2_4_3_32_16"),
        (_unstated, "gives no top5 between 0 and 100 for architecture"),
        (_short, r"is not a list of architectures with results \(IndexError\)"),
        (lambda rows: {"rows": 1}, r"is not a list of architectures with results \(TypeError\)"),
    ],
)
def test_altered_files_are_refused(paths, change, sentence):
    paths[0].write_bytes(pickle.dumps(change(safe_pickle.load(paths[0]))))
    with pytest.raises(CorruptDataError, match=sentence):
        NCP.convert(paths)


def test_a_truncated_file_is_refused(paths):
    paths[0].write_bytes(paths[0].read_bytes()[:1000])
    with pytest.raises(CorruptDataError, match=r"trainval\.pkl is not a valid pickle"):
        NCP.convert(paths)
