"""Networks small enough to score by hand, through the engine and its passes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import ClassVar

import torch
from torch import Tensor, nn

from harness.evidence.base import ScoringContext
from harness.inputs import Batch, DataSet, Images, InputKind
from harness.protocol import Precision, Protocol
from harness.proxy import PROXIES, Proxy
from harness.scoring.engine import score
from harness.space import Architecture, Execute, Layer, SearchSpace
from harness.space.initialise import Initialisation
from harness.store import OK, Score


@dataclass(frozen=True)
class ToyDataSet(DataSet):
    """Two classes; no files."""

    def read(self, kind: InputKind, home: Path) -> Images:
        raise AssertionError("a toy has its batches given")

    def present(self, home: Path) -> dict[InputKind, Path]:
        return {}


class ToySpace(SearchSpace):
    """One architecture, whose network is made by `build` with explicit weights."""

    name: ClassVar[str] = "toy"
    data_sets: ClassVar[tuple[str, ...]] = ("toy",)
    only = Architecture("only")

    def __init__(self, build: Callable[[], nn.Module]) -> None:
        self._build = build

    @property
    def architectures(self) -> Sequence[Architecture]:
        return (self.only,)

    def __contains__(self, arch: str) -> bool:
        return arch == self.only

    def canonical(self, arch: Architecture) -> Architecture:
        return arch

    def layers(self, arch: Architecture, data_set: DataSet) -> Sequence[Layer]:
        return ()

    def assemble(self, arch: Architecture, data_set: DataSet, execute: Execute) -> nn.Module:
        return self._build()

    def network(
        self,
        arch: Architecture,
        data_set: DataSet,
        *,
        execute: Execute = "live",
        init: Initialisation = Initialisation.default,
        seed: int = 0,
    ) -> nn.Module:
        return self.assemble(arch, data_set, execute)

    def mutate(self, arch: Architecture, rng: Random) -> Architecture:
        return arch

    def neighbours(self, arch: Architecture) -> Sequence[Architecture]:
        return ()


def toy_scores(build: Callable[[], nn.Module], batches: Sequence[Batch], names: Sequence[str]) -> dict[str, float]:
    width = batches[0].images.shape[-1]
    data_set = ToyDataSet("toy", 2, (1, 1, width), (0.0,), (1.0,), licence="", how_to_get="")
    context = ScoringContext(ToySpace(build), data_set, Protocol(), 0, tuple(batches), torch.device("cpu"))
    found = score(context, ToySpace.only, "live", {name: PROXIES.get(name)() for name in names})
    assert {row.reason for row in found.values()} == {""}
    return {name: row.components[name] for name, row in found.items()}


def pixels(*values: float) -> Tensor:
    """Images of one pixel."""
    return torch.tensor(values).reshape(-1, 1, 1, 1)


class TwoLayers(nn.Module):
    """logits = v relu(w x) with scalar w and two entries of v; a convolution beside it leads nowhere."""

    def __init__(self, w: float, v: tuple[float, float], norm: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 1, 1, bias=False)
        self.dead = nn.Conv2d(1, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(1) if norm else nn.Identity()
        self.act = nn.ReLU()
        self.classifier = nn.Linear(1, 2, bias=False)
        with torch.no_grad():
            self.conv.weight.fill_(w)
            self.dead.weight.fill_(2)
            self.classifier.weight.copy_(torch.tensor(v).reshape(2, 1))

    def forward(self, images: Tensor) -> Tensor:
        self.dead(images)
        features: Tensor = self.act(self.norm(self.conv(images)))
        logits: Tensor = self.classifier(features.flatten(1))
        return logits


class TwoReaders(nn.Module):
    """Two ReLUs that read the same tensor x of three pixels; logits = (2, 4, 8) . relu(x) and 0."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.ReLU(), nn.ReLU()
        self.classifier = nn.Linear(3, 2, bias=False)
        with torch.no_grad():
            self.classifier.weight.copy_(torch.tensor([[1, 2, 4], [0, 0, 0]]))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier((self.first(images) + self.second(images)).flatten(1))
        return logits


def context_of(
    build: Callable[[], nn.Module], batches: Sequence[Batch], space: ToySpace | None = None
) -> ScoringContext:
    shape = tuple(batches[0].images.shape[1:])
    data_set = ToyDataSet("toy", 2, shape, (0.0,), (1.0,), licence="", how_to_get="")  # type: ignore[arg-type]
    protocol = Protocol(dtype=Precision.fp64)
    return ScoringContext(space or ToySpace(build), data_set, protocol, 0, tuple(batches), torch.device("cpu"))


def scored_alone(proxy: Proxy, build: Callable[[], nn.Module], *batches: Batch, space: ToySpace | None = None) -> Score:
    return score(context_of(build, batches, space), ToySpace.only, "live", {"it": proxy})["it"]


def value_of(proxy: Proxy, build: Callable[[], nn.Module], *batches: Batch) -> float:
    found = scored_alone(proxy, build, *batches)
    assert (found.status, found.reason) == (OK, "")
    return found.components["it"]


class Logits(nn.Module):
    """logits = (v x, 0) for images of one pixel."""

    def __init__(self, v: float) -> None:
        super().__init__()
        self.classifier = nn.Linear(1, 2, bias=False)
        with torch.no_grad():
            self.classifier.weight.copy_(torch.tensor([[v], [0.0]]))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(images.flatten(1))
        return logits


def pairs(*images: tuple[float, float]) -> Tensor:
    return torch.tensor(images, dtype=torch.float64).reshape(-1, 1, 1, 2)


THREE = Batch(pixels(1, 2, -3), torch.tensor([0, 1, 0]))
