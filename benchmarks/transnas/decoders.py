"""Decoders: from the features of a TransNAS-Bench-101 backbone to the output of a task. arXiv:2105.11871, Section 3.1.

Shapes are those of the official code, https://github.com/yawen-d/TransNASBench (commit 6d4231b), file
lib/models/task_models/decoder.py. Convolutions here have biases, even before a normalisation. The discriminator with
which `normal` and `autoencoder` were trained is not part of the network that maps an image to its target.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import cast

from torch import Tensor, nn

from benchmarks.transnas.skeleton import Skeleton, n_tiles
from harness.inputs import DataSet
from harness.space import Layer

_MOST_DOUBLINGS = 6
_SEGMENTATION_WIDTHS = (1024, 512, 256, 128, 64, 32)
_GENERATIVE_WIDTHS = (1024, 1024, 512, 512, 256, 128, 64, 64, 32, 32, 16, 32, 16)
_GENERATIVE_DOUBLES_FROM = {2: 6, 4: 5, 6: 4, 8: 3, 10: 2, 12: 2}
"""Which layer doubles the size if there are at least so many doublings to do."""


@dataclass(frozen=True)
class DecoderConv:
    """A 3x3 convolution with bias, transposed where it `doubles` the size; all but the last are normalised."""

    n_in: int
    n_out: int
    doubles: bool
    last: bool = False

    def module(self, ending: nn.Module) -> nn.Module:
        """Convolution, normalisation and LeakyReLU, or for the last one convolution and `ending`."""
        conv: nn.Module
        if self.doubles:
            conv = nn.ConvTranspose2d(self.n_in, self.n_out, 3, 2, padding=1, output_padding=1)
        else:
            conv = nn.Conv2d(self.n_in, self.n_out, 3, padding=1)
        if self.last:
            return nn.Sequential(conv, ending)
        return nn.Sequential(conv, nn.BatchNorm2d(self.n_out), nn.LeakyReLU(0.2))

    def layer(self, size: int, live: bool) -> Layer:
        """Counts for inputs of `size` x `size`; a transposed convolution multiplies once for each of its inputs."""
        weights = self.n_in * self.n_out * 9
        return Layer(weights, weights + self.n_out * (1 if self.last else 3), weights * size * size, live)


class PooledLinear(nn.Module):
    """Features [batch, width, height, width] to [batch, n_outputs]."""

    def __init__(self, width: int, n_outputs: int) -> None:
        super().__init__()
        self.pool = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.linear = nn.Linear(width, n_outputs)

    def forward(self, features: Tensor) -> Tensor:
        return cast(Tensor, self.linear(self.pool(features)))


def decoder(skeleton: Skeleton, data_set: DataSet) -> nn.Module:
    """The task-specific part of the network."""
    convs = _convs(skeleton, data_set)
    if not convs:
        return PooledLinear(skeleton.width * n_tiles(data_set), data_set.n_classes)
    ending = nn.Identity() if data_set.name == "segmentsemantic" else nn.Tanh()
    return nn.Sequential(*(conv.module(ending) for conv in convs))


def decoder_layers(skeleton: Skeleton, data_set: DataSet, live: bool) -> list[Layer]:
    """The layers of `decoder`."""
    convs = _convs(skeleton, data_set)
    if not convs:
        width, n_outputs = skeleton.width * n_tiles(data_set), data_set.n_classes
        count = width * n_outputs + n_outputs
        return [Layer(width * n_outputs, count, count, live, is_linear=True)]
    found, size = [], data_set.shape[1] // 2**skeleton.n_halvings
    for conv in convs:
        found.append(conv.layer(size, live))
        size *= 2 if conv.doubles else 1
    return found


def decoder_elementwise(skeleton: Skeleton, data_set: DataSet) -> int:
    """Elementwise FLOPs of `decoder`; see `SearchSpace.elementwise_flops`."""
    convs = _convs(skeleton, data_set)
    size: int = data_set.shape[1] // 2**skeleton.n_halvings
    if not convs:
        return skeleton.width * n_tiles(data_set) * size**2
    total = 0
    for conv in convs:
        size *= 2 if conv.doubles else 1
        per_number = 3 if not conv.last else int(data_set.name != "segmentsemantic")  # a tanh ends the other two
        total += per_number * conv.n_out * size**2
    return total


def decoder_depth(skeleton: Skeleton, data_set: DataSet) -> int:
    """Layers of `decoder`, which all follow one another."""
    return len(_convs(skeleton, data_set)) or 1


def _convs(skeleton: Skeleton, data_set: DataSet) -> list[DecoderConv]:
    """The convolutions that bring the features back to the size of the image; none for the other tasks."""
    n_doublings = skeleton.n_halvings
    widths: tuple[int, ...]
    if data_set.name == "segmentsemantic":
        widths = (skeleton.width, *_SEGMENTATION_WIDTHS, _SEGMENTATION_WIDTHS[-1])
        doubles = [index > _MOST_DOUBLINGS - n_doublings for index in range(len(widths) - 1)]
    elif data_set.name in ("normal", "autoencoder"):
        widths = (skeleton.width, *_GENERATIVE_WIDTHS)
        never = _MOST_DOUBLINGS + 1
        doubles = [
            n_doublings >= _GENERATIVE_DOUBLES_FROM.get(index, never) for index in range(len(_GENERATIVE_WIDTHS))
        ]
    else:
        return []
    found = [DecoderConv(*pair, double) for pair, double in zip(pairwise(widths), doubles, strict=True)]
    return [*found, DecoderConv(widths[-1], data_set.n_classes, doubles=False, last=True)]
