"""Inverted bottlenecks of MobileNetV2 (arXiv:1801.04381) and MnasNet (arXiv:1807.11626): modules and counts."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import cast

from torch import Tensor, nn

from harness.space import Layer


@dataclass(frozen=True)
class MobileBlock:
    """A 1x1 convolution to `n_hidden` channels, a depthwise one with `stride`, and a 1x1 convolution to `n_out`.

    Without a change of width from input to hidden channels there is no first convolution. `n_squeezed` are the channels
    inside squeeze-and-excitation, 0 for a block without. The input is added if the shape stays the same.
    """

    n_in: int
    n_hidden: int
    n_out: int
    kernel: int
    stride: int
    n_squeezed: int = 0

    @property
    def expands(self) -> bool:
        """Whether there is a first 1x1 convolution."""
        return self.n_hidden != self.n_in

    @property
    def adds_input(self) -> bool:
        """Whether the block has a residual link."""
        return self.stride == 1 and self.n_in == self.n_out

    @property
    def depth(self) -> int:
        """Convolutions on the longest path: those of squeeze-and-excitation lie on it."""
        return 2 + self.expands + 2 * bool(self.n_squeezed)

    def layers(self, size: int) -> Iterator[Layer]:
        """The layers for inputs of `size` x `size`."""
        after = reduced(size, self.stride)
        if self.expands:
            yield normalised_layer(self.n_in, self.n_hidden, size)
        yield normalised_layer(self.kernel**2, self.n_hidden, after)
        if self.n_squeezed:
            weights = self.n_hidden * self.n_squeezed
            yield Layer(weights, weights + self.n_squeezed, weights, live=True)
            yield Layer(weights, weights + self.n_hidden, weights, live=True)
        yield normalised_layer(self.n_hidden, self.n_out, after)

    def n_normalised(self, size: int) -> int:
        """Outputs of its normalisations."""
        after = reduced(size, self.stride)
        return self.n_hidden * (after**2 + self.expands * size**2) + self.n_out * after**2

    def elementwise(self, size: int) -> int:
        """Elementwise FLOPs, see `SearchSpace.elementwise_flops`; products with the gate are not counted, as sums."""
        after = reduced(size, self.stride)
        total = 3 * self.n_normalised(size) - self.n_out * after**2  # no activation after the last one
        if self.n_squeezed:
            total += self.n_hidden * after**2 + self.n_squeezed + self.n_hidden  # pooling, activation, gate
        return total


class SqueezeExcitation(nn.Module):
    """Each channel times a factor between 0 and 1 that is computed from the means of all. arXiv:1709.01507."""

    def __init__(self, width: int, n_squeezed: int) -> None:
        super().__init__()
        self.factors = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(width, n_squeezed, 1),
            nn.ReLU(),
            nn.Conv2d(n_squeezed, width, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, features: Tensor) -> Tensor:
        return cast(Tensor, features * self.factors(features))


class InvertedBottleneck(nn.Module):
    """The module of a `MobileBlock`."""

    def __init__(self, plan: MobileBlock) -> None:
        super().__init__()
        hidden = plan.n_hidden
        self.body = nn.Sequential(
            *([*normalised(plan.n_in, hidden, 1), nn.ReLU()] if plan.expands else []),
            *normalised(hidden, hidden, plan.kernel, plan.stride, groups=hidden),
            nn.ReLU(),
            *([SqueezeExcitation(hidden, plan.n_squeezed)] if plan.n_squeezed else []),
            *normalised(hidden, plan.n_out, 1),
        )
        self._adds_input = plan.adds_input

    def forward(self, features: Tensor) -> Tensor:
        changed = cast(Tensor, self.body(features))
        return features + changed if self._adds_input else changed


def normalised(n_in: int, n_out: int, kernel: int, stride: int = 1, *, groups: int = 1) -> tuple[nn.Module, nn.Module]:
    """A padded convolution without bias, and its normalisation."""
    convolution = nn.Conv2d(n_in, n_out, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    return convolution, nn.BatchNorm2d(n_out)


def normalised_layer(per_output: int, n_out: int, size: int) -> Layer:
    """A convolution of `per_output` weights per output channel to `size` x `size` outputs, and its normalisation."""
    weights = per_output * n_out
    return Layer(weights, weights + 2 * n_out, weights * size * size, live=True)


def classifier_layer(width: int, n_classes: int) -> Layer:
    """A linear layer with bias."""
    weights = width * n_classes
    return Layer(weights, weights + n_classes, weights + n_classes, live=True, is_linear=True)


def repeated(layer: Layer, repeats: int) -> Layer:
    """A layer that is there several times."""
    return replace(layer, repeats=repeats)


def reduced(size: int, stride: int) -> int:
    """Pixels after a padded convolution of odd kernel."""
    return (size + stride - 1) // stride
