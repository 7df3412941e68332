"""The one scoring loop: units in, results out, in this process or in worker processes, whatever a plug-in does.

Evaluation, `harness.score` and `harness.perf` commit its results with `compute`; searches, whose units come in rounds,
take them from `Workers.results`.
"""

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from types import TracebackType
from typing import NamedTuple, Self

from harness.errors import HarnessError
from harness.progress import Progress
from harness.scoring.engine import is_device_lost, is_no_result, said, score, score_counts
from harness.scoring.engines import Died, open_engine
from harness.scoring.guard import Guard, is_importable
from harness.scoring.proxy_spec import ProxySpec
from harness.scoring.run import ContextSpec, ExecutionOptions, Result, ScoringRun, Unit
from harness.scoring.unit_groups import chunks, is_limited, need_batches, placed, split_units
from harness.scoring.worker import Done, Job, keep_freed_memory, made, work_on
from harness.space import Architecture
from harness.store import FAILED, Score, ScoreKey, ScoreStore

COMMIT_EVERY_S = 0.5
_COUNTED_AT_ONCE = 5_000


class Incident(NamedTuple):
    """A proxy whose process died or was ended on an architecture, also when it ran alone."""

    proxy: str
    arch: Architecture
    how: str


@dataclass
class _Lacking:
    """A fault of the machine, which is reported when everything else is scored."""

    text: str = ""


@dataclass
class Workers:
    """What computes: this process for the project's own proxies where one worker is requested, otherwise an engine.

    A proxy from outside the project runs in a worker process always, so that it may hang or end its process without
    harm; only one that exists in this process alone, defined in a script or a notebook, has to run in it. A unit whose
    worker died or took too long is run again, proxy by proxy, with nothing beside it in a fresh process. What dies
    there too is a failed score of that proxy on that architecture.

    Attributes:
        execution: how many processes, and how long a network may take.
        incidents: what died so.
        changed: by proxy, the settings of the process that it left changed, which were put back.
    """

    execution: ExecutionOptions
    incidents: list[Incident] = field(default_factory=list)
    changed: dict[str, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._engine = open_engine(self.execution)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.close()
        if kind is None or issubclass(kind, HarnessError):
            for line in self.warnings():
                print(line, file=sys.stderr)
            self.incidents.clear()
            self.changed.clear()

    def results(self, context: ContextSpec, units: Sequence[Unit]) -> Iterator[Result]:
        """The scores of some units, in the order in which they are ready.

        Raises:
            HarnessError: for a user error, if no process can be started, or, after everything else is scored, if
                memory, disk or files are lacking for a unit that runs alone.
            MemoryError, OSError: if they are lacking in this process.
        """
        counts, networks = split_units(units)
        counted_here, counted_there = placed(counts, spread=False)
        is_local = self.execution.engine.is_local
        here, there = placed(networks, spread=not is_local or (self.execution.workers > 1 and len(networks) > 1))
        if context.is_only_here:
            counted_here, counted_there, here, there = counts, [], networks, []
        if here and not is_local:
            raise _not_shipped(context, here, self.execution.engine.name)
        if counted_here:
            yield from count_units(context, counted_here)
        with_batches = need_batches(networks)
        jobs = [Job(context, False, chunk) for chunk in chunks(counted_there)]
        for specs, run in groupby(there, key=attrgetter("specs")):
            limited = is_limited(specs)
            jobs += [Job(context, with_batches, (unit,), limited) for unit in run]
        if jobs:
            yield from self._pooled(jobs)
        if here:
            keep_freed_memory()
        for unit in here:
            guard = Guard()
            result = work_on(context, with_batches, unit, guard)
            if is_device_lost(result[1]):
                raise MachineFaultError(next(one.reason for one in result[1].values() if one.status == FAILED))
            yield result
            self.changed |= guard.changed

    def warnings(self) -> Iterator[str]:
        """A line for each proxy that died, and for each that left the process changed."""
        for proxy, of_proxy in groupby(sorted(self.incidents), key=attrgetter("proxy")):
            found = list(of_proxy)
            how = ", ".join(f"{n} x {said}" for said, n in Counter(one.how for one in found).most_common())
            yield (
                f"Warning: {proxy} has no score on {len(found)} architecture{'s' * (len(found) > 1)}, such as "
                f"{found[0].arch}; alone in a process, it {how}. Stored as failed; retry=failed tries again."
            )
        for proxy, settings in sorted(self.changed.items()):
            yield (
                f"Warning: {proxy} leaves {', '.join(settings)} changed, which the harness puts back. "
                "`python -m harness.check` says more."
            )

    def _pooled(self, jobs: Sequence[Job]) -> Iterator[Result]:
        again: list[Job] = []
        for job, answer in self._engine.run(jobs):
            if isinstance(answer, Done) and not any(is_device_lost(scores) for _, scores in answer.results):
                self.changed |= answer.changed
                yield from answer.results
            else:
                again += [job._replace(units=(unit,)) for unit in job.units]
        lacking = _Lacking()
        for job in again:
            yield from self._alone(job, lacking)
        if lacking.text:
            raise MachineFaultError(lacking.text)

    def _alone(self, job: Job, lacking: _Lacking) -> Iterator[Result]:
        """One unit again, proxy by proxy, each alone in a fresh process."""
        (unit,) = job.units
        scores: dict[str, Score] = {}
        singles = [
            job._replace(units=(unit._replace(specs=(spec,)),), is_limited=is_limited((spec,))) for spec in unit.specs
        ]
        for single, answer in self._engine.run(singles, fresh=True):
            name = single.units[0].specs[0].name
            if isinstance(answer, Done):
                self.changed |= answer.changed
                scores |= answer.results[0][1]
            elif isinstance(answer, Died):
                self.incidents.append(Incident(name, unit.arch, answer.how))
                scores[name] = Score(unit.arch, {}, FAILED, f"its process {answer.how}", 0.0)
            else:
                lacking.text = answer.text
        if scores:
            specs = tuple(spec for spec in unit.specs if spec.name in scores)
            yield unit._replace(specs=specs), {spec.name: scores[spec.name] for spec in specs}


def _not_shipped(context: ContextSpec, units: Sequence[Unit], engine: str) -> HarnessError:
    """The error of networks or proxies that exist in this process alone."""
    if context.is_only_here:
        return HarnessError(
            f"The networks and data of evaluate_models cannot be sent to engine={engine}: they exist in this process "
            "alone. Put the function that builds them into a file and use bench=models.py:build, or engine=local."
        )
    classes = {spec.name: spec.proxy_class for unit in units for spec in unit.specs if spec.path is None}
    names = ", ".join(sorted(name for name, kind in classes.items() if not is_importable(kind)))
    return HarnessError(
        f"{names} cannot be sent to engine={engine}: it is defined in a script or notebook and exists in this process "
        "alone. Put it into a file and give its path, as proxy=my_proxy.py, or use engine=local."
    )


class MachineFaultError(Exception):
    """Memory, disk or files are lacking: the text says which error told so."""


def compute(run: ScoringRun, units: Sequence[Unit], store: ScoreStore, execution: ExecutionOptions) -> None:
    """Score the units and commit the results to the store at least twice a second.

    Raises:
        HarnessError: if memory or a file is lacking, or no worker can be started; what was committed stays.
    """
    title = f"{run.context.space.name} {run.context.data_set}"
    counts, networks = split_units(units)
    with Workers(execution) as workers:
        for name, part, unit in ((f"{title}, counts", counts, "architectures"), (title, networks, "networks")):
            with faults_told(title), Commits(run, store, execution) as commits, Progress(name, len(part), unit) as bar:
                for result in workers.results(run.context, part):
                    commits.add(result)
                    bar.advance()


@contextmanager
def faults_told(title: str) -> Iterator[None]:
    """Turn a fault of the machine into a sentence.

    Raises:
        HarnessError: instead of the fault.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, MachineFaultError):
            text = str(error)
        elif is_no_result(error):
            text = f"{type(error).__name__}: {said(error)}".partition("\n")[0]
        else:
            raise
        raise HarnessError(
            f"Scoring {title} ended with {text}. No score was stored for the network that "
            "failed; finished scores are kept. If memory ran out, run the same command again with fewer workers= or a "
            "smaller protocol.batch_size=."
        ) from error


class Commits:
    """Puts results into the store at least twice a second, and what is left at the end, also after an error."""

    def __init__(self, run: ScoringRun, store: ScoreStore, execution: ExecutionOptions) -> None:
        self._keys = {spec.name: run.key(spec) for spec in run.specs}
        self._store, self._replace = store, execution.replaces
        self._pending: list[tuple[ScoreKey, Score]] = []
        self._committed = time.monotonic()

    def add(self, result: Result) -> None:
        """A result that is to be stored."""
        self._pending += [(self._keys[name], score) for name, score in result[1].items()]
        if time.monotonic() - self._committed > COMMIT_EVERY_S:
            self.flush()

    def flush(self) -> None:
        """Store what is pending."""
        pending, self._pending = self._pending, []
        if pending:
            self._store.add(pending, replace=self._replace)
        self._committed = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()


def count_units(context: ContextSpec, units: Sequence[Unit]) -> Iterator[Result]:
    """Proxies that need no network, computed in this process for many architectures at once."""
    here = context.make(with_batches=False)
    by_specs: dict[tuple[ProxySpec, ...], list[Unit]] = {}
    for specs, run in groupby(units, key=attrgetter("specs")):
        by_specs.setdefault(specs, []).extend(run)
    for specs, alike in by_specs.items():
        proxies = made(specs)
        for start in range(0, len(alike), _COUNTED_AT_ONCE):
            chunk = alike[start : start + _COUNTED_AT_ONCE]
            found = score_counts(here, [unit.arch for unit in chunk], proxies)
            if found is None:
                found = [score(here, unit.arch, unit.execute, proxies) for unit in chunk]
            yield from zip(chunk, found, strict=True)
