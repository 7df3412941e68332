"""The command `python -m harness.train`, also under torchrun: train one architecture's network."""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("train"))

import sys
from collections.abc import Sequence

from harness.train.config import Training
from harness.train.config import read_trainings as read
from harness.train.export import WEIGHTS, write_onnx
from harness.train.job import RunLocation
from harness.train.loop import HISTORY, train
from harness.train.process_group import gathered

__all__ = ["main", "read", "run"]


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("train", words)


def run(requests: Sequence[Training]) -> None:
    """One training after the other.

    Raises:
        HarnessError: for a user's mistake or missing data; what was trained before it is kept.
    """
    for request in requests:
        _run(request)


def _run(request: Training) -> None:
    with gathered(request.location.device) as (group, device):
        location = RunLocation(**{**vars(request.location), "device": device})
        outcome = train(request.job, location, group)
        if group.leads:
            epochs = f"{len(outcome.history)} epochs"
            print(f"{request.job.data_set.name}: {outcome.accuracy:.2f} % after {epochs}")
            written = [HISTORY, WEIGHTS]
            if request.onnx:
                written.append(write_onnx(outcome.network, request.job.data_set, location.out).name)
            print(f"{location.out}: {', '.join(written)}")
