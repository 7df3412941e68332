"""Forty-eight small networks of three families as a search space: perceptrons, convolutional networks, transformers."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.inputs import DataSet
from harness.space import ModelSpace

SIZES = tuple((width, depth) for width in (8, 16, 32, 64) for depth in (1, 2, 3, 4))
SHAPES = tuple((width, depth, patch) for width in (8, 16, 32, 64) for depth in (1, 2) for patch in (2, 4))


class Perceptron(nn.Module):
    """Linear layers with layer normalisation and functional ReLUs."""

    def __init__(self, n_inputs: int, width: int, depth: int, n_classes: int) -> None:
        super().__init__()
        sizes = [n_inputs, *[width] * depth]
        self.layers = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))
        self.head = nn.Linear(width, n_classes)

    def forward(self, images: Tensor) -> Tensor:
        x = images.flatten(1)
        for layer, norm in zip(self.layers, self.norms, strict=True):
            x = F.relu(norm(layer(x)))
        return self.head(x)


class Convolutional(nn.Module):
    """3x3 convolutions with group normalisation and functional ReLUs, residual; means over quarters."""

    def __init__(self, n_channels: int, width: int, depth: int, n_classes: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(n_channels, width, 3, padding=1)
        self.convs = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(depth))
        self.norms = nn.ModuleList(nn.GroupNorm(4, width) for _ in range(depth))
        self.head = nn.Linear(4 * width, n_classes)

    def forward(self, images: Tensor) -> Tensor:
        x = F.relu(self.stem(images))
        for conv, norm in zip(self.convs, self.norms, strict=True):
            x = x + F.relu(norm(conv(x)))
        return self.head(F.adaptive_avg_pool2d(x, 2).flatten(1))


class Transformer(nn.Module):
    """Patches as tokens, encoder layers with GELU, mean over the tokens."""

    def __init__(self, shape: tuple[int, int, int], width: int, depth: int, patch: int, n_classes: int) -> None:
        super().__init__()
        n_channels, height, breadth = shape
        self.patches = nn.Conv2d(n_channels, width, patch, stride=patch)
        self.places = nn.Parameter(0.02 * torch.randn(1, height * breadth // patch**2, width))
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, 4, 2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(depth)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, n_classes)

    def forward(self, images: Tensor) -> Tensor:
        x = self.patches(images).flatten(2).transpose(1, 2) + self.places
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x).mean(dim=1))


class OwnModels(ModelSpace):
    """Names such as mlp-32x2 (width x depth), cnn-16x3 and vit-64x1-p2 (patches of 2 x 2)."""

    name = "own_models"
    architectures = (
        *(f"mlp-{width}x{depth}" for width, depth in SIZES),
        *(f"cnn-{width}x{depth}" for width, depth in SIZES),
        *(f"vit-{width}x{depth}-p{patch}" for width, depth, patch in SHAPES),
    )

    def build(self, arch: str, data_set: DataSet) -> nn.Module:
        """A new network, with the initial weights of PyTorch's layers."""
        family, size, *rest = arch.split("-")
        width, depth = map(int, size.split("x"))
        n_channels, height, breadth = data_set.shape
        if family == "mlp":
            return Perceptron(n_channels * height * breadth, width, depth, data_set.n_classes)
        if family == "cnn":
            return Convolutional(n_channels, width, depth, data_set.n_classes)
        return Transformer(data_set.shape, width, depth, int(rest[0][1:]), data_set.n_classes)
