"""Official NATS-Bench folders (`*-simple`) as truth tables, through the nats_bench package's own classes.

Its file loader and its defaults (12 epochs, a random seed) are not used: files are unpickled from an allow-list, one at a
time, and means are over all seeds of the schedule that is asked for.
"""

import bz2
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from nats_bench.api_utils import ArchResults
from numpy.typing import NDArray

from harness import safe_pickle
from harness.errors import CorruptDataError, MissingDataError
from harness.progress import Progress
from harness.space import Architecture
from harness.truth_table import TruthColumn, TruthTable

DATA_SETS = ("cifar10", "cifar100", "ImageNet16-120")
HALF_TRAINED = "networks trained on 25,000 of the training images (cifar10-valid)"
HALF_TEST = "measured on half of the official test images, the other half being the validation set"
HALF_VALIDATION = "measured on half of the official test images, the other half being the test set"
WHOLE_TEST = "measured on all official test images, those of the validation set among them"

_FILE_NAME = re.compile(r"(\d{1,6})\.pickle\.pbz2")
_MAX_UNPACKED_BYTES = 2**28  # an official file unpacks to less than a megabyte
_N_NAMED = 3  # architectures without a value that a note counts by name


@dataclass(frozen=True)
class Release:
    """What a folder holds: `archs` in official order, and the number of epochs of each training schedule by record.

    `renamed` maps column names to others, where a name already means another release's numbers.
    """

    archs: Sequence[Architecture]
    schedules: Mapping[str, int]
    renamed: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class _Measure:
    """An accuracy: the data set's name here, and where the official record keeps it."""

    name: str
    dataset: str
    trained_on: str
    measured_on: str
    split: str
    note: str = ""


_MEASURES = (
    _Measure("test{}", "cifar10", "cifar10", "ori-test", "test"),
    _Measure("test{}_25k", "cifar10", "cifar10-valid", "ori-test", "test", HALF_TRAINED),
    _Measure("val{}", "cifar10", "cifar10-valid", "x-valid", "validation", HALF_TRAINED),
    *(
        measure
        for dataset in DATA_SETS[1:]
        for measure in (
            _Measure("test{}", dataset, dataset, "x-test", "test", HALF_TEST),
            _Measure("val{}", dataset, dataset, "x-valid", "validation", HALF_VALIDATION),
            _Measure("valtest{}", dataset, dataset, "ori-test", "test", WHOLE_TEST),
        )
    ),
)
_BY_SEED = ("test{}", "val{}")

_Numbers = NDArray[np.float64]


@dataclass
class _Column:
    """One accuracy after one schedule, [n files]: the mean over its seeds, and each seed's."""

    mean: _Numbers
    by_seed: dict[int, _Numbers] = field(default_factory=dict)
    n_seeds: Counter[int] = field(default_factory=Counter)


def read_folder(folder: Path, release: Release) -> TruthTable:
    """The accuracies of those architectures whose files are in the folder, NaN where a record lacks one.

    Raises:
        MissingDataError: if the folder holds no such files.
        CorruptDataError: if a file is damaged, or is about another architecture than its name says.
    """
    files = _files(folder, release)
    columns: dict[tuple[_Measure, int], _Column] = defaultdict(lambda: _Column(np.full(len(files), np.nan)))
    digest = hashlib.sha256()
    with Progress(folder.name, len(files)) as progress:
        for row, (index, path) in enumerate(files.items()):
            content = path.read_bytes()
            digest.update(f"{hashlib.sha256(content).hexdigest()}  {path.name}\n".encode())
            for record, epochs in release.schedules.items():
                _add(columns, row, epochs, _results(path, content, record, (index, release.archs[index])))
            progress.advance()
    archs = [release.archs[index] for index in files]
    provenance = (folder.resolve().name, digest.hexdigest())
    described = [found for key, column in columns.items() for found in _described(*key, column, release, provenance)]
    return TruthTable(archs, tuple(column for column, _ in described), tuple(values for _, values in described))
