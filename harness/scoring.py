"""Scoring: which scores a run needs, which the store has, and the workers that compute the rest."""

import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

import torch
from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import TerminatedWorkerError

from harness.allocator import keep_freed_memory
from harness.engine import is_no_result, score, score_counts
from harness.errors import HarnessError
from harness.evidence.base import Setting
from harness.inputs import DATA_SETS, Batches, BatchRequest, InputKind, draw_batches
from harness.progress import Progress
from harness.protocol import Protocol
from harness.proxy import Sees
from harness.proxy_spec import ProxySpec
from harness.space import BENCHMARKS, Architecture, Execute, SearchSpace
from harness.store import Score, ScoreKey, ScoreStore

COMMIT_EVERY_S = 0.5
_COUNTED_AT_ONCE = 5_000


@dataclass(frozen=True)
class SettingSpec:
    """A setting by names: what a worker needs to make it anew, equal in every process."""

    bench: str
    data_set: str
    inputs: InputKind
    protocol: Protocol
    seed: int
    device: str

    def __post_init__(self) -> None:
        _ = self.space

    @property
    def space(self) -> SearchSpace:
        """The search space, with networks as the protocol scores them.

        Raises:
            OptionError: if it has no such networks.
        """
        protocol = self.protocol
        return BENCHMARKS.get(self.bench).as_scored(
            residuals=protocol.residuals, squeeze_excitation=protocol.squeeze_excitation
        )

    @property
    def request(self) -> BatchRequest:
        """The batches that the protocol asks for."""
        return BatchRequest(self.inputs, self.protocol.n_batches, self.protocol.batch_size, self.seed)

    def make(self, *, with_batches: bool) -> Setting:
        """The setting; batches are read or drawn only if some evidence uses inputs."""
        data_set, device = DATA_SETS.get(self.data_set), torch.device(self.device)
        batches = draw_batches(data_set, self.request).batches if with_batches else ()
        return Setting(
            space=self.space,
            data_set=data_set,
            protocol=self.protocol,
            seed=self.seed,
            batches=tuple(batch.to(device) for batch in batches),  # once for all networks
            device=device,
        )


class Unit(NamedTuple):
    """What a worker computes at once: some proxies on one architecture."""

    arch: Architecture
    execute: Execute
    specs: tuple[ProxySpec, ...]


Result = tuple[Unit, dict[str, Score]]


@dataclass(frozen=True)
class ScoringRun:
    """Proxies to be scored on architectures in one setting; `batches` is None where no proxy uses inputs."""

    setting: SettingSpec
    specs: tuple[ProxySpec, ...]
    batches: Batches | None

    def key(self, spec: ProxySpec) -> ScoreKey:
        """The whole key of the scores of one proxy; settings that it does not use are left empty."""
        proxy_class = spec.proxy_class
        uses = proxy_class.uses()
        space = BENCHMARKS.get(self.setting.bench)
        return ScoreKey(
            space=f"{space.name}@{space.version}",
            data_set=self.setting.data_set,
            inputs=self.batches.sha256 if "inputs" in uses and self.batches is not None else "",
            protocol=self.setting.protocol.key if "protocol" in uses else "",
            proxy=f"{spec.name}@{proxy_class.version}",
            options=spec.options_json,
            source=spec.digest,
            seed=self.setting.seed if "seed" in uses else -1,
        )

    def scored_as(self, spec: ProxySpec, archs: Sequence[Architecture]) -> Sequence[Architecture]:
        """What scores are computed and stored under: the architectures; for `Sees.LIVE` proxies canonical forms."""
        if spec.proxy_class.sees is Sees.LIVE:
            return BENCHMARKS.get(self.setting.bench).canonical_forms(archs)
        return archs


@dataclass(frozen=True)
class Effort:
    """How a run computes: worker processes, and whether stored scores and failures are taken as they are."""

    workers: int
    resume: bool = True
    retry_failed: bool = False


def missing_units(run: ScoringRun, archs: Sequence[Architecture], store: ScoreStore, effort: Effort) -> list[Unit]:
    """The units whose scores the store lacks, in the order of `archs`."""
    wanted: dict[tuple[Architecture, Execute], int] = {}  # a bit for each of the specs
    for position, spec in enumerate(run.specs):
        known = store.known(run.key(spec), but_failed=effort.retry_failed) if effort.resume else set()
        execute: Execute = "live" if spec.proxy_class.sees is Sees.LIVE else "all"
        for arch in run.scored_as(spec, archs):
            if arch not in known:
                wanted[arch, execute] = wanted.get((arch, execute), 0) | 1 << position
    # Units with the same specs share one tuple: telling them apart is then a matter of identity.
    specs_of = {
        bits: tuple(spec for position, spec in enumerate(run.specs) if bits >> position & 1)
        for bits in set(wanted.values())
    }
    return [Unit(arch, execute, specs_of[bits]) for (arch, execute), bits in wanted.items()]


def compute(run: ScoringRun, units: Sequence[Unit], store: ScoreStore, effort: Effort) -> None:
    """Score the units and commit the results to the store at least twice a second.

    Raises:
        HarnessError: if a worker process is killed, or memory or a file is lacking; what was committed stays.
    """
    title = f"{run.setting.bench} {run.setting.data_set}"
    counts, networks = split_units(units)
    replace = effort.retry_failed or not effort.resume
    try:
        with Progress(f"{title}, counts", len(counts)) as progress:
            _commit(run, count_units(run.setting, counts), store, progress, replace)
        with Progress(title, len(networks), "networks") as progress:
            _commit(run, _run(run.setting, networks, effort.workers), store, progress, replace)
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


def count_units(setting: SettingSpec, units: Sequence[Unit]) -> Iterator[Result]:
    """Proxies that need no network, computed in this process for many architectures at once."""
    made = setting.make(with_batches=False)
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


def _run(setting: SettingSpec, units: Sequence[Unit], workers: int) -> Iterator[Result]:
    """Proxies that run networks, in worker processes of one thread each, in the order in which they end."""
    if not units:
        return
    with_batches = any("inputs" in spec.proxy_class.uses() for unit in units for spec in unit.specs)
    with parallel_config(backend="loky", inner_max_num_threads=1):
        parallel = Parallel(min(workers, len(units)), return_as="generator_unordered", batch_size=1)
        yield from parallel(delayed(work_on)(setting, with_batches, unit, os.getpid()) for unit in units)


def split_units(units: Sequence[Unit]) -> tuple[list[Unit], list[Unit]]:
    """The units whose proxies only count, and those with a proxy that runs a network."""
    counts: list[Unit] = []
    networks: list[Unit] = []
    for specs, run in groupby(units, key=attrgetter("specs")):
        run_networks = any(spec.proxy_class.runs_network() for spec in specs)
        (networks if run_networks else counts).extend(run)
    return counts, networks


def work_on(setting: SettingSpec, with_batches: bool, unit: Unit, parent: int) -> Result:
    """One unit in a worker process, or in this one for workers=1."""
    _begin(parent)
    made = _setting(setting, with_batches)
    return unit, score(made, unit.arch, unit.execute, {spec.name: spec.make() for spec in unit.specs})


@lru_cache(maxsize=1)
def _setting(setting: SettingSpec, with_batches: bool) -> Setting:
    return setting.make(with_batches=with_batches)


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
