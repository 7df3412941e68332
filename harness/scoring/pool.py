"""The pool of worker processes: jobs in, answers out, in the order in which they end; reports what dies or hangs."""

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import Any

from harness.errors import HarnessError
from harness.scoring.engines.base import Died, Outcome
from harness.scoring.spawner import Spawner, WorkerProcess, spawner
from harness.scoring.worker import Begun, Done, Given, Job, MachineFault, Refused

_LONGEST_WAIT_S = 1.0
_FOR_THE_START_S = 300.0  # to import a proxy's file and read the images, beside the time for a network


@dataclass
class _Running:
    worker: WorkerProcess
    job: Job
    deadline: float | None


class Pool:
    """Up to `n` worker processes, made when there is work for them and kept until the pool is closed: engine=local.

    With `given`, workers take the batches of its context from there instead of reading images.
    """

    def __init__(self, n: int, timeout_s: float | None, given: Given | None = None) -> None:
        self._n, self._timeout_s, self._given = n, timeout_s, given
        self._spawner: Spawner | None = None
        self._idle: list[WorkerProcess] = []

    def run(self, jobs: Iterable[Job], *, fresh: bool = False) -> Iterator[tuple[Job, Outcome]]:
        """Answers as they come; with `fresh` each job is alone, in a worker that has done no other.

        Raises:
            HarnessError: for a user error, or if there can be no worker.
            Exception: a fault of the harness.
        """
        waiting = deque(jobs)
        running: dict[Any, _Running] = {}
        if fresh:
            self.close()
        try:
            while waiting or running:
                while waiting and len(running) < (1 if fresh else self._n):
                    started = self._start(waiting.popleft())
                    running[started.worker.connection] = started
                for one in self._ready(running):
                    answer = self._answer(one)
                    if answer is None:
                        continue
                    del running[one.worker.connection]
                    if isinstance(answer, Refused):
                        self._end(one.worker)
                        raise answer.error
                    if isinstance(answer, Done) and not answer.is_soiled and not fresh:
                        self._idle.append(one.worker)
                    else:
                        self._end(one.worker)
                    yield one.job, answer
        finally:
            for one in running.values():
                self._end(one.worker)

    def ready(self) -> None:
        """See `Engine`: processes are started when there are jobs."""

    def close(self) -> None:
        """End the workers."""
        while self._idle:
            self._end(self._idle.pop())

    def _start(self, job: Job) -> _Running:
        while True:
            worker = self._idle.pop() if self._idle else self._new(job)
            try:
                worker.connection.send(job)
            except OSError:  # it has ended while it was idle
                self._end(worker)
                continue
            limit = self._limit(job)
            return _Running(worker, job, None if limit is None else time.monotonic() + limit + _FOR_THE_START_S)

    def _new(self, job: Job) -> WorkerProcess:
        try:
            if self._spawner is None or not self._spawner.is_alive:
                self._spawner = spawner()
            self._spawner.prepare(job.context.bench, job.units[0].arch)
            worker = self._spawner.start()
            if self._given is not None:
                worker.connection.send(self._given)
            return worker
        except OSError as error:
            raise HarnessError(
                f"No worker process can be started: {error}. Finished scores are kept; free memory, or "
                "reduce the number of processes on this machine, and run the same command again."
            ) from error

    def _limit(self, job: Job) -> float | None:
        """Seconds that a job may take; None without limit."""
        return self._timeout_s if job.is_limited else None

    def _ready(self, running: dict[Any, _Running]) -> list[_Running]:
        """Those that have said something, and those whose time is over."""
        before = time.monotonic()
        due = [one.deadline - before for one in running.values() if one.deadline is not None]
        ready = wait(list(running), max(0.0, min([_LONGEST_WAIT_S, *due])))
        now = time.monotonic()
        asleep = now - before - _LONGEST_WAIT_S
        if asleep > _LONGEST_WAIT_S:  # this process was stopped, and its time does not count
            for one in running.values():
                one.deadline = None if one.deadline is None else one.deadline + asleep
        late = [one for one in running.values() if one.deadline is not None and one.deadline < now]
        return [running[connection] for connection in ready] + [
            one for one in late if one.worker.connection not in ready
        ]

    def _answer(self, one: _Running) -> Outcome | Refused | None:
        """What a worker says; None if it has only begun."""
        connection = one.worker.connection
        if not connection.poll():
            return Died(f"took more than {self._timeout_s:g} s (timeout_per_network)")
        try:
            answer = connection.recv()
        except Exception:  # the end of the connection, or something that is no message
            assert self._spawner is not None
            return Died(self._spawner.how_ended(one.worker))
        if not isinstance(answer, Begun):
            return answer if isinstance(answer, Done | MachineFault | Refused) else Died("sent something else")
        limit = self._limit(one.job)
        one.deadline = None if limit is None else time.monotonic() + limit
        return None

    def _end(self, worker: WorkerProcess) -> None:
        if self._spawner is not None and self._spawner.is_alive:
            self._spawner.kill(worker)
