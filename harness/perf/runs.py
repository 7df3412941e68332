"""Complete runs: workers compared with bare processes, overhead of the harness, time to the first score."""

import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path
from time import perf_counter, process_time, sleep

from harness.inputs import draw_batches
from harness.perf.figure import Bench, Figure
from harness.scoring import ContextSpec, ExecutionOptions, ScoringRun, compute, missing_units
from harness.scoring.arithmetic import single_thread
from harness.scoring.engine import score
from harness.scoring.proxy_spec import parse_proxies
from harness.scoring.worker import keep_freed_memory
from harness.space import Architecture
from harness.store import ScoreStore


def workers_against_processes(bench: Bench) -> Iterator[Figure]:
    """The speed-up of workers=2, relative to that of two processes that only score (both over one such process)."""
    networks = _networks(bench)
    one = _bare_seconds(bench.spec(), [networks])
    two = _bare_seconds(bench.spec(), [networks[::2], networks[1::2]])
    run = _run(bench)
    with tempfile.TemporaryDirectory() as folder:
        with ScoreStore(Path(folder) / "warm.sqlite") as store:
            compute(
                run, missing_units(run, networks[:2], store, ExecutionOptions(2)), store, ExecutionOptions(2)
            )  # starts the worker processes
        with ScoreStore(Path(folder) / "scores.sqlite") as store:
            started = perf_counter()
            compute(run, missing_units(run, networks, store, ExecutionOptions(2)), store, ExecutionOptions(2))
            harness = perf_counter() - started
    group = "workers"
    yield Figure(group, "two bare processes over one", one / two, "times as fast")
    yield Figure(group, "workers=2 over one bare process", one / harness, "times as fast")
    yield Figure(group, "speed-up of workers=2 over that of processes", two / harness, "ratio", 0.95, at_most=False)


def own_overhead(bench: Bench) -> Iterator[Figure]:
    """CPU seconds of a run of zico with one worker, including store and progress bar, relative to scoring alone."""
    run, networks = _run(bench), _networks(bench)
    with tempfile.TemporaryDirectory() as folder, ScoreStore(Path(folder) / "scores.sqlite") as store:
        started = process_time()
        compute(run, missing_units(run, networks, store, ExecutionOptions(1)), store, ExecutionOptions(1))
        whole = process_time() - started
        found = store.find(run.key(run.specs[0]))
    scoring = sum(one.seconds for one in found.values())
    yield Figure("overhead", "zico, one worker", whole / len(networks), "CPU s per network")
    yield Figure("overhead", "beside the scores themselves", whole / scoring - 1, "share", target=0.03)


def first_score(bench: Bench) -> Iterator[Figure]:
    """Seconds that `python -m harness proxy=params` takes to its first score and to its end, in an empty folder."""
    with tempfile.TemporaryDirectory() as folder:
        first = None
        started = perf_counter()
        command = [sys.executable, "-m", "harness", "proxy=params"]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as run:
            while run.poll() is None:
                if first is None and _has_scores(Path(folder) / "results" / "scores.sqlite"):
                    first = perf_counter() - started
                sleep(0.02)
            elapsed = perf_counter() - started
            if run.returncode:
                assert run.stderr is not None
                raise RuntimeError(run.stderr.read())
    group = "start"
    yield Figure(group, "python -m harness proxy=params, start to first score", first or elapsed, "s", target=6.0)
    yield Figure(group, "python -m harness proxy=params, start to end", elapsed, "s")


def _has_scores(database: Path) -> bool:
    """Whether a store written by another process contains a score."""
    if not database.exists():
        return False
    try:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT 1 FROM scores LIMIT 1").fetchone() is not None
    except sqlite3.OperationalError:  # its tables do not exist yet
        return False


def _run(bench: Bench) -> ScoringRun:
    spec = bench.spec()
    return ScoringRun(spec, tuple(parse_proxies(["zico"], {})), draw_batches(bench.context.data_set, spec.request))


def _networks(bench: Bench) -> list[Architecture]:
    """The networks of the cells: each canonical form is scored once."""
    return list(dict.fromkeys(bench.context.space.canonical(cell) for cell in bench.cells))


def _bare_seconds(spec: ContextSpec, shares: Sequence[Sequence[Architecture]]) -> float:
    """Wall seconds until all processes, one per share, have scored their shares; they start together, warmed up."""
    context = get_context("spawn")
    ready = context.Barrier(len(shares) + 1)
    processes = [context.Process(target=_score_all, args=(spec, list(share), ready)) for share in shares]
    for process in processes:
        process.start()
    ready.wait()
    started = perf_counter()
    for process in processes:
        process.join()
    return perf_counter() - started


def _score_all(spec: ContextSpec, networks: Sequence[Architecture], ready: Barrier) -> None:
    keep_freed_memory()  # as in workers: the comparison is about the harness around the scores
    context = spec.make(with_batches=True)
    proxies = {one.name: one.make() for one in parse_proxies(["zico"], {})}
    with single_thread():
        score(context, networks[0], "live", proxies)
        ready.wait()
        for network in networks:
            score(context, network, "live", proxies)
