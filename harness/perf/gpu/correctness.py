"""Scores of every proxy on a GPU, on the CPU, and together instead of alone: what `comparing` compares."""

import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path

from harness.errors import HarnessError
from harness.files.results import write_files
from harness.perf.figure import Figure
from harness.perf.gpu.cases import Case, Stage, all_cases, running
from harness.perf.gpu.comparing import compared, precisions, summaries, table_of
from harness.progress import Progress
from harness.protocol import Precision
from harness.scoring import ExecutionOptions, ScoringRun, missing_units
from harness.scoring.workers import Commits, Workers, faults_told
from harness.space import Architecture
from harness.store import ScoreStore

_FEW, _SOME = 2, 10
_SLOW_S = 5.0
"""CPU seconds on a network of its case, above which a proxy is scored on more than a few networks only at the end."""

_MOST_WORKERS = 8
"""One takes up to 9 GB for networks of the size of ImageNet's, on the CPU and on the device."""

DEVICE_TESTS = Path("tests/scoring/test_device.py")


def correctness(stage: Stage, cases: Sequence[Case] | None = None) -> Iterator[list[Figure]]:
    """What is known after each case: figures over all spaces; by_proxy.csv has a row for each proxy and space.

    The scores of the CPU in float32 are compared with those of the device in float32, TensorFloat-32 and bfloat16, each
    proxy alone in a worker; and those in float32 with themselves, all proxies together in this process. A few networks
    of every space come first, so that a machine that is lent for minutes has seen all of them.
    """
    cpu = () if stage.is_brought else ("cpu",)
    yield from _rounds(stage, all_cases() if cases is None else cases, (*cpu, *precisions(stage), "together"))


def reference(stage: Stage, cases: Sequence[Case] | None = None) -> Iterator[list[Figure]]:
    """The CPU's part of `correctness`, which takes longest, to be made elsewhere: OUT/stores goes along."""
    yield from _rounds(stage, all_cases() if cases is None else cases, ("cpu",))


def _rounds(stage: Stage, cases: Sequence[Case], parts: Sequence[Precision | str]) -> Iterator[list[Figure]]:
    left_out: dict[str, str] = {}
    rows = {case: compared(case, stage) for case in cases}  # of an earlier run
    with Workers(ExecutionOptions(min(max(stage.workers), _MOST_WORKERS), retry_failed=True)) as pool:
        for n, slow in ((_FEW, None), (_SOME, False), (stage.n_networks, False), (stage.n_networks, True)):
            with Progress("correctness", len(cases), "cases") as bar:
                for case in cases:
                    if stage.left_s <= 0:
                        break
                    with left_out_as(left_out, case):
                        _score(case, parts, min(n, stage.n_networks), slow, stage, pool)
                    bar.advance()
                    rows[case] = compared(case, stage)
                    table = table_of(chain.from_iterable(rows.values()))
                    write_files(stage.out, {"by_proxy.csv": table.to_csv(index=False, lineterminator="\n").encode()})
                    lacking = Figure("correctness", "spaces and tasks left out", len(left_out), "cases", 0)
                    yield [*summaries(table), lacking]
            if stage.left_s <= 0:
                break
    for name, why in left_out.items():
        print(f"{name} is left out: {why}", file=sys.stderr)


@contextmanager
def left_out_as(left_out: dict[str, str], case: Case) -> Iterator[None]:
    """Note the sentence of an error that says why a case cannot be scored here, or not on."""
    try:
        with faults_told(case.name):
            yield
    except HarnessError as error:
        left_out[case.name] = str(error)


def device_tests(stage: Stage) -> Iterator[list[Figure]]:
    """Failures of the tests of the device, which are in the repository alone."""
    if DEVICE_TESTS.exists():
        words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(DEVICE_TESTS)]
        try:
            code = subprocess.run(words, check=False, timeout=max(stage.left_s, 1)).returncode
        except subprocess.TimeoutExpired:
            code = -1
        yield [Figure("tests", f"{DEVICE_TESTS}: exit code of pytest, -1: not in time", code, "", 0)]


def _score(
    case: Case, parts: Sequence[Precision | str], n: int, slow: bool | None, stage: Stage, pool: Workers
) -> None:
    """The first `n` networks by the proxies that are slow, by those that are not, or by all."""
    archs, names = case.archs(n), running()
    if slow is not None:
        of_cpu = _slow(case, stage)
        names = [name for name in names if (name in of_cpu) is slow]
    for part in parts if names else ():
        precision = part if isinstance(part, Precision) else Precision.fp32
        run = case.run("cpu" if part == "cpu" else stage.device, precision, names)
        run.context.space.require_networks(archs)
        if part != "together":
            alone = [replace(run, specs=(spec,)) for spec in run.specs]
            _fill("cpu" if part == "cpu" else "device", alone, archs, stage, pool)
        elif slow is False:
            with Workers(replace(pool.execution, workers=1)) as here:
                _fill("together", [run], archs[:_FEW], stage, here)


def _fill(name: str, runs: Sequence[ScoringRun], archs: Sequence[Architecture], stage: Stage, pool: Workers) -> None:
    """Score what a store lacks: a unit for each of the runs, which differ in their proxies, and each network."""
    whole = replace(runs[0], specs=tuple(spec for run in runs for spec in run.specs))
    with ScoreStore(stage.store(name)) as store, Commits(whole, store, pool.execution) as commits:
        units = [unit for run in runs for unit in missing_units(run, archs, store, pool.execution)]
        for result in pool.results(whole.context, units):
            commits.add(result)
            if stage.left_s <= 0:
                break


def _slow(case: Case, stage: Stage) -> set[str]:
    """The proxies that took long on some network of the case, on the CPU."""
    if not stage.store("cpu").exists():
        return set()
    run = case.run("cpu", Precision.fp32)
    with ScoreStore(stage.store("cpu"), read_only=True) as store:
        found = {spec.name: store.find(run.key(spec)).values() for spec in run.specs}
    return {name for name, scores in found.items() if max((one.seconds for one in scores), default=0.0) > _SLOW_S}
