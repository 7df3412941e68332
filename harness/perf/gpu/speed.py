"""ZiCo on NATS-Bench topology at the paper's protocol: networks per second by workers, and what bounds them."""

import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random

from torch._C._autograd import DeviceType

from harness.errors import HarnessError
from harness.files.results import write_files
from harness.inputs import InputKind, draw_batches
from harness.perf.figure import BENCH, DATA_SET, Bench, Figure
from harness.perf.gpu.cases import Stage
from harness.perf.gpu.utilisation import Utilisation
from harness.perf.networks import plain_zico
from harness.protocol import Precision, Protocol
from harness.proxy import PROXIES
from harness.scoring import ContextSpec, ExecutionOptions, ScoringRun
from harness.scoring.arithmetic import products_of, single_thread
from harness.scoring.engine import score
from harness.scoring.proxy_spec import parse_proxies
from harness.scoring.run import Unit
from harness.scoring.workers import Workers
from harness.space import BENCHMARKS
from harness.store import FAILED, OK

_WHOLE_S = 60.0  # the target for all of NATS-Bench topology on one H100 or H200
_TIMES_AUTHORS = 10.0
_MEASURED_S = 10.0
_PLAIN = 20


def speed(stage: Stage, protocol: Protocol | None = None) -> Iterator[list[Figure]]:
    """Networks per second with each number of workers, after each; then beside plain loops, as ratios of one run."""
    run = _run("zico", stage, protocol)
    units = _units(run)
    figures: list[Figure] = []
    fastest = 0.0
    for n in stage.workers:
        if stage.left_s <= 0:
            break
        rate, used = _rate(run, units, n)
        fastest = max(fastest, rate)
        name = f"{n} worker{'s' * (n > 1)}"
        figures.append(Figure("speed", f"{name}: zico", rate, "networks per s"))
        figures.append(
            Figure("speed", f"{name}: all {len(units):,} networks, projected", len(units) / rate, "s", _WHOLE_S)
        )
        if used.share is not None:
            figures.append(Figure("speed", f"{name}: utilisation of the GPU", used.share, "%"))
            each = (max(used.mebibytes) - used.before) / n
            figures.append(Figure("speed", f"{name}: memory of the GPU taken, each", each, "MiB"))
        yield figures
    figures += _beside_loops(stage, units, protocol, fastest)
    yield figures


def _run(word: str, stage: Stage, protocol: Protocol | None) -> ScoringRun:
    context = ContextSpec(BENCH, DATA_SET, InputKind.noise, protocol or Protocol(), 0, stage.device)
    specs = tuple(parse_proxies([word], {}))
    return ScoringRun(context, specs, draw_batches(context.find_data_set(), context.request))


def _units(run: ScoringRun) -> list[Unit]:
    """One for each network of the space, in a random order."""
    (spec,) = run.specs
    archs = list(dict.fromkeys(run.scored_as(spec, BENCHMARKS.get(BENCH).architectures)))
    Random(0).shuffle(archs)
    return [Unit(arch, "live", run.specs) for arch in archs]


def _rate(run: ScoringRun, units: Sequence[Unit], n: int) -> tuple[float, Utilisation]:
    """Networks per second of `n` workers that have begun, in about ten seconds, and what the GPU did then.

    Raises:
        HarnessError: where one failed, so that nothing was measured.
    """
    warm, left = units[: 2 * n], units[2 * n :]
    with Utilisation(run.context.device) as used, Workers(ExecutionOptions(n)) as workers:
        _scored(workers, run, warm)  # processes and libraries begin
        started = time.perf_counter()
        _scored(workers, run, left[:n])
        rounds = _MEASURED_S / (time.perf_counter() - started)
        timed = left[n : n * (2 + max(1, round(rounds)))]
        used.shares.clear()
        started = time.perf_counter()
        _scored(workers, run, timed)
        return len(timed) / (time.perf_counter() - started), used


def _scored(workers: Workers, run: ScoringRun, units: Sequence[Unit]) -> None:
    for unit, scores in workers.results(run.context, units):
        for name, found in scores.items():
            if found.status == FAILED:
                raise HarnessError(f"{name} failed on {unit.arch}, so that its speed says nothing: {found.reason}")


def _beside_loops(stage: Stage, units: Sequence[Unit], protocol: Protocol | None, fastest: float) -> Iterator[Figure]:
    """The same networks and batches in a plain loop of this project, and by the authors' code where it is given."""
    if stage.authors:
        authors = _run(stage.authors, stage, protocol)
        rate = _authors_rate(authors, [Unit(unit.arch, "all", authors.specs) for unit in units[: 3 * _PLAIN]])
        yield Figure("speed", "the authors' code, one process", rate, "networks per s")
        if rate:
            ratio = fastest / rate
            yield Figure("speed", "fastest over the authors' code", ratio, "times as fast", _TIMES_AUTHORS, False)
    size = (protocol or Protocol()).batch_size
    bench = Bench(_PLAIN, 0, InputKind.noise, size, stage.device)
    archs = [unit.arch for unit in units[:_PLAIN]]
    with single_thread(), products_of(Precision.fp32):
        plain_zico(bench, archs[0])
        started = time.perf_counter()
        for arch in archs:
            plain_zico(bench, arch)
    rate = len(archs) / (time.perf_counter() - started)
    yield Figure("speed", "plain loop, every operation, one process", rate, "networks per s")
    yield Figure("speed", "fastest over the plain loop", fastest / rate, "times as fast")


def _authors_rate(run: ScoringRun, units: Sequence[Unit]) -> float:
    """Networks per second of somebody's function, of those that it does not fail on; 0 where it fails on all."""
    with Workers(ExecutionOptions(1)) as workers:
        seen = [(unit, score) for unit, scores in workers.results(run.context, units) for score in scores.values()]
        working = [unit for unit, score in seen if score.status == OK][:_PLAIN]
        if not working:
            print(f"{run.specs[0].name} fails on {len(seen)} networks: {seen[0][1].reason}", file=sys.stderr)
            return 0.0
        started = time.perf_counter()
        n_done = sum(1 for _ in workers.results(run.context, working))
        return n_done / (time.perf_counter() - started)


def profile(stage: Stage, protocol: Protocol | None = None) -> Iterator[list[Figure]]:
    """What one worker does: launches and time of kernels beside the time that passes; profile.txt lists operations."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as profiled

    run = _run("zico", stage, protocol)
    context, proxies = run.context.make(with_batches=True), {"zico": PROXIES.get("zico")()}
    archs = [unit.arch for unit in islice(_units(run), _PLAIN)]
    for arch in archs[:3]:
        score(context, arch, "live", proxies)
    is_gpu = stage.device.startswith("cuda")
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if is_gpu else [])]
    started = time.perf_counter()
    for arch in archs:
        score(context, arch, "live", proxies)
    wall = time.perf_counter() - started
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # that its events are cleared at the end, in torch 2.11
        with profiled(activities=activities) as seen:
            for arch in archs:
                score(context, arch, "live", proxies)
    found = seen.key_averages()
    column = "self_device_time_total" if is_gpu else "self_cpu_time_total"
    wanted = DeviceType.CUDA if is_gpu else DeviceType.CPU  # a kernel's time is that of its operation, too
    kernels = sum(getattr(one, column) for one in found if one.device_type == wanted) / 1e6
    launches = sum(one.count for one in found if "LaunchKernel" in one.key)
    text = found.table(sort_by=column, row_limit=40, max_name_column_width=80)
    write_files(stage.out, {"profile.txt": text.encode()})
    n = len(archs)
    yield [
        Figure("profile", "one network, wall time", 1e3 * wall / n, "ms"),
        Figure("profile", "kernels of one network" if is_gpu else "operations of one network", 1e3 * kernels / n, "ms"),
        Figure("profile", "share of the time in which kernels run", kernels / wall, "ratio"),
        Figure("profile", "launches for one network", launches / n, "launches"),
    ]
