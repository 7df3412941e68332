"""The official files of NAS-Bench-101, arXiv:1902.09635: three training runs for each cell and number of epochs."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.inputs.cifar10 import CIFAR10
from benchmarks.nasbench101.catalogue import N_CELLS, Names, catalogue
from benchmarks.nasbench101.layers import params_of
from benchmarks.nasbench101.model_metrics import FinalMetrics, decode
from benchmarks.nasbench101.tf_records import read_records
from harness.errors import CorruptDataError, MissingDataError
from harness.files.atomic import sha256_of
from harness.progress import Progress
from harness.truth.imports import TRUTH_IMPORTS, TruthImport
from harness.truth.table import TruthColumn, TruthTable

EPOCHS = (4, 12, 36, 108)
N_RUNS = 3
_SPLITS = ("test", "validation", "train")
_SHORT = {"validation": "val"}
_PUBLISHED = {
    "4c39c3936e36a85269881d659e44e61a245babcb72cb374eacacf75d0e5f4fd1": "nasbench_only108.tfrecord",
    "3d64db8180fb1b0207212f9032205064312b6907a3bbc81eabea10db2f5c7e9c": "nasbench_full.tfrecord",
}
_FRAMING_BYTES = 16
_TRAIN_NOTE = "measured on 10,000 of the training images"

Runs = NDArray[np.float64]


def convert_official(path: Path) -> TruthTable:
    """Final accuracies in percent of the architectures in an official file, or in a part of one.

    For each number of epochs and each of test, validation and training images: a column of means over the runs, and one
    for each run, in the order of the file; NaN where a run is missing.

    Raises:
        MissingDataError: if there is no such file.
        CorruptDataError: if a record is damaged, cut short, or not about a cell of the space.
    """
    if not path.is_file():
        raise MissingDataError(f"{path} is not a file; PATH is that of {OFFICIAL.contents}.")
    found: dict[int, Runs] = {}
    n_runs = {epochs: np.zeros(N_CELLS, dtype=np.int64) for epochs in EPOCHS}
    rows: dict[str, int] = {name: row for row, name in enumerate(Names())}
    n_params = np.zeros(N_CELLS, dtype=np.int64)
    with Progress(path.name, path.stat().st_size, "bytes") as progress:
        for number, record in enumerate(read_records(path)):
            progress.advance(len(record) + _FRAMING_BYTES)
            try:
                name, epochs, final = _parse(record)
                row, run = rows[name], n_runs[epochs][rows[name]]
            # What is wrong inside a record with a right checksum may show in any of these; the last is JSON so deep.
            except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
                reason = str(error)[:200].encode("ascii", "backslashreplace").decode()
                raise CorruptDataError(
                    f"Record {number} of {path} is not about a training run of a cell of nasbench101 "
                    f"({type(error).__name__}: {reason})."
                ) from error
            if run == N_RUNS:
                raise CorruptDataError(f"Record {number} of {path} is run {N_RUNS + 1} of {name} with {epochs} epochs.")
            if epochs not in found:
                found[epochs] = np.full((len(_SPLITS), N_RUNS, N_CELLS), np.nan)
            found[epochs][:, run, row] = [100 * getattr(final, split) for split in _SPLITS]
            n_runs[epochs][row] += 1
            n_params[row] = final.n_params
    if not found:
        raise CorruptDataError(f"{path} contains no records.")
    present = np.flatnonzero(sum(n_runs.values()))
    _check_params(path, present, n_params[present])
    return _table(path, present, {epochs: found[epochs] for epochs in EPOCHS if epochs in found})


def _parse(record: bytes) -> tuple[str, int, FinalMetrics]:
    """Module hash, number of epochs and final metrics.

    Raises:
        ValueError, TypeError: if the record is not what the official files hold.
    """
    name, epochs, _adjacency, _operations, metrics = json.loads(record)
    if type(name) is not str or type(epochs) is not int or type(metrics) is not str:
        raise ValueError("a field of another type")
    return name, epochs, decode(base64.b64decode(metrics, validate=True))


def _check_params(path: Path, present: NDArray[np.int64], n_params: NDArray[np.int64]) -> None:
    """Compare the parameter counts of some rows with those of the space's networks.

    Raises:
        CorruptDataError: if one differs.
    """
    different = np.flatnonzero(params_of(catalogue().codes[present], CIFAR10) != n_params)
    if different.size:
        first = int(different[0])
        raise CorruptDataError(
            f"{path} states {n_params[first]:,} parameters for {Names()[int(present[first])]}, which is wrong."
        )


def _table(path: Path, present: NDArray[np.int64], found: dict[int, Runs]) -> TruthTable:
    """The columns of all epochs, for the rows that have any run."""
    sha256 = sha256_of(path)
    source = f"{path.name}, {len(present):,} of {N_CELLS:,} architectures"
    if sha256 not in _PUBLISHED:
        source += ", not one of the published files"
    columns, values = [], []
    for epochs, runs in found.items():
        for split, of_split in zip(_SPLITS, runs, strict=True):
            for suffix, seeds, numbers in _series(of_split[:, present]):
                columns.append(
                    TruthColumn(
                        name=f"{_SHORT.get(split, split)}{epochs}{suffix}",
                        dataset=CIFAR10.name,
                        metric="accuracy",
                        unit="%",
                        split=split,
                        epochs=epochs,
                        seeds=seeds,
                        higher_is_better=True,
                        source=source,
                        sha256=sha256,
                        note=_TRAIN_NOTE if split == "train" else "",
                    )
                )
                values.append(numbers)
    names = Names()
    return TruthTable([names[int(row)] for row in present], tuple(columns), tuple(values))


def _series(runs: Runs) -> Iterator[tuple[str, str, Runs]]:
    """The mean of the runs [n_runs, n_archs] and each run: suffix of the column, its seeds, its numbers [n_archs]."""
    n_finite = np.isfinite(runs).sum(axis=0)
    mean = np.where(n_finite > 0, np.nansum(runs, axis=0) / np.maximum(n_finite, 1), np.nan)
    counts = sorted(set(n_finite.tolist()) - {0})
    yield "", f"mean of {' or '.join(map(str, counts))} runs", mean
    for run, numbers in enumerate(runs):
        yield f"_run{run}", f"run {run}", numbers


OFFICIAL = TruthImport(
    name="nasbench101",
    benchmark="nasbench101",
    data_sets=(CIFAR10.name,),
    contents="nasbench_full.tfrecord (4, 12, 36 and 108 epochs) or nasbench_only108.tfrecord",
    page="https://github.com/google-research/nasbench",
    licence="Apache-2.0",
    convert=convert_official,
)

TRUTH_IMPORTS.register(OFFICIAL.name)(OFFICIAL)
