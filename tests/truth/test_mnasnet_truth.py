"""Accel-NASBench's truth: every file's numbers are in the table, directions of device columns, refused archives."""

import io
import json
import tarfile
import time
from pathlib import Path

import numpy as np
import pytest

from benchmarks.mnasnet import ACCEL
from benchmarks.mnasnet.truth import convert_accel
from harness.errors import CorruptDataError
from harness.evaluation import analysis
from harness.evaluation.evaluation_set import default_truth, open_evaluation_set
from harness.inputs import DATA_SETS
from harness.settings import Settings
from harness.space import BENCHMARKS
from harness.truth import Truth
from harness.truth.sources import fetch

pytestmark = pytest.mark.long  # imports of files that rarely change

SPACE, IMAGENET = BENCHMARKS.get("mnasnet"), DATA_SETS.get("imagenet")


@pytest.fixture(scope="module")
def home(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mnasnet-home")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HARNESS_MIRROR", str(mirror))
        assert fetch(ACCEL, folder)
    return folder


@pytest.fixture(scope="module")
def truth(home: Path) -> Truth:
    return Truth.open("mnasnet", home)


def test_all_5138_trainings_are_in_the_table(truth, truth_oracle):
    with np.load(truth_oracle / "accel_nasbench.npz", allow_pickle=False) as oracle:
        archs, expected = [arch.decode() for arch in oracle["arch"]], oracle["val_top1"]
    is_first = np.array([archs.index(arch) == row for row, arch in enumerate(archs)])
    found = np.where(is_first, *(truth.values(archs, "imagenet", f"val_top1_seed{number}") for number in (0, 1)))
    assert (np.abs(found - expected) < 6e-5).sum() == 5_138
    mean = truth.values(archs, "imagenet", "val_top1")
    once = np.array([archs.count(arch) == 1 for arch in archs])
    assert once.sum() == 5_138 - 2 * 13
    np.testing.assert_allclose(mean[once], expected[once], atol=6e-5)
    np.testing.assert_allclose(mean[~once & is_first], (expected[~once][:13] + expected[~once][13:]) / 2, atol=6e-5)


def test_other_columns_equal_the_joined_table_where_an_architecture_was_measured_once(truth, truth_oracle):
    with np.load(truth_oracle / "accel_nasbench.npz", allow_pickle=False) as oracle:
        archs = [arch.decode() for arch in oracle["arch"]]
        once = np.array([archs.count(arch) == 1 for arch in archs])
        names = [name for name in oracle if name.startswith(("latency", "throughput", "train", "val_top5"))]
        assert len(names) == 10
        for name in names:
            found = truth.values(archs, "imagenet", name)[once]
            np.testing.assert_allclose(found, oracle[name][once], rtol=1e-6)
    finite = {name: truth.n_known("imagenet", name) for name in ("throughput_a100", "throughput_tpuv3")}
    assert finite == {"throughput_a100": 5_125, "throughput_tpuv3": 5_094 - 13}


def test_throughputs_are_better_when_higher_and_latencies_when_lower(truth):
    columns = {column.name: column for column in truth.columns("imagenet")}
    for name, column in columns.items():
        assert column.higher_is_better == (not name.startswith(("latency", "train")))
    assert columns["latency_zcu102"].unit == "ms"
    assert columns["throughput_a100"].unit == "images/s"
    assert default_truth(truth, SPACE, IMAGENET) == "val_top1"


def test_reliability_comes_from_the_thirteen_that_were_trained_twice(home, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA", str(home))
    (found,) = analysis.reliability(open_evaluation_set(SPACE, IMAGENET, Settings(sample="all"), None))
    assert (found.between, found.n) == ("seeds", 13)


def test_the_truth_opens_in_half_a_second(home):
    archs = SPACE.architectures
    began = time.perf_counter()
    Truth.open("mnasnet", home).values(archs, "imagenet", "val_top1")
    assert time.perf_counter() - began < 0.5


def archive(folder: Path, members: dict[str, bytes]) -> Path:
    path = folder / "anb_dataset_jsons.tar.gz"
    with tarfile.open(path, "w:gz", compresslevel=1) as written:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            written.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture(scope="module")
def members(mirror: Path) -> dict[str, bytes]:
    with tarfile.open(mirror / ACCEL.files[0].key) as published:
        return {member.name: published.extractfile(member).read() for member in published if member.isfile()}


FIRST = "./anb_dataset_jsons/result_0.json"


def changed(members: dict[str, bytes], **metrics: object) -> dict[str, bytes]:
    content = json.loads(members[FIRST])
    content["metrics"] |= metrics
    return members | {FIRST: json.dumps(content).encode()}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda members: changed(members, val_top1=None), r"no architecture with its measurements in result_0\.json"),
        (lambda members: changed(members, val_top1="59"), r"no architecture with its measurements in result_0\.json"),
        (lambda members: changed(members, val_top1=593.68), r"no architecture with its measurements in result_0\.json"),
        (lambda members: changed(members, train_time=-1), r"no architecture with its measurements in result_0\.json"),
        (lambda members: members | {FIRST: members[FIRST][:100]}, r"is not a valid archive of results \(JSONDecodeErr"),
        (lambda members: members | {FIRST: b"[]"}, r"no architecture with its measurements in result_0\.json"),
        (
            lambda members: members | {FIRST: b" " * 20_000},
            r"contains '\./anb_dataset_jsons/result_0\.json', which is ",
        ),
        (
            lambda members: members | {"../evil.json": b"{}"},
            r"contains '\.\./evil\.json', which is none of its results",
        ),
        (
            lambda members: dict(list(members.items())[:7]),
            r"contains 7 results, not result_0\.json to result_5137\.json",
        ),
        (
            lambda members: members | {FIRST: members[FIRST.replace("0.", "1.")]},
            "does not list the 5,125 trained architectures in order",
        ),
    ],
)
def test_altered_archives_are_refused(members, tmp_path, change, sentence):
    with pytest.raises(CorruptDataError, match=sentence):
        convert_accel([archive(tmp_path, change(members))])


def test_a_truncated_archive_is_refused(mirror, tmp_path):
    path = tmp_path / "cut.tar.gz"
    path.write_bytes((mirror / ACCEL.files[0].key).read_bytes()[:50_000])
    with pytest.raises(CorruptDataError, match=r"cut\.tar\.gz is not a valid archive of results \(EOFError\)"):
        convert_accel([path])
