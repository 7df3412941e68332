"""Checkpoints: a training after some epochs, written in one step and read without unpickling anything but tensors."""

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
    """How far a training is; `network` and `optimiser` are state_dicts."""

    job: str
    network: dict[str, Any]
    optimiser: dict[str, Any]
    history: list[Row] = field(default_factory=list)

    @property
    def n_epochs(self) -> int:
        """Epochs that are done."""
        return len(self.history)


def save(progress: TrainingState, folder: Path) -> None:
    """Replace the checkpoint of a folder; a process killed meanwhile leaves the old one."""
    with replacing(folder / FILE) as part:
        torch.save({"version": _VERSION, **vars(progress)}, part)


def load(folder: Path, job: str) -> TrainingState | None:
    """The checkpoint of a folder, on the CPU; None if there is none.

    Raises:
        CorruptDataError: if it is damaged or no checkpoint.
        OptionError: if it is of another job.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    found = read_tensors(path)
    if not isinstance(found, dict) or found.get("version") != _VERSION:
        raise CorruptDataError(f"{path} is no checkpoint of this version. Delete it, or give another out=.")
    if found["job"] != job:
        raise OptionError(
            f"{path} is of another training: {_difference(found['job'], job)}. Give another out=, or resume=false to "
            "overwrite it."
        )
    del found["version"]
    return TrainingState(**found)


def read_tensors(path: Path) -> Any:
    """What torch.save wrote: tensors, numbers, text, and containers of them.

    Raises:
        CorruptDataError: if the file is damaged, or holds anything else.
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever the damaged bytes lead to
        raise CorruptDataError(
            f"{path} is damaged ({type(error).__name__}). Delete it to begin anew, or bring back a copy."
        ) from error


def _difference(there: str, here: str) -> str:
    """What two descriptions of jobs disagree on."""
    old, new = (dict(_leaves("", json.loads(text))) for text in (there, here))
    names = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
    shown = [f"{name} is {old.get(name)} there and {new.get(name)} here" for name in names[:3]]
    return ", ".join(shown) + (f", and {len(names) - 3} more" if len(names) > 3 else "")


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, entry in value.items():
            yield from _leaves(f"{name}.{key}" if name else key, entry)
    else:
        yield name, value
