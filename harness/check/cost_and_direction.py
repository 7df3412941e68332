"""The slow checks: the cost of a proxy, and whether higher means better, on the embedded benchmark."""

from collections.abc import Iterator
from time import thread_time

import numpy as np
import pandas as pd
import torch

from harness.agreement import agreements
from harness.check.finding import Finding, note, passed
from harness.check.harness import BENCH, DATA_SET, CheckHarness, is_ok
from harness.evaluation.evaluation_set import open_evaluation_set
from harness.evidence.base import ScoringContext
from harness.inputs import DATA_SETS, BatchRequest, draw_batches
from harness.progress import Progress
from harness.protocol import Protocol
from harness.proxy import PROXIES, Proxy, Sees
from harness.scoring.engine import score
from harness.settings import Settings
from harness.space import BENCHMARKS, Architecture, Execute

YARDSTICK = "zico"
BUDGET_S = 8.0
FEWEST, MOST = 12, 150
EXPENSIVE = 20  # times the cost of the reference proxy


def check_judgement(harness: CheckHarness) -> Iterator[Finding]:
    """Cost compared with zico and params, then direction."""
    protocol = Protocol()
    data_set = DATA_SETS.get(DATA_SET)
    batches = draw_batches(data_set, BatchRequest()).batches
    context = ScoringContext(BENCHMARKS.get(BENCH), data_set, protocol, 0, batches, torch.device("cpu"))
    evaluated = open_evaluation_set(context.space, data_set, Settings(sample=MOST), None)
    own = _seconds(harness, harness.proxy, context, evaluated.archs[:3])
    yield _cost(harness, own, context, evaluated.archs[:3])
    n = int(np.clip(BUDGET_S / max(own, 1e-9), FEWEST, MOST))
    yield _direction(harness, context, n)


def _cost(harness: CheckHarness, own: float, context: ScoringContext, archs: tuple[Architecture, ...]) -> Finding:
    yardstick, counted = (_seconds(harness, PROXIES.get(name)(), context, archs) for name in (YARDSTICK, "params"))
    text = (
        f"{1000 * own:.3g} CPU ms per network of the embedded benchmark, {own / yardstick:.2g} times {YARDSTICK} "
        f"({1000 * yardstick:.3g} ms; params {1000 * counted:.2g} ms)"
    )
    if own > EXPENSIVE * yardstick:
        return note("cost", f"{text}; check for passes whose results are already in shared evidence")
    return passed("cost", text)


def _seconds(harness: CheckHarness, proxy: Proxy, context: ScoringContext, archs: tuple[Architecture, ...]) -> float:
    """The median over the networks, after one warm-up."""
    execute: Execute = "live" if proxy.sees is Sees.LIVE else "all"
    with harness.caught():
        timed = []
        for arch in (archs[0], *archs):
            started = thread_time()
            score(context, arch, execute, {"timed": proxy})
            timed.append(thread_time() - started)
    return float(np.median(timed[1:]))


def _direction(harness: CheckHarness, context: ScoringContext, n: int) -> Finding:
    evaluated = open_evaluation_set(context.space, context.data_set, Settings(sample=n), None)
    scored_as = list(evaluated.classes) if harness.proxy.sees is Sees.LIVE else list(evaluated.archs)
    found = {}
    with Progress("direction", len(set(scored_as)), "networks") as progress:
        for arch in dict.fromkeys(scored_as):
            found[arch] = harness.score(arch, context)
            progress.advance()
    table = pd.DataFrame([dict(found[arch].components) if is_ok(found[arch]) else {} for arch in scored_as])
    if not len(table.columns):
        return note("direction", "no scores to compare with the ground truth")
    values = harness.proxy.combine(table)
    sample = evaluated.sample
    agreement = agreements({harness.name: values}, sample)[harness.name]
    tau, (low, high) = agreement.correlations.tau, agreement.tau_generalisation
    text = f"tau {tau:.2f} [{low:.2f}, {high:.2f}] with the embedded ground truth of {agreement.counts.n} cells"
    if high < 0:
        return note("direction", f"{text}: clearly negative. Higher must mean better; is the sign reversed?")
    return passed("direction", f"{text}; no sign of a reversed direction (not a measure of quality)")
