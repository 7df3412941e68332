"""The test harness for a proxy: cells of the embedded benchmark, small batches of noise, and the runs of the proxy."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from harness.check.devices import Redirected
from harness.check.side_effects import differing, evidence_digest
from harness.evidence import Evidence, Subject
from harness.evidence.base import ScoringContext, Undefined
from harness.inputs import DATA_SETS, Batch, BatchRequest, InputKind, draw_batches
from harness.protocol import Protocol
from harness.proxy import PROXIES, Proxy, Sees
from harness.randomness import isolated
from harness.scoring.arithmetic import single_thread
from harness.scoring.engine import score_subject
from harness.space import BENCHMARKS, Architecture, Execute
from harness.store import OK, Score

BENCH, DATA_SET, BATCH_SIZE = "nats_tss", "digits", 8

ORDINARY: Final = (
    "|nor_conv_3x3~0|+|nor_conv_1x1~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|",
    "|skip_connect~0|+|nor_conv_3x3~0|none~1|+|nor_conv_1x1~0|none~1|skip_connect~2|",
    "|nor_conv_1x1~0|+|avg_pool_3x3~0|skip_connect~1|+|none~0|nor_conv_3x3~1|avg_pool_3x3~2|",
)
DEAD: Final = "|nor_conv_3x3~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"
ALL_NONE: Final = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
SKIP_ONLY: Final = "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|skip_connect~2|"
# Pairs of equal functions: with a different dead operation, and with the same path through another node.
TWINS: Final = (
    (DEAD, "|avg_pool_3x3~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|"),
    (
        "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|nor_conv_1x1~1|none~2|",
        "|none~0|+|nor_conv_3x3~0|none~1|+|none~0|none~1|nor_conv_1x1~2|",
    ),
)
TASK: Final = ("transnas_micro", "room_layout", "64-41414-0_00_100")  # the cheapest task without classes


@dataclass(frozen=True)
class CheckHarness:
    """A proxy with its name, and the runs that the checks consist of.

    `redirect` is true if the proxy requests a GPU regardless of the device: its calls are then redirected to the CPU,
    so that the other checks can run.
    """

    name: str
    proxy: Proxy
    redirect: bool = False

    @property
    def execute(self) -> Execute:
        """The operations that the engine executes for it."""
        return "live" if self.proxy.sees is Sees.LIVE else "all"

    @cached_property
    def ordinary(self) -> tuple[Score, ...]:
        """Its scores of the ordinary cells, cached."""
        return tuple(self.score(cell) for cell in ORDINARY)

    def subject(self, cell: str, context: ScoringContext | None = None) -> Subject:
        """A new subject, by default with the small batches."""
        return Subject(context or small_context(), Architecture(cell), self.execute)

    def score(self, cell: str, context: ScoringContext | None = None) -> Score:
        """The proxy's score as computed by the engine."""
        return self.score_on(self.subject(cell, context))

    def score_on(self, subject: Subject) -> Score:
        """The proxy's score on a subject."""
        return self.scores_on(subject, {})[self.name]

    def scores_on(self, subject: Subject, others: Mapping[str, Proxy], *, comes_first: bool = True) -> dict[str, Score]:
        """Its score and those of others, with its own passes before or after theirs."""
        own = {self.name: self.proxy}
        with self.caught(), unharmed():
            return score_subject(subject, {**own, **others} if comes_first else {**others, **own})

    def measure_unprotected(self, subject: Subject) -> list[str]:
        """Collect and measure without the engine's fork of the generators; returns the changes in the evidence.

        Exceptions are reported by other checks and ignored here.
        """
        kinds = list(self.proxy.evidence().values())
        evidence: list[Evidence] = []
        contents: list[dict[str, object]] = []
        with self.caught():
            try:
                for kind in kinds:
                    one = kind.collect_all(subject, [kind])[0]
                    if isinstance(one, Undefined):
                        return []
                    evidence.append(one)
                contents += map(evidence_digest, evidence)
                measure: Any = self.proxy.measure
                measure(*evidence)
            except (Exception, SystemExit):
                return []
        return [
            f"{type(one).__name__}.{what}"
            for one, before in zip(evidence, contents, strict=True)
            for what in differing(before, evidence_digest(one))
        ]

    @contextmanager
    def caught(self) -> Iterator[None]:
        """A context in which calls that name a GPU are redirected to the CPU, if `redirect`."""
        if self.redirect:
            with Redirected():
                yield
        else:
            yield


@contextmanager
def unharmed() -> Iterator[None]:
    """One thread, forked generators, and the settings of `side_effects.global_settings` restored afterwards."""
    dtype, gradients = torch.get_default_dtype(), torch.is_grad_enabled()
    exact = torch.are_deterministic_algorithms_enabled()
    environment, folder, path = dict(os.environ), Path.cwd(), list(sys.path)
    with single_thread(), isolated("examination"), np.errstate():
        try:
            yield
        finally:
            torch.set_default_dtype(dtype)
            torch.set_grad_enabled(gradients)
            torch.use_deterministic_algorithms(exact)
            os.chdir(folder)
            sys.path[:] = path
            if dict(os.environ) != environment:
                os.environ.clear()
                os.environ.update(environment)


@cache
def small_context(protocol: Protocol | None = None) -> ScoringContext:
    """The embedded benchmark with two noise batches."""
    return _context(BENCH, DATA_SET, protocol or Protocol(batch_size=BATCH_SIZE))


@cache
def task_context() -> ScoringContext:
    """A regression task with two images."""
    return _context(TASK[0], TASK[1], Protocol(batch_size=2))


@cache
def duplicated_context() -> ScoringContext:
    """Batches that repeat their first image."""
    context = small_context()
    batches = tuple(Batch(batch.images[:1].expand_as(batch.images).clone(), batch.targets) for batch in context.batches)
    return replace(context, batches=batches)


@cache
def one_class_context() -> ScoringContext:
    """Batches in which all images are of the first one's class."""
    context = small_context()
    batches = tuple(Batch(one.images, one.targets[:1].expand_as(one.targets).clone()) for one in context.batches)
    return replace(context, batches=batches)


def on_device(device: str) -> ScoringContext:
    """The small context on another device."""
    return replace(small_context(), device=torch.device(device))


def make_outputs_constant(network: nn.Module) -> None:
    """Zero the last linear layer, so that the outputs do not depend on the image."""
    *_, last = (module for module in network.modules() if isinstance(module, nn.Linear))
    with torch.no_grad():
        last.weight.zero_()


@cache
def companions(execute: Execute) -> tuple[dict[str, Proxy], dict[str, Score]]:
    """Proxies that use the common passes, with their scores of the first cell when run without others."""
    names = ("params", "zico", "naswot", "grad_norm", "synflow")
    proxies: dict[str, Proxy] = {name: PROXIES.get(name)() for name in names}
    subject = Subject(small_context(), Architecture(ORDINARY[0]), execute)
    return proxies, score_subject(subject, proxies)


def _context(bench: str, data_set_name: str, protocol: Protocol) -> ScoringContext:
    data_set = DATA_SETS.get(data_set_name)
    request = BatchRequest(InputKind.noise, protocol.n_batches, protocol.batch_size, 0)
    batches = draw_batches(data_set, request).batches
    return ScoringContext(BENCHMARKS.get(bench), data_set, protocol, 0, batches, torch.device("cpu"))


def is_ok(score: Score) -> bool:
    """Whether the score is a number."""
    return score.status == OK
