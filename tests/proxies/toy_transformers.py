"""Transformers that tests score: a vision transformer written here, with weights drawn from a seed."""

import torch
from torch import Tensor, nn

from harness.evidence.base import ScoringContext
from harness.inputs import Batch, DataSet
from harness.protocol import Mode, Precision, Protocol
from harness.proxy import Proxy
from harness.scoring.engine import score
from harness.space import Architecture, ModelSpace
from harness.store import Score

CLASSES = 1000


class Block(nn.Module):
    """Normalisation before packed attention, then a feed-forward part."""

    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = PackedAttention(width, heads)
        self.fc1, self.act, self.fc2 = nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm1(x))
        found: Tensor = x + self.fc2(self.act(self.fc1(self.norm2(x))))
        return found


class PackedAttention(nn.Module):
    """One linear layer for queries, keys and values."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.num_heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        query, key, value = self.qkv(x).reshape(n, length, 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        weights = (query @ key.transpose(2, 3) / (width // self.num_heads) ** 0.5).softmax(-1)
        found: Tensor = self.proj((weights @ value).transpose(1, 2).reshape(n, length, width))
        return found


class VisionTransformer(nn.Module):
    """Patches of 4 x 4 pixels, a class token, two blocks, the mean over tokens, a head."""

    def __init__(self, width: int = 12, heads: int = 3, hidden: int = 24, size: int = 8, depth: int = 2) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, stride=4)
        self.cls = nn.Parameter(torch.zeros(1, 1, width))
        self.places = nn.Parameter(torch.zeros(1, (size // 4) ** 2 + 1, width))
        self.blocks = nn.Sequential(*(Block(width, heads, hidden) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, CLASSES)
        drawn = torch.Generator().manual_seed(5)
        with torch.no_grad():
            for name, one in self.named_parameters():
                mean = 1.0 if "norm" in name and name.endswith("weight") else 0.0
                one.copy_(mean + 0.3 * torch.randn(one.shape, generator=drawn, dtype=torch.float64).to(one.dtype))

    def forward(self, images: Tensor) -> Tensor:
        x = self.patches(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(len(x), -1, -1), x], dim=1) + self.places
        found: Tensor = self.head(self.norm(self.blocks(x))[:, 1:].mean(dim=1))
        return found


class Given(ModelSpace):
    """One architecture, made by a function."""

    name = "given"
    architectures = (Architecture("only"),)

    def __init__(self, make: type[nn.Module]) -> None:
        self._make = make

    def build(self, arch: str, data_set: DataSet) -> nn.Module:
        return self._make()


def images_of(n: int, size: int = 8) -> Tensor:
    return torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(1), dtype=torch.float64).float()


def scored(
    proxy: Proxy, make: type[nn.Module], data_set: DataSet, images: Tensor | None = None, mode: Mode = Mode.eval
) -> Score:
    """In float64, on four images unless others are given."""
    inputs = images_of(4) if images is None else images
    protocol = Protocol(dtype=Precision.fp64, mode=mode, n_batches=1, batch_size=len(inputs))
    batches = (Batch(inputs, torch.arange(len(inputs)) % data_set.n_classes),)
    context = ScoringContext(Given(make), data_set, protocol, 0, batches, torch.device("cpu"))
    return score(context, Architecture("only"), "live", {"it": proxy})["it"]
