"""The worker processes that compute the scores which a run lacks, and how a process keeps the memory that it frees."""

import ctypes
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import groupby
from operator import attrgetter

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError

from harness.errors import HarnessError
from harness.evidence.base import ScoringContext
from harness.progress import Progress
from harness.scoring.engine import is_no_result, score, score_counts
from harness.scoring.proxy_spec import ProxySpec
from harness.scoring.run import ContextSpec, ExecutionOptions, Result, ScoringRun, Unit
from harness.store import Score, ScoreKey, ScoreStore

COMMIT_EVERY_S = 0.5
_COUNTED_AT_ONCE = 5_000
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_MAX = -1, -2, -4  # glibc's malloc.h
_PAD_BYTES = 64 << 20
_NEVER = 2**31 - 1


def compute(run: ScoringRun, units: Sequence[Unit], store: ScoreStore, execution: ExecutionOptions) -> None:
    """Score the units and commit the results to the store at least twice a second.

    Raises:
        HarnessError: if a worker process is killed, or memory or a file is lacking; what was committed stays.
    """
    title = f"{run.context.bench} {run.context.data_set}"
    counts, networks = split_units(units)
    replace = execution.retry_failed or not execution.resume
    try:
        with Progress(f"{title}, counts", len(counts)) as progress:
            _commit(run, count_units(run.context, counts), store, progress, replace)
        with Progress(title, len(networks), "networks") as progress:
            _commit(run, _run(run.context, networks, execution.workers), store, progress, replace)
    except TerminatedWorkerError as error:
        raise HarnessError(
            "A worker process was killed, most likely for want of memory. What was scored is kept: run the same "
            "command again, with fewer workers=."
        ) from error
    except Exception as error:
        if not is_no_result(error):
            raise
        said = str(error).partition("\n")[0]
        raise HarnessError(
            f"Scoring {title} ended with {type(error).__name__}: {said}. That is no score, and what was scored is "
            "kept; if it is memory that lacks, run the same command again with fewer workers= or on a smaller "
            "protocol.batch_size=."
        ) from error


def _commit(run: ScoringRun, results: Iterable[Result], store: ScoreStore, progress: Progress, replace: bool) -> None:
    """Put results into the store as they come, also when they stop coming."""
    keys = {spec.name: run.key(spec) for spec in run.specs}
    pending: list[tuple[ScoreKey, Score]] = []
    committed = time.monotonic()
    try:
        for _, found in results:
            pending += [(keys[name], score) for name, score in found.items()]
            progress.advance()
            if time.monotonic() - committed > COMMIT_EVERY_S:
                store.add(pending, replace=replace)
                pending, committed = [], time.monotonic()
    finally:
        store.add(pending, replace=replace)


def count_units(context: ContextSpec, units: Sequence[Unit]) -> Iterator[Result]:
    """Proxies that need no network, computed in this process for many architectures at once."""
    made = context.make(with_batches=False)
    by_specs: dict[tuple[ProxySpec, ...], list[Unit]] = {}
    for specs, run in groupby(units, key=attrgetter("specs")):
        by_specs.setdefault(specs, []).extend(run)
    for specs, alike in by_specs.items():
        proxies = {spec.name: spec.make() for spec in specs}
        for start in range(0, len(alike), _COUNTED_AT_ONCE):
            chunk = alike[start : start + _COUNTED_AT_ONCE]
            found = score_counts(made, [unit.arch for unit in chunk], proxies)
            if found is None:
                found = [score(made, unit.arch, unit.execute, proxies) for unit in chunk]
            yield from zip(chunk, found, strict=True)


def _run(context: ContextSpec, units: Sequence[Unit], workers: int) -> Iterator[Result]:
    """Proxies that run networks, in worker processes of one thread each, in the order in which they end."""
    if not units:
        return
    with_batches = any("inputs" in spec.proxy_class.uses() for unit in units for spec in unit.specs)
    with parallel_config(backend="loky", inner_max_num_threads=1):
        parallel = Parallel(min(workers, len(units)), return_as="generator_unordered", batch_size=1)
        yield from parallel(delayed(work_on)(context, with_batches, unit, os.getpid()) for unit in units)


def split_units(units: Sequence[Unit]) -> tuple[list[Unit], list[Unit]]:
    """The units whose proxies only count, and those with a proxy that runs a network."""
    counts: list[Unit] = []
    networks: list[Unit] = []
    for specs, run in groupby(units, key=attrgetter("specs")):
        run_networks = any(spec.proxy_class.runs_network() for spec in specs)
        (networks if run_networks else counts).extend(run)
    return counts, networks


def work_on(context: ContextSpec, with_batches: bool, unit: Unit, parent: int) -> Result:
    """One unit in a worker process, or in this one for workers=1."""
    _begin(parent)
    made = _context(context, with_batches)
    return unit, score(made, unit.arch, unit.execute, {spec.name: spec.make() for spec in unit.specs})


@lru_cache(maxsize=1)
def _context(context: ContextSpec, with_batches: bool) -> ScoringContext:
    return context.make(with_batches=with_batches)


@lru_cache(maxsize=1)
def _begin(parent: int) -> None:
    """What a process does before its first unit."""
    keep_freed_memory()
    if os.getpid() != parent:
        _die_with(parent)


def _die_with(parent: int) -> None:
    """End this worker soon after its parent is gone: a killed run must not keep cores busy."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def keep_freed_memory() -> None:
    """Let glibc's malloc keep what is freed instead of giving it back to the system.

    Activations are freed and asked for again at every layer; given back each time, each of their pages faults anew at
    its next use. The most memory that a process holds stays about the same. Does nothing where malloc is not glibc's.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        for option, value in ((_TRIM_THRESHOLD, _NEVER), (_TOP_PAD, _PAD_BYTES), (_MMAP_MAX, 0)):
            mallopt(option, value)
