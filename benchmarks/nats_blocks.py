"""Blocks of both NATS-Bench search spaces, and their counts; arXiv:2001.00326, Section 2.1."""

from functools import cache
from typing import cast

from torch import Tensor, nn

from harness.space import Layer


class ActConvNorm(nn.Module):
    """ReLU, convolution without bias, batch normalisation: the order of NAS-Bench-201.

    `official_class` is its name in the official code, by which some published proxies find their modules.
    """

    official_class = "ReLUConvBN"

    def __init__(self, n_in: int, n_out: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.act = nn.ReLU()
        self.conv = nn.Conv2d(n_in, n_out, kernel, stride, padding=kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(n_out)

    def forward(self, features: Tensor) -> Tensor:
        return cast(Tensor, self.norm(self.conv(self.act(features))))


class Reduction(nn.Module):
    """Residual block that halves the resolution and changes the width."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.first = ActConvNorm(n_in, n_out, 3, stride=2)
        self.second = ActConvNorm(n_out, n_out, 3)
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(n_in, n_out, 1, bias=False))

    def forward(self, features: Tensor) -> Tensor:
        return cast(Tensor, self.shortcut(features) + self.second(self.first(features)))


def stem(n_in: int, n_out: int) -> nn.Sequential:
    """The layers before the first cell."""
    return nn.Sequential(nn.Conv2d(n_in, n_out, 3, padding=1, bias=False), nn.BatchNorm2d(n_out))


def pooled(width: int) -> nn.Sequential:
    """The layers between the last cell and the classifier: [batch, width, *, *] to [batch, width]."""
    return nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


@cache
def conv_layer(n_in: int, n_out: int, kernel: int, area: int, live: bool = True, repeats: int = 1) -> Layer:
    """A convolution without bias to outputs of `area` positions, height times width, and its batch normalisation."""
    weights = n_in * n_out * kernel * kernel
    return Layer(weights, weights + 2 * n_out, weights * area, live, repeats)


def reduction_layers(n_in: int, n_out: int, area: int, live: bool = True) -> list[Layer]:
    """Those of a `Reduction` to outputs of `area` positions; its shortcut has no normalisation."""
    shortcut = n_in * n_out
    return [
        conv_layer(n_in, n_out, 3, area, live),
        conv_layer(n_out, n_out, 3, area, live),
        Layer(shortcut, shortcut, shortcut * area, live),
    ]


def classifier_layer(width: int, n_classes: int, live: bool = True) -> Layer:
    """The linear layer, and the normalisation of `pooled`."""
    weights = width * n_classes
    return Layer(weights, weights + n_classes + 2 * width, weights + n_classes, live, is_linear=True)


def block_elementwise(n_in: int, n_out: int, area: int, stride: int = 1) -> int:
    """Elementwise FLOPs of an `ActConvNorm` to outputs of `area` positions; see `SearchSpace.elementwise_flops`."""
    return n_in * area * stride**2 + 2 * n_out * area


def reduction_elementwise(n_in: int, n_out: int, area: int) -> int:
    """Those of a `Reduction`: its two blocks and its pooling."""
    first, second = block_elementwise(n_in, n_out, area, 2), block_elementwise(n_out, n_out, area)
    return first + second + n_in * 4 * area


def ends_elementwise(stem_width: int, stem_area: int, width: int, area: int) -> int:
    """Those of `stem` and of `pooled`: normalisation; normalisation, activation and pooling."""
    return 2 * stem_width * stem_area + 4 * width * area


REDUCTION_DEPTH = 2
"""Layers on the longest path through a `Reduction`."""
