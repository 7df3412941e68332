"""Trained accuracies of NAS-Bench-Macro: the authors' file, three seeds of each network. arXiv:2103.11922.

The accuracy is not that after the last epoch but the best of 50, measured on the test images after each. Architectures
with the same network share one training, so reliability comes from the seeds alone.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.nasbench_macro.space import NasbenchMacro
from harness.errors import CorruptDataError
from harness.files.atomic import sha256_of
from harness.files.downloads import github_file, github_source
from harness.truth.sources import TRUTH_SOURCES, TruthSource
from harness.truth.table import PERCENT_DECIMALS, TruthColumn, TruthTable

_XIUSU = "xiusu/NAS-Bench-Macro/61a2bfc2ca0dce04d0997e6cf498047c27d6acf2"
_N_SEEDS = 3


def convert_macro(paths: Sequence[Path]) -> TruthTable:
    """Test accuracies of each seed, and their mean, by architecture string.

    Raises:
        CorruptDataError: if the file is not the table of all architectures of the space.
    """
    (path,) = paths
    archs = NasbenchMacro().architectures
    try:
        table = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:  # a UnicodeDecodeError is a ValueError
        raise CorruptDataError(f"{path} is not valid JSON ({type(error).__name__}). Fetch it again.") from error
    if not isinstance(table, dict) or set(table) != set(archs):
        raise CorruptDataError(f"{path} does not list the {len(archs):,} architectures of nasbench_macro.")
    seeds = np.array([_accuracies(path, arch, table[arch]) for arch in archs])
    mean = _mean_column(path)
    columns = [mean, *(replace(mean, name=f"{mean.name}_seed{seed}", seeds=f"seed {seed}") for seed in range(_N_SEEDS))]
    # Published in single precision, which tells means apart that are equal: 2,331 values of 1,655.
    return TruthTable(archs, tuple(columns), (seeds.mean(axis=1).round(PERCENT_DECIMALS), *seeds.T))


def _accuracies(path: Path, arch: str, entry: Any) -> NDArray[np.float64]:
    """The accuracies of the three seeds.

    Raises:
        CorruptDataError: if there are not three accuracies in percent.
    """
    found = entry.get("test_acc") if isinstance(entry, dict) else None
    valid = isinstance(found, list) and all(type(value) is float and 0 <= value <= 100 for value in found)
    if found is None or not valid or len(found) != _N_SEEDS:
        raise CorruptDataError(f"{path} does not give {_N_SEEDS} accuracies between 0 and 100 for architecture {arch}.")
    return np.array(found)


def _mean_column(path: Path) -> TruthColumn:
    return TruthColumn(
        name="test50",
        dataset="cifar10",
        metric="accuracy",
        unit="%",
        split="test",
        epochs=50,
        seeds=f"mean of {_N_SEEDS} seeds",
        higher_is_better=True,
        source=github_source(_XIUSU, path),
        sha256=sha256_of(path),
        note="of each seed the best test accuracy over the 50 epochs, so the epoch is chosen on the test images",
    )


MACRO = TruthSource(
    name="xiusu",
    benchmark="nasbench_macro",
    files=(
        github_file(
            _XIUSU,
            "data/nas-bench-macro_cifar10.json",
            "686dee8363cc21cca8c1f321ad5749454f2d9b9ca5972682e137e539bc522297",
            1_178_821,
        ),
    ),
    licence="Apache-2.0",
    convert=convert_macro,
    version=2,
)

TRUTH_SOURCES.register(MACRO.key)(MACRO)
