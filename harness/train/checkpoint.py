"""Checkpoints: the state of a training run, written atomically and read without unpickling arbitrary objects."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from harness.errors import CorruptDataError, OptionError
from harness.files.atomic import replacing

FILE = "checkpoint.pt"
_VERSION = 1

Row = dict[str, float]
"""One epoch: `epoch`, `learning_rate`, `loss`, `accuracy` (percent), `seconds`."""


@dataclass
class TrainingState:
    """The state of a training run; `network` and `optimiser` are state_dicts."""

    job: str
    network: dict[str, Any]
    optimiser: dict[str, Any]
    history: list[Row] = field(default_factory=list)

    @property
    def n_epochs(self) -> int:
        """The number of finished epochs."""
        return len(self.history)


def save(progress: TrainingState, folder: Path) -> None:
    """Replace the checkpoint of a folder atomically."""
    with replacing(folder / FILE) as part:
        torch.save({"version": _VERSION, **vars(progress)}, part)


def load(folder: Path, job: str) -> TrainingState | None:
    """The checkpoint of a folder, on the CPU; None if there is none.

    Raises:
        CorruptDataError: if it is damaged or not a checkpoint.
        OptionError: if it belongs to another job.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    found = read_tensors(path)
    if not isinstance(found, dict) or found.get("version") != _VERSION:
        raise CorruptDataError(f"{path} is not a checkpoint of this version. Delete it, or give another out=.")
    there, here = _by_name(found["job"]), _by_name(job)
    there.setdefault("recipe.precision", _before_there_was_a_choice(here["recipe.precision"]))
    if there != here:
        raise OptionError(
            f"{path} belongs to another run: {_difference(there, here)}. Give another out=, or resume=false to "
            "overwrite it."
        )
    del found["version"]
    return TrainingState(**found)


def read_tensors(path: Path) -> Any:
    """Reads a file of torch.save with tensors, numbers, text, and containers of them.

    Raises:
        CorruptDataError: if the file is damaged, or contains anything else.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # damaged files can raise any exception in torch
        raise CorruptDataError(
            f"{path} is damaged ({type(error).__name__}). Delete it to start over, or restore a copy."
        ) from error


def _by_name(job: str) -> dict[str, Any]:
    """What a job's description says, by name."""
    return dict(_leaves("", json.loads(job)))


def _before_there_was_a_choice(precision: str) -> str:
    """The precision of a checkpoint without one: float32, of which GPUs computed convolutions in TensorFloat-32."""
    return precision if precision in ("fp32", "tf32") else "fp32"


def _difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    """The differences between two descriptions of jobs."""
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    shown = [f"{name} was {old.get(name)} and is now {new.get(name)}" for name in names[:3]]
    return ", ".join(shown) + (f", and {len(names) - 3} more" if len(names) > 3 else "")


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _leaves(f"{name}.{key}" if name else key, entry)
    else:
        yield name, value
