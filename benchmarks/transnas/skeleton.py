"""The skeleton of a TransNAS-Bench-101 backbone: stem and modules, and their counts. arXiv:2105.11871, Section 3.2.

The numbers are those of the official code, https://github.com/yawen-d/TransNASBench (commit 6d4231b), file
lib/models/net_infer/net_macro.py.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from benchmarks.nats_blocks import block_elementwise, conv_layer
from harness.inputs import DataSet
from harness.space import Layer

BASE_CHANNELS = 64
BLOCKS_PER_MODULE = 2
TASKS = ("class_scene", "class_object", "room_layout", "jigsaw", "segmentsemantic", "normal", "autoencoder")
_COLOURS = 3
_STEM_HALVINGS = 2


@dataclass(frozen=True)
class Block:
    """One cell of a module; `stride` and the change of width are its first one's, `size` is of its output."""

    n_in: int
    n_out: int
    stride: int
    size: int

    @property
    def reshapes(self) -> bool:
        """Whether the output has another shape than the input."""
        return self.stride != 1 or self.n_in != self.n_out


@dataclass(frozen=True)
class Skeleton:
    """Modules of two cells, one digit each: 1 keeps the shape, 2 doubles the channels, 3 halves the size, 4 both."""

    modules: str

    def blocks(self, size: int) -> list[Block]:
        """The cells, in order, for square images of `size` pixels."""
        found = []
        width, size = BASE_CHANNELS, size // 2**_STEM_HALVINGS
        for module in self.modules:
            stride = 2 if module in "34" else 1
            n_out, size = width * (2 if module in "24" else 1), size // stride
            found.append(Block(width, n_out, stride, size))
            found += [Block(n_out, n_out, 1, size)] * (BLOCKS_PER_MODULE - 1)
            width = n_out
        return found

    @property
    def width(self) -> int:
        """Channels of the last module."""
        return BASE_CHANNELS << sum(module in "24" for module in self.modules)

    @property
    def n_halvings(self) -> int:
        """How often the size of the image is halved, stem included."""
        return _STEM_HALVINGS + sum(module in "34" for module in self.modules)


def n_tiles(data_set: DataSet) -> int:
    """How many images of three colours lie one after another in an input: 9 for the jigsaw puzzle, 1 otherwise."""
    return data_set.shape[0] // _COLOURS


def stem_layers(size: int, live: bool) -> list[Layer]:
    """The two convolutions of the stem for square images of `size` pixels."""
    half = BASE_CHANNELS // 2
    first, second = (size // 2) ** 2, (size // 4) ** 2
    return [conv_layer(_COLOURS, half, 3, first, live), conv_layer(half, BASE_CHANNELS, 3, second, live)]


def stem_elementwise(size: int) -> int:
    """Elementwise FLOPs of the stem: a normalisation, and a block; see `SearchSpace.elementwise_flops`."""
    half = BASE_CHANNELS // 2
    return 2 * half * (size // 2) ** 2 + block_elementwise(half, BASE_CHANNELS, (size // 4) ** 2, stride=2)


STEM_DEPTH = 2
"""Layers of the stem."""


def for_each_tile(layers: list[Layer], data_set: DataSet) -> Iterator[Layer]:
    """Layers of the backbone: the tiles of a puzzle share its weights, and each is computed."""
    return (replace(layer, flops=layer.flops * n_tiles(data_set)) for layer in layers)
