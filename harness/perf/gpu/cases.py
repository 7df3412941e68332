"""What the stages share: the machine's device, where results go, how long there is, and networks of every space."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from math import prod
from pathlib import Path
from random import Random

from harness.inputs import DATA_SETS, Batches, BatchRequest, InputKind, draw_batches
from harness.protocol import Precision, Protocol
from harness.proxy import PROXIES
from harness.scoring import ContextSpec, ScoringRun
from harness.scoring.proxy_spec import parse_proxies
from harness.space import BENCHMARKS, Architecture

_TASKS = {
    "nats_tss": ("cifar10",),
    "transnas_micro": ("class_scene", "segmentsemantic", "autoencoder"),
    "nasbench_mr": ("cls_50_1000", "seg"),
}
"""Data sets of spaces of which the first is not enough: networks differ by task."""


@dataclass(frozen=True)
class Stage:
    """What a stage is given.

    Attributes:
        device: cuda, or cpu to try the stages where there is no GPU.
        out: folder of results; stores of scores are in out/stores.
        n_networks: of each space.
        workers: numbers of worker processes that are compared; the last is used where one number is needed.
        authors: FILE.py:FUNCTION of somebody's ZiCo, empty for none.
        is_brought: whether the CPU's scores were made elsewhere, and what they lack is not to be scored here.
        until: by time.monotonic(), after which nothing new is begun.
    """

    device: str
    out: Path
    n_networks: int = 40
    workers: tuple[int, ...] = (1, 2, 4, 8, 12, 16)
    authors: str = ""
    is_brought: bool = False
    until: float = field(default_factory=lambda: time.monotonic() + 540)

    @property
    def left_s(self) -> float:
        """Seconds that are left."""
        return self.until - time.monotonic()

    def store(self, name: str) -> Path:
        """The path of a store of scores."""
        folder = self.out / "stores"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"{name}.sqlite"


@dataclass(frozen=True)
class Case:
    """Networks of a space on a data set, scored by all proxies that run networks and repeat, on noise."""

    bench: str
    data_set: str

    @property
    def name(self) -> str:
        """As it is called."""
        return f"{self.bench} {self.data_set}"

    def archs(self, n: int) -> list[Architecture]:
        """The first `n` of random architectures; fewer where the space has fewer."""
        space, source = BENCHMARKS.get(self.bench), Random(0)
        drawn = dict.fromkeys(space.random(source) for _ in range(20 * n))
        return list(islice(drawn, n))

    def run(self, device: str, precision: Precision, proxies: Sequence[str] = ()) -> ScoringRun:
        """Their scoring on a device: `proxies`, or all."""
        protocol = Protocol(n_batches=2, batch_size=4, dtype=precision)
        context = ContextSpec(self.bench, self.data_set, InputKind.noise, protocol, 0, device)
        specs = tuple(parse_proxies(proxies or running(), {}))
        return ScoringRun(context, specs, _drawn(self.data_set, context.request))


@cache
def _drawn(data_set: str, request: BatchRequest) -> Batches:
    """Batches, which are the same on every device and in every precision."""
    return draw_batches(DATA_SETS.get(data_set), request)


def running() -> list[str]:
    """The proxies that run networks and give the same score each time, without those made of the scores of others."""
    kinds = {name: PROXIES.get(name) for name in sorted(PROXIES)}
    alone = {spec.name for spec in parse_proxies(list(kinds), {}) if not spec.parts}
    return [name for name, kind in kinds.items() if name in alone and kind.runs_network() and kind.deterministic]


def all_cases() -> list[Case]:
    """One or more for every registered space, those of small inputs first."""
    found = [
        Case(bench, data_set)
        for bench in sorted(BENCHMARKS)
        for data_set in _TASKS.get(bench, BENCHMARKS.get(bench).data_sets[:1])
    ]
    return sorted(found, key=lambda case: prod(DATA_SETS.get(case.data_set).shape))
