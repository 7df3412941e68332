"""Activation patterns of the ReLUs of a private network."""

from collections.abc import Callable
from typing import ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from harness.evidence.base import EVIDENCE, Undefined
from harness.evidence.elementwise import ElementwiseReader
from harness.evidence.private import PrivateNetwork, hooked, run
from harness.space.own_network import OwnNetwork


@EVIDENCE.register("linear_regions_seen")
class LinearRegionsSeen(PrivateNetwork):
    """The number of linear regions of the network that contain a batch of N(0,1) images.

    Memory: two bytes per unit and image.

    Of a network of the user's own the number of distinct patterns of signs of all pre-activations, smooth activations
    included; undefined where an input of noise is, and without any activation.
    """

    shared_pass: ClassVar[str] = "linear regions"

    def count(self, n_images: int, size: int) -> int:
        """The number of distinct patterns of one batch; `size` 0 means that of the data set's images."""
        return self.once((n_images, size), lambda: self._compute(n_images, size))

    def _compute(self, n_images: int, size: int) -> int:
        network, images = self.network(), self.noise(n_images, size or None)
        found = n_regions(network, images)
        self.cover_activations(network, images)
        return found


class _AllApart(Exception):  # noqa: N818  # ends a pass that has nothing more to tell
    """A single ReLU layer has distinguished all images."""


def n_regions(network: nn.Module, images: Tensor) -> int:
    """The number of distinct patterns of images over the units of all ReLUs."""
    patterns = [np.empty((len(images), 0), dtype=bool)]

    def see(output: Tensor) -> None:
        patterns.append((output > 0).flatten(1).cpu().numpy())
        if n_distinct(patterns[-1]) == len(images):
            raise _AllApart

    try:
        _read_relus(network, images, see)
    except _AllApart:
        return len(images)
    return n_distinct(np.concatenate(patterns, axis=1))


def n_unit_patterns(network: nn.Module, images: Tensor) -> int:
    """The number of distinct patterns of the units of all ReLUs over images."""
    words = _Words(len(images))
    _read_relus(network, images, words.add)
    return words.n_distinct


def n_signs_patterns(network: nn.Module, images: Tensor) -> int:
    """The same of ReLU, GELU and SiLU modules with outputs of any shape, by the signs of their inputs."""
    words = _Words(len(images))
    if isinstance(network, OwnNetwork):
        _read_relus(network, images, words.add)
        return words.n_distinct

    def see(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        words.add(output if isinstance(module, nn.ReLU) else inputs[0])

    kinds = nn.ReLU | nn.GELU | nn.SiLU
    with torch.no_grad(), hooked([module for module in network.modules() if isinstance(module, kinds)], see):
        run(network, images)
    return words.n_distinct


class _Words:
    """The patterns of units over images, 16 images to a word."""

    def __init__(self, n_images: int) -> None:
        self._n_words = -(-n_images // 16)
        # A product with these packs 16 images into a word.
        self._powers = torch.zeros(self._n_words, n_images)
        for image in range(n_images):
            self._powers[image // 16, image] = 2.0 ** (image % 16)
        self._found = [np.empty((0, self._n_words), dtype=np.uint16)]

    def add(self, output: Tensor) -> None:
        units = output.movedim(1, -1).flatten(1) if output.dim() > 1 else output[:, None]  # in memory order
        active = torch.gt(units, 0, out=torch.empty(units.shape, device=units.device))
        packed = (self._powers.to(units.device) @ active).T
        self._found.append(packed.cpu().numpy().astype(np.uint16, order="C"))

    @property
    def n_distinct(self) -> int:
        return _n_distinct_packed(np.concatenate(self._found).view(np.uint8))


@torch.no_grad()
def _read_relus(network: nn.Module, images: Tensor, see: Callable[[Tensor], None]) -> None:
    """Run the images and pass on the output of each ReLU over feature maps."""

    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if output.dim() == 4:
            see(output)

    if isinstance(network, OwnNetwork):
        reader = ElementwiseReader(len(images), see)
        with reader:
            run(network, images)
        if not reader.n_read:
            raise Undefined("the network runs no elementwise activation")
        return

    with hooked([module for module in network.modules() if isinstance(module, nn.ReLU)], hook):
        run(network, images)


def n_distinct(rows: NDArray[np.bool_]) -> int:
    """The number of distinct rows."""
    return _n_distinct_packed(np.packbits(rows, axis=1))


def _n_distinct_packed(packed: NDArray[np.uint8]) -> int:
    """The number of distinct rows [n_rows, n_bytes]; np.unique uses hashing, which is sixty times slower."""
    n_bytes = packed.shape[1]
    if n_bytes > 8:
        return len({row.tobytes() for row in packed})
    padded = np.zeros((len(packed), 2 if n_bytes <= 2 else 8), dtype=np.uint8)
    padded[:, :n_bytes] = packed
    if n_bytes <= 2:
        return int(np.count_nonzero(np.bincount(padded.view(np.uint16)[:, 0])))
    numbers = np.sort(padded.view(np.uint64)[:, 0])
    return int(np.count_nonzero(np.diff(numbers))) + (len(numbers) > 0)
