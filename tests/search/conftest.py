"""A search on the embedded benchmark, without its report."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import pytest

from harness.ensembles import ENSEMBLES
from harness.evaluation.costs import Budget, Cost, open_costs
from harness.inputs import DATA_SETS, InputKind
from harness.protocol import Protocol
from harness.scoring import ContextSpec, ExecutionOptions
from harness.scoring.proxy_spec import parse_proxies
from harness.search.lockstep import run_searches
from harness.search.objective import Objective
from harness.search.run import SearchRun, SearchTask
from harness.search.settings import SearchSettings
from harness.searchers import SEARCHERS
from harness.settings import Settings
from harness.space import BENCHMARKS
from harness.store import ScoreStore

PROTOCOL = Protocol(batch_size=8)
TSS, SSS = (
    ContextSpec(bench, data_set, InputKind.real, PROTOCOL, 0, "cpu")
    for bench, data_set in (("nats_tss", "digits"), ("nats_sss", "cifar10"))
)


@cache
def cost(name: str, context: ContextSpec) -> Cost:
    """A cost, which remembers what it has counted."""
    return open_costs([name], context)[name]


@pytest.fixture
def sizes() -> ContextSpec:
    """NATS-SSS, to be given to `run`."""
    return SSS


@pytest.fixture
def run(tmp_path) -> Callable[..., list[SearchRun]]:
    """Runs a searcher, by default on NATS-TSS with the digits; equal `store` names share scores."""

    def search_runs(
        searcher: str,
        *proxies: str,
        seeds: int = 1,
        budget: Mapping[str, float] = {},  # never changed
        minimised: tuple[str, ...] = (),
        ensemble: str | None = None,
        options: Mapping[str, int] = {},  # never changed
        context: ContextSpec = TSS,
        store: str = "scores",
        **others: object,
    ) -> list[SearchRun]:
        settings = SearchSettings(base=Settings(seeds=seeds, protocol=PROTOCOL), **others)
        limits = {cost(name, context): limit for name, limit in budget.items()}
        objective = Objective(
            tuple(parse_proxies(proxies, {})),
            None if ensemble is None else (ensemble, ENSEMBLES.get(ensemble)()),
            tuple(cost(name, context) for name in minimised),
        )
        space, data_set = BENCHMARKS.get(context.bench), DATA_SETS.get(context.data_set)
        chosen = SEARCHERS.get(searcher)(**options)
        task = SearchTask(space, data_set, searcher, chosen, objective, Budget(limits), settings)
        with ScoreStore(Path(tmp_path / f"{store}.sqlite")) as opened:
            return run_searches(task, context, opened, ExecutionOptions(workers=1))[0]

    return search_runs


@pytest.fixture
def half_broken(tmp_path) -> str:
    """A proxy in a file that is NaN where it would be best, and raises on a third of the rest."""
    path = tmp_path / "half_broken.py"
    path.write_text(
        '"""Fails on purpose."""\n'
        "from dataclasses import dataclass\n"
        "from typing import ClassVar\n"
        "from harness.evidence import Layers\n"
        "from harness.proxy import PROXIES, Proxy, Sees\n\n\n"
        '@PROXIES.register("half_broken")\n'
        "@dataclass(frozen=True)\n"
        "class HalfBroken(Proxy):\n"
        '    """Weights, where it works."""\n\n'
        "    version: ClassVar[int] = 1\n"
        "    sees: ClassVar[Sees] = Sees.LIVE\n\n"
        "    def measure(self, layers: Layers) -> float:\n"
        "        n = float(layers.sum(layers.n_weights * layers.live)[0])\n"
        "        if n > 50000:\n"
        '            return float("nan")\n'
        "        if n % 5 == 1:\n"
        '            raise RuntimeError("not today")\n'
        "        return n\n"
    )
    return str(path)
