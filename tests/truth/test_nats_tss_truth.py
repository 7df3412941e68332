from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.nats_tss import FREEREA, NASGRAPH, NatsTss
from benchmarks.truth.csv_columns import read_csv
from harness.errors import CorruptDataError
from harness.inputs import DATA_SETS
from harness.truth import Truth
from harness.truth.sources import TRUTH_SOURCES, sources_of

SHORT = {"cifar10": "c10", "cifar100": "c100", "ImageNet16-120": "in16"}
COLUMNS = {
    "test200": "test200_{}",
    "val200": "val200_{}",
    "train200_v11": "train200_v11_{}",
    "test200_v11": "test200_v11_{}",
    "test200_v11_25k": "test200_v11_{}valid",
}
PAIRS = [
    (dataset, name)
    for dataset in SHORT
    for name in COLUMNS
    if name != ("test200_v11" if dataset == "cifar10" else "test200_v11_25k")
]


@pytest.fixture(scope="module")
def truth(fetched_home: Path) -> Truth:
    return Truth.open("nats_tss", fetched_home)


@pytest.fixture(scope="module")
def oracle(truth_oracle: Path) -> Mapping[str, NDArray]:
    with np.load(truth_oracle / "nats_tss.npz", allow_pickle=False) as file:
        return {name: file[name] for name in file}


def test_the_sources_are_found_by_their_benchmark():
    assert {FREEREA, NASGRAPH} <= set(sources_of("nats_tss"))
    for key in TRUTH_SOURCES:
        assert TRUTH_SOURCES.get(key).key == key


def test_every_column_of_the_image_data_sets_is_converted(truth):
    found = [(dataset, column.name) for dataset in SHORT for column in truth.columns(dataset)]
    assert set(PAIRS) <= set(found)


@pytest.mark.parametrize(("dataset", "name"), PAIRS)
def test_every_column_equals_the_joined_and_checked_table(truth, oracle, dataset, name):
    archs = [arch.decode() for arch in oracle["arch"]]
    values = truth.values(archs, dataset, name)
    np.testing.assert_allclose(values, oracle[COLUMNS[name].format(SHORT[dataset])], rtol=0, atol=6e-5)


def test_a_test_column_is_never_a_validation_column(truth):
    for dataset, name in PAIRS:
        column = truth.column(dataset, name)
        assert column.split == {"test": "test", "val": "validation", "train": "train"}[name.partition("200")[0]]
        assert column.epochs == 200
        assert column.higher_is_better
    assert "25,000" in truth.column("cifar10", "test200_v11_25k").note
    assert "half of the official test images" in truth.column("cifar100", "test200").note
    assert truth.column("cifar10", "test200").source == "NiccoloCavagnero/FreeREA@9c2a726 cifar10/accuracies.csv"


@pytest.mark.parametrize("dataset", SHORT)
def test_parameter_counts_beside_the_accuracies_are_those_of_the_space(mirror, dataset):
    # Independent evidence that rows are in official order: the counts lie in the file's own folder, by row number.
    accuracies = next(file for file in FREEREA.files if f"/{dataset}/" in file.key)
    table = read_csv(mirror / accuracies.key.replace("accuracies", "params"), {"index": int, "params": float})
    unit = 1 if dataset == "ImageNet16-120" else 1e6  # that file counts, the others are in millions
    space, data_set = NatsTss(), DATA_SETS.get(dataset)
    for row in range(0, len(table["index"]), 250):
        assert round(table["params"][row] * unit) == space.params(space.architectures[row], data_set)


def test_rows_in_another_order_are_refused(mirror, tmp_path):
    lines = (mirror / NASGRAPH.files[0].key).read_text().splitlines(keepends=True)
    lines[1], lines[2] = lines[2], lines[1]
    changed = tmp_path / "nasbench201_cifar10.csv"
    changed.write_text("".join(lines))
    with pytest.raises(CorruptDataError, match=r"does not list the 15,625 architectures in official order"):
        NASGRAPH.convert([changed, changed, changed])
    lines = (mirror / FREEREA.files[0].key).read_text().splitlines(keepends=True)
    changed.write_text("".join(lines[:-1]))
    with pytest.raises(CorruptDataError, match="does not number its rows 0 to 15624"):
        FREEREA.convert([changed, changed, changed])


@pytest.mark.parametrize(
    "text", ["", "index\n0\n", "index,accuracy\n0,high\n", "index,accuracy\n0,\n", "index,accuracy\n0\n"]
)
def test_a_malformed_csv_is_named(tmp_path, text):
    path = tmp_path / "accuracies.csv"
    path.write_text(text)
    with pytest.raises(
        CorruptDataError, match=r"accuracies\.csv (is not a CSV file with|has empty cells in) the columns"
    ):
        read_csv(path, {"index": int, "accuracy": float})
