"""Scores of every proxy on a GPU against those of the CPU, and against themselves."""

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from harness.errors import HarnessError
from harness.files.results import write_files
from harness.perf.figure import Figure
from harness.perf.gpu.cases import Case, Stage, all_cases, running
from harness.progress import Progress
from harness.protocol import Precision
from harness.scoring import ExecutionOptions, ScoringRun, missing_units
from harness.scoring.workers import Commits, Workers
from harness.space import Architecture
from harness.store import OK, Score, ScoreStore

_FEW, _SOME = 2, 10
_SLOW_S = 5.0
"""CPU seconds on a network of its case, above which a proxy is scored on more than a few networks only at the end."""

_MOST_WORKERS = 8
"""One takes up to 9 GB for networks of the size of ImageNet's, on the CPU and on the device."""

_OF_ROW = ["bench", "data_set", "proxy", "compared"]
DEVICE_TESTS = Path("tests/scoring/test_device.py")


def correctness(stage: Stage, cases: Sequence[Case] | None = None) -> Iterator[list[Figure]]:
    """What is known after each round: figures over all spaces; correctness.csv has a row for each proxy and space.

    The scores of the CPU in float32 are compared with those of the device in float32, TensorFloat-32 and bfloat16, each
    proxy alone in a worker; and those in float32 with themselves, all proxies together in this process. A few networks
    of every space come first, so that a machine that is lent for minutes has seen all of them.
    """
    yield from _rounds(stage, all_cases() if cases is None else cases, ("cpu", *_precisions(stage), "together"))


def reference(stage: Stage, cases: Sequence[Case] | None = None) -> Iterator[list[Figure]]:
    """The CPU's part of `correctness`, which takes longest, to be made elsewhere: OUT/stores goes along."""
    yield from _rounds(stage, all_cases() if cases is None else cases, ("cpu",))


def _rounds(stage: Stage, cases: Sequence[Case], parts: Sequence[Precision | str]) -> Iterator[list[Figure]]:
    left_out: dict[str, str] = {}
    with Workers(ExecutionOptions(min(max(stage.workers), _MOST_WORKERS))) as pool:
        for n, slow in ((_FEW, None), (_SOME, False), (stage.n_networks, False), (stage.n_networks, True)):
            with Progress("correctness", len(cases), "cases") as bar:
                for case in cases:
                    with suppress_as(left_out, case.name):
                        for part in parts:
                            if stage.left_s > 0:
                                _score(case, part, min(n, stage.n_networks), slow, stage, pool)
                    bar.advance()
            table = compared(cases, stage)
            write_files(stage.out, {"correctness.csv": table.to_csv(index=False, lineterminator="\n").encode()})
            yield [*_summaries(table), Figure("correctness", "spaces and tasks left out", len(left_out), "cases", 0)]
            if stage.left_s <= 0:
                break
    for name, why in left_out.items():
        print(f"{name} is left out: {why}", file=sys.stderr)


@contextmanager
def suppress_as(left_out: dict[str, str], name: str) -> Iterator[None]:
    """Note the sentence of an error that says why a case cannot be scored here."""
    try:
        yield
    except HarnessError as error:
        left_out[name] = str(error)


def device_tests(stage: Stage) -> Iterator[list[Figure]]:
    """Failures of the tests of the device, which are in the repository alone."""
    if DEVICE_TESTS.exists():
        words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(DEVICE_TESTS)]
        done = subprocess.run(words, check=False, timeout=max(stage.left_s, 1))
        yield [Figure("tests", f"{DEVICE_TESTS}: exit code of pytest", done.returncode, "", 0)]


def _precisions(stage: Stage) -> tuple[Precision, ...]:
    """TensorFloat-32 is an arithmetic of NVIDIA GPUs."""
    found = (Precision.fp32, Precision.bf16)
    return (*found, Precision.tf32) if stage.device.startswith("cuda") else found


def _score(case: Case, part: Precision | str, n: int, slow: bool | None, stage: Stage, pool: Workers) -> None:
    """One side of a comparison: the first `n` networks by the proxies that are slow, by those that are not, or all."""
    names = running() if slow is None else [name for name in running() if _is_slow(name, case, stage) is slow]
    precision = part if isinstance(part, Precision) else Precision.fp32
    if not names:
        return
    run = case.run("cpu" if part == "cpu" else stage.device, precision, names)
    archs = case.archs(n)
    run.context.space.require_networks(archs)
    if part != "together":
        _fill(
            "cpu" if part == "cpu" else "device",
            [replace(run, specs=(spec,)) for spec in run.specs],
            archs,
            stage,
            pool,
        )
    elif slow is False:
        with Workers(ExecutionOptions(1)) as here:
            _fill("together", [run], archs[:_FEW], stage, here)


def _fill(name: str, runs: Sequence[ScoringRun], archs: Sequence[Architecture], stage: Stage, pool: Workers) -> None:
    """Score what a store lacks: a unit for each of the runs, which differ in their proxies, and each network."""
    if not runs:
        return
    whole = replace(runs[0], specs=tuple(spec for run in runs for spec in run.specs))
    with ScoreStore(stage.store(name)) as store, Commits(whole, store, pool.execution) as commits:
        units = [unit for run in runs for unit in missing_units(run, archs, store, pool.execution)]
        for result in pool.results(whole.context, units):
            commits.add(result)


def _is_slow(name: str, case: Case, stage: Stage) -> bool:
    run = case.run("cpu", Precision.fp32, [name])
    with ScoreStore(stage.store("cpu"), read_only=True) as store:
        found = store.find(run.key(run.specs[0])).values()
    return max((one.seconds for one in found), default=0.0) > _SLOW_S


def compared(cases: Sequence[Case], stage: Stage) -> pd.DataFrame:
    """A row for each proxy, case and comparison, of the networks that both sides have scored.

    n: networks; n_other_status: of these, those that one side alone gives a number; largest, median: relative
    differences of components; n_differing: networks with any difference; tau: Kendall's, of the scores of both sides.
    """
    rows: list[dict[str, object]] = []
    for case in cases:
        archs = case.archs(stage.n_networks)
        with suppress(HarnessError):  # a space that cannot be built here
            sides = [(one.value, "cpu", "device", one) for one in _precisions(stage)]
            sides += [("together, in one process", "device", "together", Precision.fp32)]
            for what, first, second, precision in sides:
                usual, other = case.run("cpu", Precision.fp32), case.run(stage.device, precision)
                here, there = _found(first, usual, archs, stage), _found(second, other, archs, stage)
                for name in here.keys() & there.keys():
                    row = _row(here[name], there[name])
                    rows += [{"bench": case.bench, "data_set": case.data_set, "proxy": name, "compared": what, **row}]
    table = pd.DataFrame(rows, columns=[*_OF_ROW, "n", "n_other_status", "n_differing", "largest", "median", "tau"])
    return table[table["n"] > 0].sort_values(_OF_ROW, ignore_index=True)


def _found(name: str, run: ScoringRun, archs: Sequence[Architecture], stage: Stage) -> dict[str, list[Score | None]]:
    """The scores of a store, by proxy and in the order of `archs`; None where it has none."""
    path = stage.store(name)
    if not path.exists():
        return {}
    with ScoreStore(path, read_only=True) as store:
        return {
            spec.name: [store.find(run.key(spec)).get(arch) for arch in run.scored_as(spec, archs)]
            for spec in run.specs
        }


def _row(here: Sequence[Score | None], there: Sequence[Score | None]) -> dict[str, object]:
    pairs = list({one.arch: (one, other) for one, other in zip(here, there, strict=True) if one and other}.values())
    both = [(one.components, other.components) for one, other in pairs if one.status == other.status == OK]
    differences = np.array([max((_relative(one, other, name) for name in one), default=0.0) for one, other in both])
    sums = np.array([[sum(one.values()), sum(other.values())] for one, other in both]).reshape(-1, 2)
    return {
        "n": len(pairs),
        "n_other_status": sum(one.status != other.status for one, other in pairs),
        "n_differing": int((differences > 0).sum()),
        "largest": differences.max(initial=0.0),
        "median": float(np.median(differences)) if both else np.nan,
        "tau": kendalltau(sums[:, 0], sums[:, 1]).statistic if len(both) > 2 else np.nan,
    }


def _relative(one: Mapping[str, float], other: Mapping[str, float], name: str) -> float:
    first, second = one[name], other[name]
    if first == second or (np.isnan(first) and np.isnan(second)):
        return 0.0
    found = abs(first - second) / max(abs(first), abs(second))
    return float(found) if np.isfinite(found) else np.inf


def _summaries(table: pd.DataFrame) -> list[Figure]:
    figures = []
    for what, rows in table.groupby("compared", sort=False):
        group = f"correctness, {what}"
        figures += [
            Figure(group, "scores compared", float(rows["n"].sum()), "scores"),
            Figure(group, "defined on one side alone", float(rows["n_other_status"].sum()), "scores", 0),
            Figure(group, "scores that differ at all", float(rows["n_differing"].sum()), "scores"),
            Figure(group, "median over proxies and spaces of the largest relative difference",
                   float(rows["largest"].median()), "ratio"),
            Figure(group, "largest relative difference", float(rows["largest"].max()), "ratio"),
            Figure(group, "smallest tau", float(rows["tau"].min()), "tau"),
        ]  # fmt: skip
    return figures
