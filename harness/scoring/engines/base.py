"""The interface of an engine: jobs in, outcomes out, in the order in which they end."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from harness.scoring.worker import Done, Job, MachineFault


class Died(NamedTuple):
    """The process of a job has died or was ended; `how` says what it did."""

    how: str


Outcome = Done | Died | MachineFault
"""Scores; the end of a process that a plug-in brought about; or a fault of a machine, which is no result."""


class Engine(Protocol):
    """What computes jobs. It knows nothing of proxies: a job goes to a worker process as it is."""

    def run(self, jobs: Iterable[Job], *, fresh: bool = False) -> Iterator[tuple[Job, Outcome]]:
        """Outcomes as they come; with `fresh` each job is alone, in a process that has done no other.

        Jobs are taken when there is room for them, so that no more are under way than can run soon.

        Raises:
            HarnessError: for a user error, or if nothing can compute.
            Exception: a fault of the harness.
        """
        ...

    def ready(self) -> object:
        """Nothing of use, once something can compute; `run` does the same.

        Raises:
            HarnessError: if nothing can.
        """
        ...

    def close(self) -> None:
        """End what is idle; the engine can be used again."""
        ...
