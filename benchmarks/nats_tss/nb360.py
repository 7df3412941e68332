"""NinaPro accuracies, and latencies and energies on two more devices: HW-NAS-Bench-360 on the skeleton of nats_tss.

Its CIFAR-100 accuracies are the column test200_v11 of the release that NASGraph copied, and are not taken again.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.nats_tss.nb360_file import CONTENTS, LICENCE, PAGE, SETTINGS, TaskResults, read_tasks
from benchmarks.nats_tss.space import NatsTss
from harness.files.atomic import sha256_of
from harness.truth.imports import TRUTH_IMPORTS, TruthImport
from harness.truth.table import PERCENT_DECIMALS, TruthColumn, TruthTable

NINAPRO, CIFAR100 = "ninapro", "cifar100"
_NINAPRO_NOTE = (
    "last epoch, on the 659 windows that the release calls its original test set, whose loader is not public: it may "
    "be a validation set"
)
_REPRESENTED = "measured on one cell for all that NAS-Bench-201 writes alike, 6,466 of 15,625"

Column = tuple[TruthColumn, NDArray[np.float64]]


def convert_nb360(path: Path) -> TruthTable:
    """Accuracies on NinaPro, and latencies and energies on NinaPro and CIFAR-100, by official index.

    Raises:
        MissingDataError, CorruptDataError: as `read_tasks`.
    """
    tasks = read_tasks(path)
    sha256 = sha256_of(path)
    accuracy = trained_column(NINAPRO, path, sha256, metric=("accuracy", "%"), note=_NINAPRO_NOTE)
    # Published in single precision, which tells shares of 659 windows apart that are equal: 836 values of 146.
    columns: list[Column] = [(accuracy, tasks[NINAPRO].accuracies.round(PERCENT_DECIMALS))]
    for task in (NINAPRO, CIFAR100):
        columns += hardware_columns(task, tasks[task], path, sha256)
    return TruthTable(
        NatsTss().architectures, tuple(column for column, _ in columns), tuple(values for _, values in columns)
    )


def trained_column(task: str, path: Path, sha256: str, *, metric: tuple[str, str], note: str) -> TruthColumn:
    """The column of a task's results after 200 epochs; `metric` with its unit."""
    return TruthColumn(
        name="test200",
        dataset=task,
        metric=metric[0],
        unit=metric[1],
        split="test",
        epochs=200,
        seeds="seed 777",
        higher_is_better=True,
        source=path.name,
        sha256=sha256,
        note=note,
    )


def hardware_columns(task: str, results: TaskResults, path: Path, sha256: str, note: str = "") -> Iterator[Column]:
    """Latency in every setting, and energy where it was measured; lower is better."""
    measured = (("latency", "ms", results.latencies), ("energy", "mJ", results.energies))
    for setting, words in SETTINGS.items():
        for metric, unit, values in measured:
            if setting not in values:
                continue
            column = TruthColumn(
                name=f"{'_'.join(setting)}_{metric}",
                dataset=task,
                metric=metric,
                unit=unit,
                split="none",
                epochs=None,
                seeds="none",
                higher_is_better=False,
                source=path.name,
                sha256=sha256,
                note="; ".join(filter(None, (words, note, _REPRESENTED))),
            )
            yield column, values[setting]


NB360 = TruthImport(
    name="nb360",
    benchmark="nats_tss",
    data_sets=(NINAPRO, CIFAR100),
    contents=CONTENTS,
    page=PAGE,
    licence=LICENCE,
    convert=convert_nb360,
    only_source_of=(NINAPRO,),
)

TRUTH_IMPORTS.register(NB360.name)(NB360)
