"""Latency and energy of NATS-TSS networks on six devices: HW-NAS-Bench. Li et al., ICLR 2021, arXiv:2103.10584."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.nats_tss.space import NatsTss
from benchmarks.truth.official_order import require_official_order
from harness.errors import CorruptDataError, MissingDataError
from harness.files import safe_pickle
from harness.files.atomic import sha256_of
from harness.truth.imports import TRUTH_IMPORTS, TruthImport
from harness.truth.table import TruthColumn, TruthTable

DATA_SETS = ("cifar10", "cifar100", "ImageNet16-120")


@dataclass(frozen=True)
class _Metric:
    """A column; lower is better for costs."""

    name: str
    metric: str
    unit: str
    device: str
    higher_is_better: bool = False


_METRICS = (
    _Metric("edgegpu_latency", "latency", "ms", "NVIDIA Jetson TX2"),
    _Metric("edgegpu_energy", "energy", "mJ", "NVIDIA Jetson TX2"),
    _Metric("raspi4_latency", "latency", "ms", "Raspberry Pi 4"),
    _Metric("edgetpu_latency", "latency", "ms", "Google Edge TPU"),
    _Metric("pixel3_latency", "latency", "ms", "Google Pixel 3"),
    _Metric("eyeriss_latency", "latency", "ms", "ASIC Eyeriss"),
    _Metric("eyeriss_energy", "energy", "mJ", "ASIC Eyeriss"),
    # The release names no unit. More operations for each datum moved is better.
    _Metric("eyeriss_arithmetic_intensity", "arithmetic intensity", "as published", "ASIC Eyeriss", True),
    _Metric("fpga_latency", "latency", "ms", "FPGA"),
    _Metric("fpga_energy", "energy", "mJ", "FPGA"),
)


def convert_hardware(path: Path) -> TruthTable:
    """All metrics of `HW-NAS-Bench-v1_0.pickle` on its NAS-Bench-201 part, by official index.

    Raises:
        MissingDataError: if there is no such file.
        CorruptDataError: if it is damaged, asks for more than plain containers, or lists other architectures.
    """
    if not path.is_file():
        raise MissingDataError(f"{path} is not a file; PATH is {HARDWARE.contents}.")
    content = safe_pickle.load(path)
    archs = NatsTss().architectures
    try:
        part = content["nasbench201"]
        for dataset in DATA_SETS:
            require_official_order([config["arch_str"] for config in part[dataset]["config"]], archs, path)
        columns = tuple(_columns(path))
        values = tuple(_numbers(part[column.dataset][column.name], len(archs)) for column in columns)
    except CorruptDataError:
        raise
    except (LookupError, TypeError, ValueError) as error:
        raise CorruptDataError(f"{path} is not {HARDWARE.contents} ({type(error).__name__}: {error}).") from error
    return TruthTable(archs, columns, values)


def _columns(path: Path) -> Iterator[TruthColumn]:
    sha256 = sha256_of(path)
    for dataset in DATA_SETS:
        for metric in _METRICS:
            yield TruthColumn(
                name=metric.name,
                dataset=dataset,
                metric=metric.metric,
                unit=metric.unit,
                split="none",
                epochs=None,
                seeds="none",
                higher_is_better=metric.higher_is_better,
                source=path.name,
                sha256=sha256,
                note=metric.device,
            )


def _numbers(values: Any, n_archs: int) -> NDArray[np.float64]:
    found = np.asarray(values, dtype=np.float64)
    if found.shape != (n_archs,):
        raise ValueError(f"{found.shape} numbers instead of {n_archs:,}")
    return found


HARDWARE = TruthImport(
    name="hw_nas_bench",
    benchmark="nats_tss",
    data_sets=DATA_SETS,
    contents="the file HW-NAS-Bench-v1_0.pickle",
    page="https://github.com/GATECH-EIC/HW-NAS-Bench",
    licence="MIT",
    convert=convert_hardware,
)

TRUTH_IMPORTS.register(HARDWARE.name)(HARDWARE)
