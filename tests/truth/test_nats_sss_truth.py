"""LightOn's table: equal to the joined one, and validation accuracy by the official files themselves."""

import bz2
from pathlib import Path

import numpy as np
import pytest

from benchmarks.nats_sss import LIGHTON, NatsSss
from harness.errors import CorruptDataError
from harness.files import safe_pickle
from harness.truth import Truth

SHORT = {"cifar10": "c10", "cifar100": "c100", "ImageNet16-120": "in16"}


@pytest.fixture(scope="module")
def truth(fetched_home: Path) -> Truth:
    return Truth.open("nats_sss", fetched_home)


@pytest.mark.parametrize("dataset", SHORT)
def test_every_value_equals_the_joined_and_checked_table(truth, truth_oracle, dataset):
    with np.load(truth_oracle / "nats_sss.npz", allow_pickle=False) as oracle:
        archs = [arch.decode() for arch in oracle["arch"]]
        values = truth.values(archs, dataset, "val90")
        np.testing.assert_allclose(values, oracle[f"val90_{SHORT[dataset]}"], rtol=0, atol=6e-5)
    assert np.isfinite(values).all()
    assert truth.n_known(dataset, "val90") == 32_768


@pytest.mark.parametrize("dataset", SHORT)
def test_nothing_but_a_validation_column_is_there(truth, dataset):
    (column,) = truth.columns(dataset)
    assert (column.name, column.split, column.epochs, column.metric) == ("val90", "validation", 90, "accuracy")
    assert ("25,000" if dataset == "cifar10" else "the other half being the test set") in column.note
    assert column.source.startswith("lightonai/contrastive-embeddings-for-neural-architectures@8606a4a BenchNatsss/")


@pytest.mark.parametrize("index", [0, 11, 284])
@pytest.mark.parametrize("dataset", SHORT)
def test_the_values_are_the_official_validation_accuracies_and_no_others(truth, official, dataset, index):
    path = official / "NATS-sss-v1_0-50262-simple" / f"{index:06d}.pickle.pbz2"
    records = safe_pickle.load(bz2.decompress(path.read_bytes()))
    (value,) = truth.values([NatsSss().architectures[index]], dataset, "val90")
    equal = {
        (record, trained_on.removesuffix("-valid"), measured_on.partition("@")[0])
        for record, results in records.items()
        for (trained_on, _seed), result in results["all_results"].items()
        for measured_on, accuracy in result["eval_acc1es"].items()
        if measured_on.endswith(f"@{result['epochs'] - 1}") and accuracy == pytest.approx(value, abs=6e-5)
    }
    assert equal == {("90", dataset, "x-valid")}


def copies(mirror: Path, folder: Path) -> list[Path]:
    paths = [folder / Path(file.key).name for file in LIGHTON.files]
    for file, path in zip(LIGHTON.files, paths, strict=True):
        path.write_bytes((mirror / file.key).read_bytes())
    return paths


def test_architectures_in_another_order_are_refused(mirror, tmp_path):
    paths = copies(mirror, tmp_path)
    np.save(paths[0], np.load(paths[0], allow_pickle=False)[::-1])
    with pytest.raises(CorruptDataError, match=r"arch_strings\.npy does not list the 32,768 architectures in official"):
        LIGHTON.convert(paths)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (np.zeros(3), "does not contain 32,768 accuracies"),
        (np.zeros(32_768, dtype=np.int64), "does not contain 32,768 accuracies"),
        (np.array([{}]), "is not a valid npy file of numbers or strings"),
        (None, "is not a valid npy file of numbers or strings"),
    ],
)
def test_other_arrays_objects_and_cut_files_are_refused(mirror, tmp_path, content, sentence):
    paths = copies(mirror, tmp_path)
    if content is None:
        paths[2].write_bytes(paths[2].read_bytes()[:1000])
    else:
        np.save(paths[2], content, allow_pickle=True)
    with pytest.raises(CorruptDataError, match=rf"cifar100_accs\.npy {sentence}"):
        LIGHTON.convert(paths)
