"""The official file of TransNAS-Bench-101, `transnas-bench_v10141024.pth`: every metric after every epoch.

Its structure is what the official API reads (https://github.com/yawen-d/TransNASBench, commit 6d4231b, api/api.py):
`data` -> space -> architecture -> task -> `metrics` -> metric -> one number for each epoch.
"""

import pickle
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.transnas.macro import TransnasMacro
from benchmarks.transnas.metrics import METRICS, SPLITS, TIME, Metric, Source
from benchmarks.transnas.micro import TransnasMicro
from benchmarks.transnas.skeleton import TASKS
from harness.errors import CorruptDataError, MissingDataError
from harness.files.atomic import sha256_of
from harness.space import SearchSpace
from harness.truth.imports import TRUTH_IMPORTS, TruthImport
from harness.truth.table import TruthColumn, TruthTable

_CONTENTS = "the file transnas-bench_v10141024.pth"
_DAMAGED = (RuntimeError, ValueError, EOFError, LookupError, AttributeError, TypeError)

Curves = Mapping[str, Sequence[float]]
"""Of one architecture on one task: each official metric after every epoch."""


def convert_official(path: Path, space: SearchSpace) -> TruthTable:
    """The best and the final number of every metric, and those at the epoch that is best on the validation images.

    Raises:
        MissingDataError: if there is no such file.
        CorruptDataError: if it is damaged, holds more than plain containers and numbers, or lacks an architecture.
    """
    if not path.is_file():
        raise MissingDataError(f"{path} is not a file; PATH is that of {_CONTENTS}.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # on formats of pickles, for a file that is then refused
            # weights_only: an unpickler that builds plain containers and calls nothing else.
            data = torch.load(path, map_location="cpu", weights_only=True)["data"]
        found = data[space.name.removeprefix("transnas_")]
        curves = {task: [found[arch][task]["metrics"] for arch in space.architectures] for task in TASKS}
        source = Source(f"{path.name} (official release)", sha256_of(path))
        columns = dict(_columns(curves, source))
    except pickle.UnpicklingError as error:
        # The message itself would advise to load the file without this guard.
        raise CorruptDataError(
            f"{path} is not {_CONTENTS}: it is damaged, or refers to more than plain containers and numbers. "
            "It was not read; download it again from its authors."
        ) from error
    except _DAMAGED as error:
        reason = str(error).partition("\n")[0][:200]
        raise CorruptDataError(
            f"{path} is not {_CONTENTS} of all {len(space.architectures):,} architectures of {space.name} "
            f"({type(error).__name__}: {reason})."
        ) from error
    return TruthTable(space.architectures, tuple(columns), tuple(columns.values()))


def _columns(
    curves: Mapping[str, Sequence[Curves]], source: Source
) -> Iterator[tuple[TruthColumn, NDArray[np.float64]]]:
    for task, of_archs in curves.items():
        selected = [int(np.argmax(of_arch[f"valid_{METRICS[task][0].name}"])) for of_arch in of_archs]
        for metric in METRICS[task]:
            for split in SPLITS:
                name = f"{split}_{metric.name}"
                for epoch, values in _at_epochs([of_arch[name] for of_arch in of_archs], selected, metric):
                    yield source.column(task, split, metric, epoch), np.array(values, dtype=np.float64)
        seconds = [of_arch[TIME][-1] for of_arch in of_archs]
        yield source.time_column(task), np.array(seconds, dtype=np.float64)


def _at_epochs(
    of_archs: Sequence[Sequence[float]], selected: Sequence[int], metric: Metric
) -> Iterator[tuple[str, list[float]]]:
    yield "final", [after_epoch[-1] for after_epoch in of_archs]
    if metric.higher_is_better:
        yield "best", [max(after_epoch) for after_epoch in of_archs]
    yield "selected", [after_epoch[epoch] for after_epoch, epoch in zip(of_archs, selected, strict=True)]


def _release(space: SearchSpace) -> TruthImport:
    return TruthImport(
        name=space.name,
        benchmark=space.name,
        data_sets=TASKS,
        contents=_CONTENTS,
        page="https://github.com/yawen-d/TransNASBench",
        licence="MIT",
        convert=partial(convert_official, space=space),
    )


OFFICIAL = tuple(_release(space) for space in (TransnasMacro(), TransnasMicro()))

for _table in OFFICIAL:
    TRUTH_IMPORTS.register(_table.name)(_table)
