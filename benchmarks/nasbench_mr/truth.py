"""Trained results of NAS-Bench-MR: the authors' pickles of eight settings. arXiv:2103.13253, Section 4."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs.nasbench_mr import SETTINGS, is_dense
from benchmarks.nasbench_mr.space import NasbenchMr
from benchmarks.nasbench_mr.structure import write
from harness.errors import CorruptDataError
from harness.files import safe_pickle
from harness.files.atomic import sha256_of
from harness.files.downloads import github_file, github_source
from harness.truth.sources import TRUTH_SOURCES, TruthSource
from harness.truth.table import TruthColumn, TruthTable

_NCP = "dingmyu/NCP/5259acdf9876c3adf4b8b1133afc3ac0d1077d65"
_FILES = {
    "cls_50_1000": ("ce6588f4ee339b49b2fa2acf2ca55fa92a75bd813b5590796f5a5fc7cc280a6c", 1_118_011),
    "cls_50_100": ("f6c7f8d67c84abc3aa226f5c5115c6c35adf576f41dd4d157b683148486f559b", 1_118_011),
    "cls_10_1000": ("423e0a511b72b47587fb418f91122b8a7b0e6ea6d89e029a2703374916fca4ca", 1_118_011),
    "cls_10c": ("99d8e31680794790ef6e01dc65d7ba714786b3c15cbf97ee25cf61ea2bef34d6", 1_118_011),
    "seg": ("1854e1ec044c8416cc53d4068cdef4d019a24bcd1e72d07020255550f56ea729", 1_145_600),
    "seg_4x": ("c111b4ad884e63fd16a1fd2d91fe5eb25ef39a9f3c8b5534a34b025aed06d434", 1_145_600),
    "video": ("ec40f09230374c5cb80fa689b16e8c0767060dac7312fb3a6c48610972df2e4d", 1_118_011),
    "video_p": ("f004d8a270712858ea166a609f619e577287c5fabe8f46979364565bdddbb1b0", 1_118_011),
}
_METRICS = {
    False: {"top1": "accuracy", "top5": "top-5 accuracy"},
    True: {"mIoU": "mIoU", "mAcc": "mAcc", "aAcc": "aAcc"},
}


def convert_ncp(paths: Sequence[Path]) -> TruthTable:
    """All metrics of each setting, by code string.

    Raises:
        CorruptDataError: if a file is damaged, or does not list the architectures of the space in order.
    """
    archs = NasbenchMr().architectures
    columns: list[TruthColumn] = []
    values: list[NDArray[np.float64]] = []
    for setting, path in zip(_FILES, paths, strict=True):
        rows = _rows(path, archs)
        for column, metric in _columns(setting, path):
            columns.append(column)
            values.append(np.array([_percent(path, arch, row, metric) for arch, row in zip(archs, rows, strict=True)]))
    return TruthTable(archs, tuple(columns), tuple(values))


def _rows(path: Path, archs: Sequence[str]) -> list[Any]:
    """The entries of a file, one for each architecture.

    Raises:
        CorruptDataError: if they are not those of the architectures, in order.
    """
    rows = safe_pickle.load(path)
    try:
        listed = [write(tuple(int(number) for number in row["embedding"])) for row in rows]
    except (LookupError, TypeError, ValueError) as error:
        raise CorruptDataError(
            f"{path} is not a list of architectures with results ({type(error).__name__})."
        ) from error
    if listed != list(archs):
        raise CorruptDataError(f"{path} does not list the {len(archs):,} architectures of nasbench_mr in order.")
    return list(rows)


def _percent(path: Path, arch: str, row: Any, metric: str) -> float:
    """A metric of an entry.

    Raises:
        CorruptDataError: if it is none.
    """
    found = row.get(metric)
    if type(found) not in (int, float) or not 0 <= found <= 100:
        raise CorruptDataError(f"{path} gives no {metric} between 0 and 100 for architecture {arch}.")
    return float(found)


def _columns(setting: str, path: Path) -> Iterator[tuple[TruthColumn, str]]:
    data = SETTINGS[setting][1]
    for metric, meaning in _METRICS[is_dense(setting)].items():
        column = TruthColumn(
            name=f"val_{metric}",
            dataset=setting,
            metric=meaning,
            unit="%",
            split="validation",
            epochs=None,
            seeds="one training",
            higher_is_better=True,
            source=github_source(_NCP, path),
            sha256=sha256_of(path),
            note=f"{data}; number of epochs and seed are not published",
        )
        yield column, metric


NCP = TruthSource(
    name="ncp",
    benchmark="nasbench_mr",
    files=tuple(
        github_file(_NCP, f"data/{setting.replace('_', '-')}/trainval.pkl", sha256, n_bytes)
        for setting, (sha256, n_bytes) in _FILES.items()
    ),
    licence='BSD-2-Clause, "for academic use": its authors ask to be contacted for commercial use',
    convert=convert_ncp,
)

TRUTH_SOURCES.register(NCP.key)(NCP)
