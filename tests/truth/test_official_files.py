"""Official NATS-Bench folders: the numbers of the nats_bench package, asked the right way, and its traps."""

import bz2
import pickle
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
from nats_bench.api_size import NATSsize
from nats_bench.api_topology import NATStopology

from harness.errors import CorruptDataError, MissingDataError
from harness.files import safe_pickle
from harness.space import BENCHMARKS
from harness.truth import Truth
from harness.truth.imports import TRUTH_IMPORTS, import_truth
from harness.truth.table import TruthTable

pytestmark = pytest.mark.long  # imports of files that rarely change

INDICES = (0, 11, 284)
FOLDERS = {"nats_tss": "NATS-tss-v1_0-3ffb9-simple", "nats_sss": "NATS-sss-v1_0-50262-simple"}
FULL = {"nats_tss": "200", "nats_sss": "90"}
DATA_SETS = ("cifar10", "cifar100", "ImageNet16-120")


def unpacked(path: Path) -> dict:
    return safe_pickle.load(bz2.decompress(path.read_bytes()))


def pack(content: object, path: Path) -> None:
    path.write_bytes(bz2.compress(pickle.dumps(content, protocol=4)))


@pytest.fixture(params=FOLDERS)
def bench(request) -> str:
    return request.param


@pytest.fixture
def folder(bench: str, official: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(official / FOLDERS[bench], tmp_path / FOLDERS[bench]))


@pytest.fixture
def api(bench: str, folder: Path) -> NATStopology | NATSsize:
    """The package's own interface on the sample files, without its file loader."""
    content = {
        "meta_archs": unpacked(folder / "meta.pickle.pbz2")["meta_archs"],
        "arch2infos": {index: unpacked(folder / f"{index:06d}.pickle.pbz2") for index in INDICES},
        "evaluated_indexes": list(INDICES),
    }
    return (NATStopology if bench == "nats_tss" else NATSsize)(content, verbose=False)


def convert(bench: str, folder: Path) -> TruthTable:
    return TRUTH_IMPORTS.get(bench).convert(folder)


def values(table: TruthTable, dataset: str, name: str) -> list[float]:
    """A column for the architectures of `INDICES`."""
    (found,) = (v for column, v in zip(table.columns, table.values, strict=True) if column.key == f"{dataset}/{name}")
    return found.tolist()


def asked(api, dataset: str, metric: str, hp: str) -> list[float]:
    """What the package answers, all seeds averaged."""
    return [api.get_more_info(index, dataset, hp=hp, is_random=False)[metric] for index in INDICES]


def test_every_mean_is_the_packages_answer_with_all_epochs_and_no_random_seed(bench, folder, api):
    table = convert(bench, folder)
    assert table.archs == [BENCHMARKS.get(bench).architectures[index] for index in INDICES]
    for hp in (FULL[bench], "12"):
        val = "val200_v10" if hp == "200" else f"val{hp}"
        assert values(table, "cifar10", f"test{hp}") == asked(api, "cifar10", "test-accuracy", hp)
        assert values(table, "cifar10", val) == asked(api, "cifar10-valid", "valid-accuracy", hp)
        assert values(table, "cifar10", f"test{hp}_25k") == asked(api, "cifar10-valid", "test-accuracy", hp)
        for dataset in DATA_SETS[1:]:
            assert values(table, dataset, f"test{hp}") == asked(api, dataset, "test-accuracy", hp)
            assert values(table, dataset, val) == asked(api, dataset, "valid-accuracy", hp)
            assert values(table, dataset, f"valtest{hp}") == asked(api, dataset, "valtest-accuracy", hp)


def test_trap_the_packages_default_is_12_epochs(bench, folder, api):
    """NATS-Bench#11: without hp, every accuracy is that of the 12-epoch schedule."""
    table, full = convert(bench, folder), FULL[bench]
    unasked = [api.get_more_info(index, "cifar10", is_random=False)["test-accuracy"] for index in INDICES]
    assert unasked == values(table, "cifar10", "test12")
    assert all(few < many - 3 for few, many in zip(unasked, values(table, "cifar10", f"test{full}"), strict=True))
    assert {column.name: column.epochs for column in table.columns}["test12"] == 12


def test_trap_cifar10_and_cifar10_valid_are_different_networks(bench, folder):
    """NATS-Bench#35: both have a test accuracy; only the one trained on half of the images has a validation one."""
    table, full = convert(bench, folder), FULL[bench]
    whole, half = values(table, "cifar10", f"test{full}"), values(table, "cifar10", f"test{full}_25k")
    assert all(more > less + 1 for more, less in zip(whole, half, strict=True))
    notes = {column.name: column.note for column in table.columns if column.dataset == "cifar10"}
    assert notes[f"test{full}"] == ""
    assert "25,000 of the training images" in notes[f"test{full}_25k"]
    assert "25,000 of the training images" in notes["val200_v10" if full == "200" else "val90"]


@pytest.mark.parametrize("dataset", DATA_SETS[1:])
def test_trap_validation_and_test_are_halves_of_the_official_test_set(bench, folder, dataset):
    table, full = convert(bench, folder), FULL[bench]
    val = values(table, dataset, "val200_v10" if full == "200" else f"val{full}")
    test, both = values(table, dataset, f"test{full}"), values(table, dataset, f"valtest{full}")
    np.testing.assert_allclose(np.mean([val, test], axis=0), both, atol=1e-4)
    columns = {column.name: column for column in table.columns if column.dataset == dataset}
    assert "half of the official test images" in columns[f"test{full}"].note
    assert "all official test images" in columns[f"valtest{full}"].note
    for column in table.columns:
        assert column.split == (
            "validation" if column.name.startswith("val") and "valtest" not in column.name else "test"
        )


def test_trap_a_random_seed_is_one_of_the_seed_columns_and_not_the_mean(folder, bench, api):
    """NATS-Bench#2: get_more_info draws a seed from the global generator unless it is told not to."""
    hp = "200" if bench == "nats_tss" else "12"  # the schedules with three seeds
    table = convert(bench, folder)
    by_seed = np.array([values(table, "cifar10", f"test{hp}_seed{seed}") for seed in (777, 888, 999)])
    np.testing.assert_allclose(by_seed.mean(axis=0), values(table, "cifar10", f"test{hp}"), rtol=1e-12)
    state = random.getstate()
    try:
        drawn = {api.get_more_info(0, "cifar10", hp=hp)["test-accuracy"] for _ in range(40)}
    finally:
        random.setstate(state)
    assert drawn == set(by_seed[:, 0])
    assert values(table, "cifar10", f"test{hp}")[0] not in drawn


def test_trap_missing_seeds_are_nan_and_counted(folder, bench):
    """NATS-Bench#30: seed 999 was not run for many architectures; a mean is over those that were."""
    hp = "200" if bench == "nats_tss" else "12"
    path = folder / "000011.pickle.pbz2"
    content = unpacked(path)
    del content[hp]["all_results"]["cifar10", 999]
    content[hp]["dataset_seed"]["cifar10"].remove(999)
    pack(content, path)
    table = convert(bench, folder)
    seed_777, seed_888, seed_999 = (values(table, "cifar10", f"test{hp}_seed{seed}") for seed in (777, 888, 999))
    assert np.isnan(seed_999).tolist() == [False, True, False]
    assert values(table, "cifar10", f"test{hp}")[1] == pytest.approx((seed_777[1] + seed_888[1]) / 2)
    (mean,) = (column for column in table.columns if column.key == f"cifar10/test{hp}")
    assert mean.seeds == "mean over the available seeds of 777, 888, 999 (3 for 2 architectures, 2 for 1 architectures)"


def test_a_data_set_or_short_schedule_that_was_not_run_leaves_nan_or_no_column(folder, bench):
    for index in INDICES:
        path = folder / f"{index:06d}.pickle.pbz2"
        content = unpacked(path)
        content.pop("12")
        if index == 11:
            results = content[FULL[bench]]
            for seed in results["dataset_seed"].pop("cifar100"):
                del results["all_results"]["cifar100", seed]
        pack(content, path)
    table = convert(bench, folder)
    assert np.isnan(values(table, "cifar100", f"test{FULL[bench]}")).tolist() == [False, True, False]
    assert not [column.name for column in table.columns if column.epochs == 12]


def test_the_imported_columns_are_those_of_the_public_tables(bench, folder, fetched_home):
    """FreeREA's test200 and LightOn's val90 were made from these files: same name, same numbers."""
    truth, table = Truth.open(bench, fetched_home), convert(bench, folder)
    name = "test200" if bench == "nats_tss" else "val90"
    for dataset in DATA_SETS:
        published = truth.values(table.archs, dataset, name)
        np.testing.assert_allclose(values(table, dataset, name), published, atol=6e-5)


@pytest.mark.long
def test_a_folder_with_a_few_architectures_is_a_partial_truth_and_says_so(bench, folder, tmp_path):
    (folder / "000284.pickle.pbz2").unlink()
    import_truth(TRUTH_IMPORTS.get(bench), folder, tmp_path)
    truth, space = Truth.open(bench, tmp_path), BENCHMARKS.get(bench)
    column = truth.column("cifar10", f"test{FULL[bench]}")
    assert column.source == f"{FOLDERS[bench]}, 2 of {len(space.architectures):,} files"
    assert truth.n_known("cifar10", column.name) == 2
    known = truth.values([space.architectures[index] for index in (0, 11, 284)], "cifar10", column.name)
    assert np.isnan(known).tolist() == [False, False, True]


def damaged(folder: Path, how: str) -> None:
    path = folder / "000011.pickle.pbz2"
    content = unpacked(path)
    if how == "cut":
        path.write_bytes(path.read_bytes()[:-100])
    elif how == "no bz2":
        path.write_bytes(b"no archive")
    elif how == "another's":
        shutil.copy(folder / "000000.pickle.pbz2", path)
    elif how == "a call":
        path.write_bytes(bz2.compress(b"cposix\nsystem\n(S'true'\ntR."))
    elif how == "no record":
        pack({key: record for key, record in content.items() if key not in FULL.values()}, path)
    elif how == "no dictionary":
        pack([1], path)
    else:
        full = next(key for key in FULL.values() if key in content)
        content[full]["all_results"] = {key: {} for key in content[full]["all_results"]}
        pack(content, path)


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("cut", r"is not the official file: it is cut short or too large\. Fetch it again\."),
        ("no bz2", "is not the official file: OSError: Invalid data stream"),
        ("another's", "is not the official file: it holds architecture 0, "),
        ("a call", r"is a pickle that refers to 'posix\.system', .* it was not read"),
        ("no record", r"is not the official file: it has no record '\d+'"),
        ("no dictionary", "is not the official file: it holds a value of type list, not dict"),
        ("empty results", "is not the official file: it has no 'epochs'"),
    ],
)
def test_a_damaged_file_is_named(bench, folder, how, sentence):
    damaged(folder, how)
    with pytest.raises(CorruptDataError, match=rf"000011\.pickle\.pbz2 {sentence}"):
        convert(bench, folder)


@pytest.mark.long
def test_after_a_damaged_file_the_old_table_stays(folder, bench, tmp_path):
    release = TRUTH_IMPORTS.get(bench)
    release.path(tmp_path).parent.mkdir(parents=True)
    release.path(tmp_path).write_bytes(b"the old table")
    damaged(folder, "cut")
    with pytest.raises(CorruptDataError, match=r"000011\.pickle\.pbz2 is not the official file: it is cut short"):
        import_truth(release, folder, tmp_path)
    assert release.path(tmp_path).read_bytes() == b"the old table"


def test_a_folder_without_files_is_named(bench, tmp_path):
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(
            MissingDataError, match=r"is not a folder of files 000000\.pickle\.pbz2, 000001\.pickle\.pbz2"
        ):
            convert(bench, path)
