"""Trained accuracies of NATS-TSS: FreeREA's dump of NATS-Bench v1.0 (test), NASGraph's of NAS-Bench-201 v1.1 (all).

The two releases averaged other seeds for some 2,500 architectures of CIFAR-100 and ImageNet16-120 each. The official
v1.0 folder is imported where somebody has it: its test200 are FreeREA's numbers, its validation accuracies val200_v10.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.nats_tss.space import NatsTss
from benchmarks.truth.csv_columns import read_csv
from benchmarks.truth.nats_bench_files import (
    DATA_SETS,
    HALF_TEST,
    HALF_TRAINED,
    HALF_VALIDATION,
    Release,
    read_folder,
)
from benchmarks.truth.official_order import require_official_order
from harness.errors import CorruptDataError
from harness.files.atomic import sha256_of
from harness.files.downloads import github_file, github_source
from harness.truth.imports import TRUTH_IMPORTS, TruthImport
from harness.truth.sources import TRUTH_SOURCES, TruthSource
from harness.truth.table import TruthColumn, TruthTable

_FREEREA = "NiccoloCavagnero/FreeREA/9c2a726cd3adf526c43ae52a515a8fc5ea927fe7"
_NASGRAPH = "Zhenhan-Huang/NASGraph-Public/1f8fd621c60a48728fcc890818b6b94eee62e4dc"


def convert_freerea(paths: Sequence[Path]) -> TruthTable:
    """Test accuracies after 200 epochs, by official index.

    Raises:
        CorruptDataError: if the rows are not numbered 0 to 15,624.
    """
    archs = NatsTss().architectures
    columns: list[TruthColumn] = []
    values: list[NDArray[np.float64]] = []
    for dataset, path in zip(DATA_SETS, paths, strict=True):
        table = read_csv(path, {"index": int, "accuracy": float})
        if not np.array_equal(table["index"], np.arange(len(archs))):
            raise CorruptDataError(f"{path} does not number its rows 0 to {len(archs) - 1}.")
        column = _test_column("test200", dataset, _FREEREA, path)
        columns.append(column if dataset == "cifar10" else replace(column, note=HALF_TEST))
        values.append(table["accuracy"])
    return TruthTable(archs, tuple(columns), tuple(values))


def convert_nasgraph(paths: Sequence[Path]) -> TruthTable:
    """Training, validation and test accuracies after 200 epochs, by architecture string.

    On CIFAR-10 all three belong to networks trained on half of the training images.

    Raises:
        CorruptDataError: if the architectures are not those of the space in official order.
    """
    archs = NatsTss().architectures
    columns: list[TruthColumn] = []
    values: list[NDArray[np.float64]] = []
    for dataset, path in zip(DATA_SETS, paths, strict=True):
        half = dataset == "cifar10"
        table = read_csv(
            path, {"arch str": str, "validation accuracy": float, "train accuracy": float, "test accuracy": float}
        )
        require_official_order(list(table["arch str"]), archs, path)
        test = _test_column("test200_v11_25k" if half else "test200_v11", dataset, _NASGRAPH, path)
        test = replace(test, note=HALF_TRAINED if half else HALF_TEST)
        validation = replace(test, name="val200", split="validation", note=HALF_TRAINED if half else HALF_VALIDATION)
        columns.append(validation)
        columns.append(replace(test, name="train200_v11", split="train", note=HALF_TRAINED if half else ""))
        columns.append(test)
        values.extend(table[f"{split} accuracy"] for split in ("validation", "train", "test"))
    return TruthTable(archs, tuple(columns), tuple(values))


def convert_official(folder: Path) -> TruthTable:
    """The accuracies in a folder `NATS-tss-v1_0-3ffb9-simple`, whole or in part.

    Raises:
        MissingDataError: if it holds none of its files.
        CorruptDataError: if a file is damaged or another's.
    """
    schedules = {"200": 200, "12": 12}
    return read_folder(folder, Release(NatsTss().architectures, schedules, renamed={"val200": "val200_v10"}))


def _test_column(name: str, dataset: str, release: str, path: Path) -> TruthColumn:
    return TruthColumn(
        name=name,
        dataset=dataset,
        metric="accuracy",
        unit="%",
        split="test",
        epochs=200,
        seeds="mean over the available seeds",
        higher_is_better=True,
        source=github_source(release, path),
        sha256=sha256_of(path),
    )


FREEREA = TruthSource(
    name="freerea",
    benchmark="nats_tss",
    files=(
        github_file(
            _FREEREA,
            "cached_metrics/nats/cifar10/accuracies.csv",
            "a41e06dbbd097df080ee6eb3eb8c6a92d589a0f53d51d66147155fcddbcacd2d",
            274_605,
        ),
        github_file(
            _FREEREA,
            "cached_metrics/nats/cifar100/accuracies.csv",
            "f6487d29eb75cfa40dd1741d7d77f36e935828613576f8ea2d838482f1e10169",
            361_050,
        ),
        github_file(
            _FREEREA,
            "cached_metrics/nats/ImageNet16-120/accuracies.csv",
            "b2c6c6b30cb9dd429106cdca913bf908680a4dc1d53199e062aa1ffae1a9bf9a",
            368_696,
        ),
    ),
    licence="MIT",
    convert=convert_freerea,
)

NASGRAPH = TruthSource(
    name="nasgraph",
    benchmark="nats_tss",
    files=(
        github_file(
            _NASGRAPH,
            "data/nasbench201_cifar10.csv",
            "c82e70b5ffb0dba0f09d88ecc8df5a6d3ce8da8a99ad223285104f4537314033",
            2_383_893,
        ),
        github_file(
            _NASGRAPH,
            "data/nasbench201_cifar100.csv",
            "87a42005d7005fdb5e4a938ed83dd306d907523f23e70af907dfd276dd5fe35d",
            2_427_026,
        ),
        github_file(
            _NASGRAPH,
            "data/nasbench201_ImageNet16-120.csv",
            "f5225573584977b283f473b0ded7fe51ae599a67063b3bd02b18de36b29fcd6b",
            2_540_708,
        ),
    ),
    licence="Apache-2.0",
    convert=convert_nasgraph,
    version=2,
)

OFFICIAL = TruthImport(
    name="nats_tss",
    benchmark="nats_tss",
    data_sets=DATA_SETS,
    contents="the unpacked folder NATS-tss-v1_0-3ffb9-simple",
    page="https://github.com/D-X-Y/NATS-Bench",
    licence="MIT",
    convert=convert_official,
)

for _source in (FREEREA, NASGRAPH):
    TRUTH_SOURCES.register(_source.key)(_source)
TRUTH_IMPORTS.register(OFFICIAL.name)(OFFICIAL)
