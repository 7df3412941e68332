"""The record of one training schedule in an official NATS-Bench file, read field by field from plain containers.

The nats_bench package's own class (`ArchResults`, version 1.8) is not used: it takes a text in the place of a record
for the path of a pickle and opens that, and it copies whatever a record holds into its attributes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

TRAINED_ON = ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120")
"""What the networks of the releases were trained on; cifar10-valid is half of the training images of CIFAR-10."""

_MOST_SEEDS = 16  # the releases have up to three, or two for the 12 epochs of cifar10-valid
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Run:
    """One training run: its number of epochs and its accuracies in percent, by `<evaluated on>@<epoch>`."""

    epochs: int
    accuracies: Mapping[str, float]


@dataclass(frozen=True)
class Record:
    """All training runs of one architecture with one schedule.

    `runs` maps what was trained on to its runs by seed, the seeds in the order of the file.
    """

    arch_index: int
    arch_str: str
    runs: Mapping[str, Mapping[int, Run]]


def read_record(found: object, measured_on: frozenset[str]) -> Record:
    """The record in a dictionary of an official file.

    Args:
        found: what the file holds.
        measured_on: the sets of images whose accuracy after the last epoch is read, where it was recorded.

    Raises:
        ValueError: naming the first field that is missing or of another type.
    """
    record = _dictionary(found, "the record")
    seeds = _dictionary(_field(record, "dataset_seed"), "'dataset_seed'")
    results = _dictionary(_field(record, "all_results"), "'all_results'")
    unknown = [name for name in seeds if name not in TRAINED_ON]
    if unknown or not seeds:
        raise ValueError(f"'dataset_seed' names other data sets than {', '.join(TRAINED_ON)}")
    runs = {
        name: {seed: _run(results, name, seed, measured_on) for seed in _seeds(seeds[name])}
        for name in TRAINED_ON
        if name in seeds
    }
    return Record(_integer(_field(record, "arch_index"), "'arch_index'"), _name(record), runs)


def _run(results: Mapping[object, object], trained_on: str, seed: int, measured_on: frozenset[str]) -> Run:
    what = f"the result of {trained_on} with seed {seed}"
    if (trained_on, seed) not in results:
        raise ValueError(f"{what} is missing")
    result = _dictionary(results[trained_on, seed], what)
    epochs = _integer(_field(result, "epochs"), f"'epochs' of {what}")
    accuracies = _dictionary(_field(result, "eval_acc1es"), f"'eval_acc1es' of {what}")
    last = [f"{name}@{epochs - 1}" for name in sorted(measured_on)]
    return Run(epochs, {key: _accuracy(accuracies[key], f"'{key}' of {what}") for key in last if key in accuracies})


def _field(record: Mapping[object, object], name: str) -> object:
    if name not in record:
        raise ValueError(f"it has no '{name}'")
    return record[name]


def _dictionary(found: object, what: str) -> Mapping[object, object]:
    if not isinstance(found, dict):
        raise ValueError(f"{what} is of type {type(found).__name__}, not dict")
    return found


def _integer(found: object, what: str) -> int:
    if type(found) is not int or not 0 <= found < 10**6:
        raise ValueError(f"{what} is not an integer from 0 to 999,999")
    return found


def _name(record: Mapping[object, object]) -> str:
    name = _field(record, "arch_str")
    if type(name) is not str or len(name) > _LONGEST_NAME:
        raise ValueError(f"'arch_str' is not a text of at most {_LONGEST_NAME} characters")
    return name


def _seeds(listed: object) -> list[int]:
    if not isinstance(listed, list) or not 0 < len(listed) <= _MOST_SEEDS:
        raise ValueError(f"'dataset_seed' does not list 1 to {_MOST_SEEDS} seeds for each data set")
    seeds = [_integer(seed, "a seed") for seed in listed]
    if len(set(seeds)) != len(seeds):
        raise ValueError("'dataset_seed' lists a seed twice")
    return seeds


def _accuracy(found: object, what: str) -> float:
    if not isinstance(found, int | float | np.integer | np.floating) or isinstance(found, bool):
        raise ValueError(f"{what} is of type {type(found).__name__}, not a number")
    if not 0 <= found <= 100:  # false for NaN
        raise ValueError(f"{what} is not a percentage")
    return float(found)
