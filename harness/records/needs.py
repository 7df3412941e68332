"""What a proxy asks for, observed on one small network: images, labels, a backward pass."""

import dataclasses
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import torch
from torch.autograd.profiler import profile

from harness.errors import HarnessError
from harness.evidence.base import ScoringContext
from harness.inputs import Batch, InputKind
from harness.protocol import Protocol
from harness.proxy import Proxy, Sees
from harness.records.record import Needs
from harness.scoring import ContextSpec
from harness.scoring.engine import score
from harness.scoring.proxy_spec import ProxySpec
from harness.space import Architecture, Execute
from harness.store import OK

_BENCH, _DATA_SET = "nats_tss", "digits"
_ARCH = "|nor_conv_3x3~0|+|nor_conv_1x1~0|skip_connect~1|+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_3x3~2|"
_ENGINE = "autograd::engine"


@cache
def needs_of(spec: ProxySpec) -> Needs:
    """What a proxy asks for; what cannot be observed is None.

    It is scored on noise, with the autograd engine watched, and again with every label replaced by the next one.
    """
    proxy = spec.make()
    images = "inputs" in proxy.uses()
    if not proxy.runs_network():
        return Needs(images=False, labels=False, backward=False)
    try:
        protocol = Protocol(n_batches=max(2, proxy.min_batches), batch_size=16)
        named = ContextSpec(_BENCH, _DATA_SET, InputKind.noise, protocol, 0, "cpu")
        context = named.make(with_batches=images)
        with warnings.catch_warnings(), _quiet(), profile(use_kineto=False) as watched:
            warnings.simplefilter("ignore")
            first = _score(context, spec.name, proxy)
        backward = any(event.name.startswith(_ENGINE) for event in watched.function_events or ())
        if first is None:
            return Needs(images=images, backward=backward or None)
        if not images:
            return Needs(images=False, labels=False, backward=backward)
        second = _score(dataclasses.replace(context, batches=_relabelled(context)), spec.name, proxy)
        return Needs(images=True, labels=None if second is None else second != first, backward=backward)
    except (HarnessError, RuntimeError):  # a proxy for another kind of network
        return Needs(images=images)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep from the terminal what torch's profiler writes to the process's standard error."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("w") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _score(context: ScoringContext, name: str, proxy: Proxy) -> dict[str, float] | None:
    execute: Execute = "live" if proxy.sees is Sees.LIVE else "all"
    found = score(context, Architecture(_ARCH), execute, {name: proxy})[name]
    return dict(found.components) if found.status == OK else None


def _relabelled(context: ScoringContext) -> tuple[Batch, ...]:
    n_classes = context.data_set.n_classes
    return tuple(Batch(batch.images, torch.remainder(batch.targets + 1, n_classes)) for batch in context.batches)
