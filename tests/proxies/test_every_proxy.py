"""The registry's examination: what every proxy must bear, whoever wrote it, on networks and batches at the edge."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from harness.evidence import Subject
from harness.evidence.base import ScoringContext
from harness.inputs import DATA_SETS, Batch, BatchRequest, InputKind, draw_batches
from harness.protocol import Mode, Precision, Protocol
from harness.proxy import PROXIES, Proxy
from harness.scoring import engine
from harness.scoring.engine import score
from harness.space import BENCHMARKS, Architecture, Execute
from harness.store import FAILED, OK, UNDEFINED, Score

NO_PATH = Architecture("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
DEAD_CONVOLUTIONS = Architecture("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_1x1~2|")
SKIPS_ONLY = Architecture(
    "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|skip_connect~2|"
)
USUAL = Architecture("|nor_conv_3x3~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+|skip_connect~0|none~1|nor_conv_3x3~2|")
MACRO = Architecture("64-1114-basic")


FOUR_IMAGES = Protocol(batch_size=4)


@dataclass(frozen=True)
class Case:
    """A network and a batch of four; `size` crops the images to so many pixels a side, `change` alters a batch."""

    arch: Architecture
    bench: str = "nats_tss"
    data_set: str = "digits"
    size: int = 8
    protocol: Protocol = FOUR_IMAGES
    change: Callable[[Tensor], Tensor] = torch.clone

    def context(self) -> ScoringContext:
        data_set = DATA_SETS.get(self.data_set)
        drawn = draw_batches(data_set, BatchRequest(InputKind.noise, 2, 4, 0))
        batches = (Batch(self.change(one.images[..., : self.size, : self.size]), one.targets) for one in drawn)
        cropped = replace(data_set, shape=(data_set.shape[0], self.size, self.size))
        return ScoringContext(
            BENCHMARKS.get(self.bench),
            cropped,
            self.protocol,
            seed=0,
            batches=tuple(batches),
            device=torch.device("cpu"),
        )


def first_twice(images: Tensor) -> Tensor:
    return torch.cat([images[:1], images[:1], images[2:]])


CASES = {
    "usual": Case(USUAL),
    "no path": Case(NO_PATH),
    "dead convolutions": Case(DEAD_CONVOLUTIONS),
    "skips only": Case(SKIPS_ONLY),
    "maps of one pixel": Case(USUAL, size=4),
    "constant output": Case(USUAL, change=torch.zeros_like),
    "two equal images": Case(USUAL, change=first_twice),
    "all images equal": Case(USUAL, change=lambda images: images[:1].expand_as(images).clone()),
    "bfloat16": Case(USUAL, protocol=replace(FOUR_IMAGES, dtype=Precision.bf16)),
    "bfloat16, no path": Case(NO_PATH, protocol=replace(FOUR_IMAGES, dtype=Precision.bf16)),
    "float64": Case(USUAL, protocol=replace(FOUR_IMAGES, dtype=Precision.fp64)),
    "eval mode": Case(USUAL, protocol=replace(FOUR_IMAGES, mode=Mode.eval)),
    "no classes": Case(MACRO, bench="transnas_macro", data_set="room_layout", size=16),
}
LONG = {"bfloat16", "bfloat16, no path", "float64", "eval mode"}  # slow arithmetic and modes


def scored(context: ScoringContext, arch: Architecture) -> dict[str, Score]:
    """Every registered proxy, each on the network that it sees."""
    found: dict[str, Score] = {}
    modes: tuple[Execute, ...] = ("live", "all")
    for execute in modes:
        proxies: dict[str, Proxy] = {
            name: PROXIES.get(name)() for name in PROXIES if PROXIES.get(name).sees.value == execute
        }
        seen = context.space.canonical(arch) if execute == "live" else arch
        found |= score(context, seen, execute, proxies)
    return found


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long) if name in LONG else name for name in CASES]
)
def test_every_proxy_ends_in_a_number_or_in_a_reason(name: str) -> None:
    case = CASES[name]
    found = scored(case.context(), case.arch)
    assert set(found) == set(PROXIES)
    for proxy, row in found.items():
        if row.status == OK:
            assert not any(math.isnan(value) for value in row.components.values()), proxy
            assert row.components, proxy
        else:
            assert row.status in (FAILED, UNDEFINED), proxy
            assert len(row.reason.split()) >= 3, f"{proxy}: {row.reason}"


@pytest.mark.parametrize(
    "name", ["usual", *(pytest.param(name, marks=pytest.mark.long) for name in ("float64", "bfloat16"))]
)
def test_on_a_usual_network_no_proxy_fails(name: str) -> None:
    case = CASES[name]
    for proxy, row in scored(case.context(), case.arch).items():
        assert row.status != FAILED, f"{proxy}: {row.reason}"
        assert all(math.isfinite(value) for value in row.components.values()), proxy


def test_networks_batches_and_generators_are_left_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    context = CASES["usual"].context()
    lent: list[tuple[nn.Module, dict[str, Tensor]]] = []

    class Lender(Subject):
        """Keeps the network that all passes of a score share, and what it was like at first."""

        @cached_property
        def network(self) -> nn.Module:
            network = self.build(init=self.context.protocol.init, seed=self.context.seed)
            lent.append((network, {name: one.detach().clone() for name, one in network.named_parameters()}))
            return network

    monkeypatch.setattr(engine, "Subject", Lender)
    images = [batch.images.clone() for batch in context.batches]
    states = (torch.get_rng_state(), random.getstate(), np.random.get_state()[1].copy())
    scored(context, USUAL)
    assert len(lent) == 2  # one that executes live operations, one that executes all
    for network, before in lent:
        assert network.training
        for name, parameter in network.named_parameters():
            assert torch.equal(parameter, before[name])
            assert parameter.requires_grad
            assert parameter.grad is None
        for module in network.modules():
            assert not module._forward_hooks
            assert not module._forward_pre_hooks
            assert not module._backward_hooks
            assert "forward" not in vars(module)
    for batch, old in zip(context.batches, images, strict=True):
        assert torch.equal(batch.images, old)
        assert not batch.images.requires_grad
    assert torch.equal(states[0], torch.get_rng_state())
    assert states[1] == random.getstate()
    assert (states[2] == np.random.get_state()[1]).all()


def test_dead_operations_change_what_sees_all_and_nothing_else() -> None:
    # A dead 3x3 convolution taken away: the live network is the same.
    context = CASES["dead convolutions"].context()
    without = Architecture(DEAD_CONVOLUTIONS.replace("nor_conv_3x3", "none").replace("nor_conv_1x1", "none"))
    assert context.space.canonical(DEAD_CONVOLUTIONS) == context.space.canonical(without)
    with_dead, bare = scored(context, DEAD_CONVOLUTIONS), scored(context, without)
    for name in PROXIES:
        if PROXIES.get(name).sees.value == "live":
            assert with_dead[name].components == bare[name].components, name
    for name in ("params", "flops", "flops_full", "l2_norm", "naswot_nb201", "naswot_original"):
        assert with_dead[name].components != bare[name].components, name
