"""The measurements of HW-NAS-Bench-360, `results/dataset.parquet`: one row per cell, device, runtime and task.

Its accuracies are those that NAS-Bench-360 (Tu et al., NeurIPS 2022, arXiv:2110.05668) trained on the cells of
NAS-Bench-201, one training of each, seed 777. https://github.com/roldebijvank/HW-NAS-Bench-360, commit a9b243e,
publishes no licence, so that nothing is fetched.
"""

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cell_graph import NONE, SKIP
from benchmarks.nats_tss.space import EDGES, NatsTss
from harness.errors import CorruptDataError, MissingDataError
from harness.files.parquet_columns import read_columns

CONTENTS = "the file results/dataset.parquet"
PAGE = "https://github.com/roldebijvank/HW-NAS-Bench-360"
LICENCE = "none published"
_SHA256 = "6a1dac1b701a4dc899ebc2b999319814839118d81c5b32d80bc5135652b19cc8"
_COMMIT = "a9b243e"
"""Where `_digest` is `_SHA256`; no other version of the file is published."""

Setting = tuple[str, str]
"""Device and runtime."""

SETTINGS: Mapping[Setting, str] = {
    ("pi5", "litert"): "Raspberry Pi 5, LiteRT",
    ("pi5", "onnx"): "Raspberry Pi 5, ONNX Runtime",
    ("pi5", "torchmobile"): "Raspberry Pi 5, PyTorch Mobile",
    ("pixel", "litert"): "Google Pixel, LiteRT",
}
"""Each with its words; energy was measured on the Raspberry Pi alone."""

_RANGES = {"cifar100": (0.0, 100.0), "ninapro": (0.0, 100.0), "darcy": (-math.inf, 1.0)}
"""Of the accuracies of each task; of Darcy Flow they are 1 less the relative error."""

_WITH_ENERGY = "pi5"
_NUMBERS = ("lat_ms_median", "energy_mj", "accuracy")
_COLUMNS: Mapping[str, type[str] | type[int] | type[float]] = {
    **dict.fromkeys(("arch_idx", "rep_arch_idx"), int),
    **dict.fromkeys(("device", "framework", "task", "status"), str),
    **dict.fromkeys(_NUMBERS, float),
}

Rows = Mapping[str, NDArray[Any]]
"""Columns of the file, or of some of its rows, by name."""


@dataclass(frozen=True, eq=False)
class TaskResults:
    """Of one task, by official index: accuracies [n], and by setting latencies in ms and energies in mJ [n]."""

    accuracies: NDArray[np.float64]
    latencies: Mapping[Setting, NDArray[np.float64]]
    energies: Mapping[Setting, NDArray[np.float64]]


def read_tasks(path: Path) -> dict[str, TaskResults]:
    """All that the file says, by task: each cell once in every setting.

    Raises:
        MissingDataError: if there is no such file.
        CorruptDataError: if it is damaged, incomplete, of another form or order, holds impossible numbers, or possible
            ones that are not the published.
    """
    if not path.is_file():
        raise MissingDataError(f"{path} is not a file; PATH is {CONTENTS} from {PAGE}.")
    n_archs = len(NatsTss().architectures)
    rows = read_columns(path, _COLUMNS, n_archs * len(SETTINGS) * len(_RANGES))
    _check_cells(path, rows)
    found = {}
    for task in _RANGES:
        by_setting = {setting: _of_setting(path, rows, (task, *setting), n_archs) for setting in SETTINGS}
        found[task] = _of_task(path, task, by_setting)
    if _digest(found) != _SHA256:
        raise CorruptDataError(
            f"{path} has the form of {CONTENTS}, and numbers that are not the published ones. Take that of commit "
            f"{_COMMIT} from {PAGE}."
        )
    return found


def _digest(tasks: Mapping[str, TaskResults]) -> str:
    """The sha256 of all numbers, however the file is compressed."""
    digest = hashlib.sha256()
    for results in tasks.values():
        for values in (results.accuracies, *results.latencies.values(), *results.energies.values()):
            digest.update(np.ascontiguousarray(values, dtype="<f8").tobytes())
    return digest.hexdigest()


@cache
def representatives() -> tuple[int, ...]:
    """By official index, the cell that was measured for all that NAS-Bench-201 writes alike: the first of the 6,466.

    Its string contracts skips, and keeps the zeros of `none` as terms of a sum; operations that lead nowhere are left
    out. The published file has the same numbers, which holds its order to the official one.
    """
    space = NatsTss()
    first: dict[str, int] = {}
    return tuple(first.setdefault(_unique_string(space.cell(arch)), at) for at, arch in enumerate(space.architectures))


def _unique_string(cell: Sequence[str]) -> str:
    nodes = ["0"]
    for node in range(1, max(target for _, target in EDGES) + 1):
        terms = []
        for (source, target), operation in zip(EDGES, cell, strict=True):
            if target != node:
                continue
            value = nodes[source]
            if operation == NONE or value == "#":
                terms.append("#")
            else:
                terms.append(value if operation == SKIP else f"({value})@{operation}")
        nodes.append("+".join(sorted(terms)))
    return nodes[-1]


def _check_cells(path: Path, rows: Rows) -> None:
    """Check that rows are measurements of cells in the official order.

    Raises:
        CorruptDataError: naming the first that is none.
    """
    cells, expected = rows["arch_idx"], np.array(representatives())
    _refuse_first(path, rows, (cells < 0) | (cells >= len(expected)), "arch_idx", f"0 to {len(expected) - 1:,}")
    _refuse_first(path, rows, rows["status"] != "ok", "status", "'ok'")
    wrong = rows["rep_arch_idx"] != expected[cells]
    _refuse_first(path, rows, wrong, "rep_arch_idx", "that of the official order")


def _of_setting(path: Path, rows: Rows, key: tuple[str, str, str], n_archs: int) -> Rows:
    """The numbers of one task, device and runtime, by cell.

    Raises:
        CorruptDataError: if a cell is missing or twice there, or a number is impossible.
    """
    task, device, runtime = key
    chosen = np.flatnonzero((rows["task"] == task) & (rows["device"] == device) & (rows["framework"] == runtime))
    order = chosen[np.argsort(rows["arch_idx"][chosen], kind="stable")]
    if not np.array_equal(rows["arch_idx"][order], np.arange(n_archs)):
        n_cells = len(np.unique(rows["arch_idx"][order]))
        raise CorruptDataError(
            f"{path} has {len(order):,} rows of {n_cells:,} cells for {task} on {device} with {runtime}; expected one "
            f"for each of {n_archs:,} cells."
        )
    found = {name: values[order] for name, values in rows.items()}
    latency, energy, accuracy = (found[name] for name in _NUMBERS)
    _refuse_first(path, found, ~((latency > 0) & (latency < np.inf)), "lat_ms_median", "above 0")
    measured = (energy > 0) & (energy < np.inf) if device == _WITH_ENERGY else np.isnan(energy)
    _refuse_first(path, found, ~measured, "energy_mj", "above 0" if device == _WITH_ENERGY else "empty on this device")
    lowest, highest = _RANGES[task]
    possible = (accuracy >= lowest) & (accuracy <= highest) & np.isfinite(accuracy)
    between = f"at most {highest:g}" if lowest == -math.inf else f"between {lowest:g} and {highest:g}"
    _refuse_first(path, found, ~possible, "accuracy", between)
    return found


def _refuse_first(path: Path, rows: Rows, wrong: NDArray[np.bool_], name: str, expected: str) -> None:
    """Raise for the first wrong row, if there is one.

    Raises:
        CorruptDataError: with its cell and setting, what it holds and what it must hold.
    """
    for at in np.flatnonzero(wrong)[:1]:
        where = ", ".join(str(rows[key][at])[:20] for key in ("task", "device", "framework"))
        cell, held = rows["arch_idx"][at], str(rows[name][at])[:20]
        raise CorruptDataError(f"{path} has {name}={held} for cell {cell} ({where}); it must be {expected}.")


def _of_task(path: Path, task: str, by_setting: Mapping[Setting, Rows]) -> TaskResults:
    """The results of a task, whose accuracies are those of training and so the same in every setting.

    Raises:
        CorruptDataError: if they are not.
    """
    first, *others = (values["accuracy"] for values in by_setting.values())
    differing = np.flatnonzero(np.any([values != first for values in others], axis=0))
    if len(differing):
        raise CorruptDataError(
            f"{path} has different accuracies of {task} for cell {differing[0]} on different devices; it must have one."
        )
    return TaskResults(
        accuracies=first,
        latencies={setting: values["lat_ms_median"] for setting, values in by_setting.items()},
        energies={setting: values["energy_mj"] for setting, values in by_setting.items() if setting[0] == _WITH_ENERGY},
    )
