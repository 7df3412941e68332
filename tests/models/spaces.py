"""Spaces of networks that tests score, and how they score them."""

from collections.abc import Sequence

import torch
from network_kinds import IMAGE_NETWORKS
from torch import nn

from harness.evidence.base import ScoringContext
from harness.inputs import DATA_SETS, BatchRequest, DataSet, InputKind, draw_batches
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
