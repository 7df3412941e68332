"""Spaces of networks that tests score, and how they score them."""

from collections.abc import Sequence

import torch
from network_kinds import IMAGE_NETWORKS
from torch import nn

from harness.evaluation.own_models import GivenInputs
from harness.evidence.base import ScoringContext
from harness.inputs import DATA_SETS, Batch, BatchRequest, DataSet, InputKind, draw_batches, pack
from harness.protocol import Precision, Protocol
from harness.proxy import PROXIES
from harness.scoring.engine import score
from harness.space import BENCHMARKS, Architecture, Execute, ModelSpace
from harness.store import Score


class Kinds(ModelSpace):
    """One network of each kind."""

    name = "kinds"
    architectures = tuple(IMAGE_NETWORKS)

    def build(self, arch: str) -> nn.Module:
        return IMAGE_NETWORKS[arch]()


class OfNatsTss(ModelSpace):
    """Cells of NATS-Bench's topology space as if they were a user's own networks."""

    name = "cells"
    execute: Execute = "live"

    def __init__(self, cells: Sequence[str]) -> None:
        self.architectures = tuple(cells)

    def build(self, arch: str, data_set: DataSet) -> nn.Module:
        return BENCHMARKS.get("nats_tss").network(Architecture(arch), data_set, execute=self.execute, seed=0)


def context_of(space: ModelSpace, *, batch_size: int = 8, dtype: Precision = Precision.fp32) -> ScoringContext:
    """Batches of digits."""
    data_set = DATA_SETS.get("digits")
    batches = draw_batches(data_set, BatchRequest(InputKind.real, 2, batch_size, 0)).batches
    protocol = Protocol(batch_size=batch_size, dtype=dtype)
    return ScoringContext(space, data_set, protocol, 0, batches, torch.device("cpu"))


def scored(space: ModelSpace, arch: str, names: Sequence[str]) -> dict[str, Score]:
    """Scores of one network."""
    context = context_of(space)
    return score(context, Architecture(arch), "live", {name: PROXIES.get(name)() for name in names})


class OneNetwork(ModelSpace):
    """A single network."""

    name = "one"
    architectures = ("tokens",)

    def __init__(self, make: type[nn.Module]) -> None:
        self.make = make

    def build(self, arch: str) -> nn.Module:
        return self.make()


def tokens_context(make: type[nn.Module]) -> ScoringContext:
    """Batches of 8 sequences of 5 tokens, with a mask."""
    source = torch.Generator().manual_seed(0)
    batches = []
    for _ in range(2):
        tokens = torch.randint(0, 20, (8, 5), generator=source)
        packed, parts = pack({"tokens": tokens, "mask": (tokens > 2).float()})
        batches.append(Batch(packed, torch.randint(0, 10, (8,), generator=source)))
    data_set = GivenInputs(
        name="tokens", n_classes=10, shape=(10,), mean=(), std=(), licence="none", how_to_get="Given", embedded=True,
        parts=parts, inputs=batches[0].images, targets=batches[0].targets,
    )  # fmt: skip
    protocol = Protocol(batch_size=8)
    return ScoringContext(OneNetwork(make), data_set, protocol, 0, tuple(batches), torch.device("cpu"))
