"""What an evaluation would cost: what remains to be scored, and seconds and memory from a short measurement here."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.evaluation.provenance import Asked
from harness.evaluation.request import open_request
from harness.scoring import ContextSpec, ExecutionOptions, ScoringRun, Unit, missing_units
from harness.scoring.engines import Died
from harness.scoring.pool import Pool
from harness.scoring.shards import archs_of_shard, network_costs
from harness.scoring.unit_groups import split_units
from harness.scoring.worker import Done, Job
from harness.space import Architecture
from harness.store.reading import stored_for_reading

_QUANTILES = (0.1, 0.5, 0.9)
_MOST_WORKERS = (1, 16, 64)


@dataclass(frozen=True)
class Measured:
    """One network that was scored for the forecast.

    Attributes:
        cost: analytic, see `network_costs`.
        seconds: CPU seconds, on a GPU seconds of wall time, of all proxies together.
        peak_bytes: resident memory of the worker process, at most.
    """

    cost: float
    seconds: float
    peak_bytes: int


@dataclass(frozen=True)
class Forecast:
    """What one evaluation set would cost.

    Attributes:
        name: (benchmark, data set).
        n_archs: architectures, of the shard if there is one.
        n_known: scores that the store has.
        n_scores: scores that are wanted.
        n_units: what remains, over all seeds: an architecture as a network of all operations, or of its live ones.
        seconds: that these take, about.
        measured: on which networks the estimate is based.
    """

    name: tuple[str, str]
    n_archs: int
    n_known: int
    n_scores: int
    n_units: int
    seconds: float
    measured: Sequence[Measured]


def forecast(asked: Asked) -> list[Forecast]:
    """Estimate what an evaluation costs; nothing is stored.

    Raises:
        HarnessError: for a user error or missing data.
    """
    opened, settings = open_request(asked), asked.settings
    execution, found = ExecutionOptions.of(settings), []
    with stored_for_reading(settings.store_path) as store:
        for at, (evaluated, _, _) in enumerate(opened.found):
            runs = opened.all_runs(at)
            archs: Sequence[Architecture] = evaluated.archs
            if settings.part is not None:
                archs = archs_of_shard(runs[0], archs, settings.part)
            n_known = n_scores = n_units = 0
            seconds, measured = 0.0, list[Measured]()
            for run in runs:
                for spec in run.specs:
                    wanted = set(run.scored_as(spec, archs))
                    n_scores += len(wanted)
                    n_known += len(wanted & store.known(run.key(spec), but_failed=execution.retry_failed))
                single = tuple(part for spec in run.specs for part in (spec.parts.values() or [spec]))
                whole = ScoringRun(run.context, tuple(dict.fromkeys(single)), run.batches)
                units = split_units(missing_units(whole, archs, store, execution))[1]
                n_units += len(units)
                of_run, points = _estimated(whole, units)
                seconds, measured = seconds + of_run, [*measured, *points]
            found.append(Forecast(evaluated.name, len(archs), n_known, n_scores, n_units, seconds, measured))
    return found


def lines(found: Sequence[Forecast], asked: Asked) -> Iterator[str]:
    """The forecast in words."""
    settings = asked.settings
    unit = "CPU" if settings.device == "cpu" else "GPU"
    for one in found:
        part = f" of shard {settings.part}" if settings.part is not None else ""
        yield (
            f"{' / '.join(one.name)}: {one.n_archs:,} architectures{part}; the store has {one.n_known:,} of "
            f"{one.n_scores:,} scores; {one.n_units:,} units remain to be scored (an architecture with all operations, "
            "or with its live ones)."
        )
        if one.measured:
            times = [point.seconds for point in one.measured]
            yield (
                f"  {len(times)} units measured here: {min(times):.2g} to {max(times):.2g} {unit} s each; "
                f"all that remain: about {one.seconds:,.0f} {unit} s."
            )
    total = sum(one.seconds for one in found)
    n_here = settings.n_workers
    counts = sorted({n_here, *_MOST_WORKERS})
    hours = ", ".join(f"{_hours(total / n)} with {n} worker{'s' * (n > 1)}" for n in counts)
    yield f"In total about {total:,.0f} {unit} s: {hours}, on processors as this one."
    peaks = [point.peak_bytes for one in found for point in one.measured]
    if peaks:
        each = max(peaks) / 2**30
        yield (
            f"Memory: at most {each:.2f} GiB per worker ({each * n_here:.1f} GiB with {n_here}), including what "
            "workers share."
        )
    yield "Nothing was stored. The same command without dry_run=true scores."


def _hours(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:,.2f} h" if hours >= 0.01 else "under 0.01 h"


def _estimated(run: ScoringRun, units: Sequence[Unit]) -> tuple[float, list[Measured]]:
    """Seconds that some units take, from a few of them of small, middle and large cost."""
    seconds, measured = 0.0, []
    for specs in dict.fromkeys(unit.specs for unit in units):
        alike = [unit for unit in units if unit.specs is specs or unit.specs == specs]
        costs = network_costs(run, [unit.arch for unit in alike], live=alike[0].execute == "live")
        order = np.argsort(costs, kind="stable")
        rows = list(dict.fromkeys(int(order[round(q * (order.size - 1))]) for q in _QUANTILES))
        points = _measured(run.context, [alike[row] for row in rows], costs[rows])
        measured += points
        at = np.array([point.cost for point in points])
        taken = np.array([point.seconds for point in points])
        # Between the measured costs linear, beyond them in proportion.
        estimate = np.interp(costs, at, taken) * np.where(costs > at[-1], costs / at[-1], 1.0)
        seconds += float(np.where(costs < at[0], taken[0] * costs / at[0], estimate).sum())
    return seconds, measured


def _measured(context: ContextSpec, units: Sequence[Unit], costs: NDArray[np.float64]) -> list[Measured]:
    """Units scored one after the other in one worker process; the first one twice, since it meets a cold start."""
    pool, found = Pool(1, None), []
    with_batches = any("inputs" in spec.proxy_class.uses() for unit in units for spec in unit.specs)
    try:
        for unit, cost in zip([units[0], *units], [costs[0], *costs], strict=True):
            started = time.monotonic()
            ((_, outcome),) = pool.run([Job(context, with_batches, (unit,))])
            if not isinstance(outcome, Done):
                said = outcome.how if isinstance(outcome, Died) else f"lacks something: {outcome.text}"
                raise HarnessError(f"The network {unit.arch} could not be measured: its process {said}.")
            wall_s = time.monotonic() - started
            taken = outcome.usage.cpu_s if context.device == "cpu" else wall_s
            found.append(Measured(float(cost), taken, outcome.usage.peak_bytes))
    finally:
        pool.close()
    return found[1:]
