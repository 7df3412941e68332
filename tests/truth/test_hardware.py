"""HW-NAS-Bench: every latency and energy as published, lower is better; the pickle is written in the official form."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from benchmarks.nats_tss import HARDWARE, NatsTss
from harness.errors import CorruptDataError, MissingDataError
from harness.truth import Truth
from harness.truth.imports import import_truth

pytestmark = pytest.mark.long  # imports of files that rarely change

SHORT = {"cifar10": "c10", "cifar100": "c100", "ImageNet16-120": "in16"}
N_COLUMNS = 10


@pytest.fixture(scope="module")
def content(truth_oracle: Path) -> dict:
    """What the official pickle holds: metrics by search space, data set and name, beside each network's config."""
    archs = NatsTss().architectures
    with np.load(truth_oracle / "nats_tss_hardware.npz", allow_pickle=False) as oracle:
        metrics = {
            dataset: {
                name.removesuffix(f"_{short}"): oracle[name].astype(np.float64).tolist()
                for name in oracle
                if name.endswith(f"_{short}")
            }
            for dataset, short in SHORT.items()
        }
    configs = [{"name": "infer.tiny", "C": 16, "N": 5, "arch_str": str(arch), "num_classes": 10} for arch in archs]
    return {"nasbench201": {dataset: named | {"config": configs} for dataset, named in metrics.items()}, "fbnet": {}}


@pytest.fixture(scope="module")
def pickled(content: dict, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hardware") / "HW-NAS-Bench-v1_0.pickle"
    path.write_bytes(pickle.dumps(content))
    return path


@pytest.fixture(scope="module")
def truth(pickled: Path, tmp_path_factory: pytest.TempPathFactory) -> Truth:
    home = tmp_path_factory.mktemp("home")
    import_truth(HARDWARE, pickled, home)
    return Truth.open("nats_tss", home)


@pytest.mark.parametrize("dataset", SHORT)
def test_every_column_equals_the_oracle(truth, truth_oracle, dataset):
    archs = NatsTss().architectures
    with np.load(truth_oracle / "nats_tss_hardware.npz", allow_pickle=False) as oracle:
        names = [column.name for column in truth.columns(dataset) if column.source == "HW-NAS-Bench-v1_0.pickle"]
        assert {f"{name}_{SHORT[dataset]}" for name in names} == {
            name for name in oracle if name.endswith(f"_{SHORT[dataset]}")
        }
        assert len(names) == N_COLUMNS
        for name in names:
            values = truth.values(archs, dataset, name).astype(np.float32)
            np.testing.assert_array_equal(values, oracle[f"{name}_{SHORT[dataset]}"])


def test_costs_are_lower_is_better_in_milliseconds_and_millijoules(truth):
    units = {"latency": "ms", "energy": "mJ"}
    for column in truth.columns("cifar100"):
        kind = column.name.rpartition("_")[2]
        if kind in units:
            assert (column.metric, column.unit, column.higher_is_better) == (kind, units[kind], False)
            assert (column.split, column.epochs) == ("none", None)
    assert truth.column("cifar100", "eyeriss_arithmetic_intensity").higher_is_better


def test_the_published_example_of_the_first_architecture(truth):
    # README of GATECH-EIC/HW-NAS-Bench, No. 0 on CIFAR-10: 5.807 ms, 24.227 mJ on the edge GPU; 2.573 ms on the FPGA
    first = NatsTss().architectures[:1]
    for name, value in (("edgegpu_latency", 5.807418), ("edgegpu_energy", 24.226614), ("fpga_latency", 2.57296)):
        assert truth.values(first, "cifar10", name) == pytest.approx(value, abs=1e-5)


def test_other_architectures_and_other_files_are_refused(content, tmp_path):
    path = tmp_path / "HW-NAS-Bench-v1_0.pickle"
    part = content["nasbench201"]
    swapped = part["cifar10"] | {"config": part["cifar10"]["config"][::-1]}
    path.write_bytes(pickle.dumps({"nasbench201": part | {"cifar10": swapped}}))
    with pytest.raises(CorruptDataError, match="does not list the 15,625 architectures in official order"):
        HARDWARE.convert(path)
    short = part["cifar10"] | {"fpga_energy": part["cifar10"]["fpga_energy"][:7]}
    for other in ({"fbnet": {}}, {"nasbench201": part | {"cifar10": short}}, [1]):
        path.write_bytes(pickle.dumps(other))
        with pytest.raises(CorruptDataError, match=r"is not the file HW-NAS-Bench-v1_0\.pickle \("):
            HARDWARE.convert(path)
    with pytest.raises(MissingDataError, match=r"is not a file; PATH is the file HW-NAS-Bench"):
        HARDWARE.convert(tmp_path)


def test_a_call_in_the_pickle_is_not_run(tmp_path):
    class Evil:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'ran'}",)

    path = tmp_path / "HW-NAS-Bench-v1_0.pickle"
    path.write_bytes(pickle.dumps({"nasbench201": Evil()}))
    with pytest.raises(CorruptDataError, match=r"refers to '(posix|nt)\.system'"):
        HARDWARE.convert(path)
    assert not (tmp_path / "ran").exists()
