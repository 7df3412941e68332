"""A signal that arrives while a network is scored ends the run; it is no failure of the proxy that was measured."""

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch

from harness.cli.command import Stopped
from harness.evidence import FirstBatchGradients
from harness.evidence.base import ScoringContext
from harness.evidence.task import TaskEvidence
from harness.inputs import DATA_SETS, BatchRequest, InputKind, draw_batches
from harness.protocol import Protocol
from harness.proxy import PROXIES, Proxy, Sees
from harness.scoring.engine import said, score
from harness.scoring.guard import Guard
from harness.space import BENCHMARKS
from harness.store import FAILED

STOPS = [KeyboardInterrupt(), Stopped("SIGTERM"), Stopped("SIGHUP")]
ARCH = BENCHMARKS.get("nats_tss").architectures[11]


@pytest.fixture(scope="module")
def context() -> ScoringContext:
    digits = DATA_SETS.get("digits")
    batches = draw_batches(digits, BatchRequest(InputKind.noise, 2, 8, 0)).batches
    return ScoringContext(BENCHMARKS.get("nats_tss"), digits, Protocol(batch_size=8), 0, batches, torch.device("cpu"))


@dataclass(frozen=True)
class Signalled(Proxy):
    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.LIVE
    stop: BaseException

    def measure(self, gradients: FirstBatchGradients) -> float:
        raise self.stop


class UnprintableError(Exception):
    def __init__(self, stop: BaseException) -> None:
        self.stop = stop

    def __str__(self) -> str:
        raise self.stop


@pytest.mark.parametrize("stop", STOPS)
def test_while_a_proxy_is_measured(stop, context):
    with pytest.raises(type(stop)):
        score(context, ARCH, "live", {"signalled": Signalled(stop)})
    in_worker = score(context, ARCH, "live", {"signalled": Signalled(stop)}, Guard(in_worker=True))
    assert in_worker["signalled"].status == FAILED  # no user signals a worker: the proxy raised it


@pytest.mark.parametrize("stop", STOPS)
def test_during_a_pass(stop, context, monkeypatch):
    def stopped(*arguments: object) -> None:
        raise stop

    monkeypatch.setattr(TaskEvidence, "collect_all", stopped)
    with pytest.raises(type(stop)):
        score(context, ARCH, "live", {"grad_norm": PROXIES.get("grad_norm")()})


@pytest.mark.parametrize("stop", STOPS)
def test_while_an_error_of_a_proxy_is_told(stop):
    with pytest.raises(type(stop)):
        said(UnprintableError(stop))
