"""Trained accuracies of NATS-SSS: LightOn's dump of NATS-Bench v1.0 (validation only), and the official folder.

LightOn calls its numbers accuracies. That they are validation accuracies after 90 epochs is seen on the official files:
of the sample architectures 0, 11 and 284, all three data sets, they equal `x-valid` and no other number.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.nats_sss.space import NatsSss
from benchmarks.truth.nats_bench_files import DATA_SETS, HALF_TRAINED, HALF_VALIDATION, Release, read_folder
from benchmarks.truth.official_order import require_official_order
from harness.errors import CorruptDataError
from harness.files.atomic import sha256_of
from harness.files.downloads import github_file, github_source
from harness.truth.imports import TRUTH_IMPORTS, TruthImport
from harness.truth.sources import TRUTH_SOURCES, TruthSource
from harness.truth.table import TruthColumn, TruthTable

_LIGHTON = "lightonai/contrastive-embeddings-for-neural-architectures/8606a4a4d7ea9ed9c01964660e8b2afb1e003480"


def convert_lighton(paths: Sequence[Path]) -> TruthTable:
    """Validation accuracies after 90 epochs, by architecture string.

    Raises:
        CorruptDataError: if the architectures are not those of the space in official order.
    """
    archs = NatsSss().architectures
    named, *accuracies = paths
    require_official_order(_read(named).tolist(), archs, named)
    columns: list[TruthColumn] = []
    values: list[NDArray[np.float64]] = []
    for dataset, path in zip(DATA_SETS, accuracies, strict=True):
        found = _read(path)
        if found.shape != (len(archs),) or found.dtype != np.float64:
            raise CorruptDataError(f"{path} does not contain {len(archs):,} accuracies.")
        columns.append(
            TruthColumn(
                name="val90",
                dataset=dataset,
                metric="accuracy",
                unit="%",
                split="validation",
                epochs=90,
                seeds="seed 777",
                higher_is_better=True,
                source=github_source(_LIGHTON, path),
                sha256=sha256_of(path),
                note=HALF_TRAINED if dataset == "cifar10" else HALF_VALIDATION,
            )
        )
        values.append(found)
    return TruthTable(archs, tuple(columns), tuple(values))


def convert_official(folder: Path) -> TruthTable:
    """The accuracies in a folder `NATS-sss-v1_0-50262-simple`, whole or in part.

    Raises:
        MissingDataError: if it holds none of its files.
        CorruptDataError: if a file is damaged or another's.
    """
    return read_folder(folder, Release(NatsSss().architectures, {"90": 90, "12": 12}))


def _read(path: Path) -> NDArray[Any]:
    """An array of numbers or strings.

    Raises:
        CorruptDataError: if the file is not a valid npy file, or holds Python objects.
    """
    try:
        with path.open("rb") as file:
            found: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise CorruptDataError(f"{path} is not a valid npy file of numbers or strings ({error}).") from error
    return found


LIGHTON = TruthSource(
    name="lighton",
    benchmark="nats_sss",
    files=(
        github_file(
            _LIGHTON,
            "SearchSpaces/BenchNatsss/arch_strings.npy",
            "810ffb6d4bbfcdd3a42ffd6b3d39daca53110260715ccd89e63eb3636519ee0a",
            1_835_136,
        ),
        github_file(
            _LIGHTON,
            "SearchSpaces/BenchNatsss/cifar10_accs.npy",
            "fb28ab473ad084d0360626c58f750e92e237ac4fe253e5a2cc42bab8c9c6c745",
            262_272,
        ),
        github_file(
            _LIGHTON,
            "SearchSpaces/BenchNatsss/cifar100_accs.npy",
            "10669ea2ccd27c5532503ea4ca98eff1ea60ae400596232af52780db6cabccca",
            262_272,
        ),
        github_file(
            _LIGHTON,
            "SearchSpaces/BenchNatsss/ImageNet16-120.npy",
            "1902b051be94e395e3349c617d5c904220b2d5cb32e5bc6d43aac2a82b6db7bb",
            262_272,
        ),
    ),
    licence="MIT",
    convert=convert_lighton,
)

OFFICIAL = TruthImport(
    name="nats_sss",
    benchmark="nats_sss",
    data_sets=DATA_SETS,
    contents="the unpacked folder NATS-sss-v1_0-50262-simple",
    page="https://github.com/D-X-Y/NATS-Bench",
    licence="MIT",
    convert=convert_official,
)

TRUTH_SOURCES.register(LIGHTON.key)(LIGHTON)
TRUTH_IMPORTS.register(OFFICIAL.name)(OFFICIAL)
