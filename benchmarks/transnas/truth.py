"""Trained results of TransNAS-Bench-101: NASGraph's dump of the official file, v10141024 (arXiv:2105.11871).

The dump holds the maximum over the epochs of every metric, as the official API gives by default. Of a loss that is its
worst epoch, so losses are left out; room_layout has its negated loss. Rows are numbered by the official index, first
the macro, then the micro space; the dump names no architectures.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.transnas.macro import TransnasMacro
from benchmarks.transnas.metrics import METRICS, SPLITS, TIME, Source
from benchmarks.transnas.micro import TransnasMicro
from benchmarks.truth.csv_columns import read_csv
from harness.errors import CorruptDataError
from harness.files.atomic import sha256_of
from harness.files.downloads import github_file, github_source
from harness.space import SearchSpace
from harness.truth.sources import TRUTH_SOURCES, TruthSource
from harness.truth.table import TruthColumn, TruthTable

_NASGRAPH = "Zhenhan-Huang/NASGraph-Public/1f8fd621c60a48728fcc890818b6b94eee62e4dc"
_SPACES: tuple[SearchSpace, ...] = (TransnasMacro(), TransnasMicro())
_FILES = {
    "class_scene": ("fd314559c718b389bce78571e4e506fb89f5a66ece6e776e593f3ac180cee469", 1_280_269),
    "class_object": ("27490b4cf814237272eff729732f24f92f617bc907192b18f2cb2af6542b6bc3", 1_280_886),
    "room_layout": ("43030a7d92972dcfb61881db26bb6e4b5309d19c2738ebc1422fe808792b86b1", 953_332),
    "jigsaw": ("8a1c2adb7877f9f982c3848c2d8d3260b2a01c8e70ec2c2c8e02cc065deced2d", 1_266_139),
    "segmentsemantic": ("35d9aefa0f0b56cf6727d7a0f6073e7bbfdd5d957a62df16ece2be010b123cff", 1_318_267),
    "normal": ("b3e465c7a519324d4390c090d179110e5d64bbf1c2374f0251aa0bd71ce5eec7", 945_923),
    "autoencoder": ("17888f4fc25b54ba2c62dc011f952e212337aa16fa75fb5447306e1157b7fcdc", 950_690),
}


def convert_nasgraph(paths: Sequence[Path], space: SearchSpace) -> TruthTable:
    """The rows of one space from the files of all tasks.

    Raises:
        CorruptDataError: if the rows are not numbered as the official index.
    """
    n_all = sum(len(each.architectures) for each in _SPACES)
    first = sum(len(each.architectures) for each in _SPACES[: [each.name for each in _SPACES].index(space.name)])
    rows = slice(first, first + len(space.architectures))
    columns: dict[TruthColumn, NDArray[np.float64]] = {}
    for task, path in zip(_FILES, paths, strict=True):
        metrics = [(split, metric) for metric in METRICS[task] if metric.higher_is_better for split in SPLITS]
        names = [f"{split}_{metric.name}" for split, metric in metrics]
        table = read_csv(path, {"file_id": int, TIME: float} | dict.fromkeys(names, float))
        if not np.array_equal(table["file_id"], np.arange(n_all)):
            raise CorruptDataError(f"{path} does not number its rows 0 to {n_all - 1}.")
        source = Source(github_source(_NASGRAPH, path), sha256_of(path))
        for (split, metric), name in zip(metrics, names, strict=True):
            columns[source.column(task, split, metric, "best")] = table[name][rows]
        columns[source.time_column(task)] = table[TIME][rows]
    return TruthTable(space.architectures, tuple(columns), tuple(columns.values()))


def _source(space: SearchSpace) -> TruthSource:
    return TruthSource(
        name="nasgraph",
        benchmark=space.name,
        files=tuple(
            github_file(_NASGRAPH, f"data/transbench101_{task}.csv", sha256, n_bytes)
            for task, (sha256, n_bytes) in _FILES.items()
        ),
        licence="Apache-2.0",
        convert=partial(convert_nasgraph, space=space),
    )


NASGRAPH = tuple(_source(space) for space in _SPACES)

for _table in NASGRAPH:
    TRUTH_SOURCES.register(_table.key)(_table)
