"""Activations and last features of a few images, each run as a batch of its own, as RBFleX compares them."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from harness.evidence.base import EVIDENCE, Undefined
from harness.evidence.elementwise import ElementwiseReader
from harness.evidence.private import PrivateNetworkAndImages, hooked, run
from harness.space.own_network import OwnNetwork


@dataclass(frozen=True, eq=False)
class ImageFeatures:
    """float64 [n_images, n]: outputs of all activations, and inputs of the last linear layer; scaled to [0, 1].

    The scale is that of each column over the images; a column that is constant is 0.
    """

    activations: Tensor
    last: Tensor


@EVIDENCE.register("single_images")
class SingleImages(PrivateNetworkAndImages):
    """One pass per image, so that in train mode normalisation uses the statistics of that image alone.

    Memory: four times the activations of all images in float64, while they are scaled; once, after that.
    """

    shared_pass: ClassVar[str] = "single images"

    def features(self, n_images: int, *, official_names: bool = False) -> ImageFeatures:
        """The features of the first images.

        Args:
            n_images: fewer if the protocol has fewer.
            official_names: also read modules whose class has ReLU in its name in the benchmark's official code.

        Raises:
            Undefined: for fewer than two images, and without an activation or a linear layer.
        """
        return self.once((n_images, official_names), lambda: self._compute(n_images, official_names))

    def _compute(self, n_images: int, official_names: bool) -> ImageFeatures:
        network, images = self.network(), self.images(n_images)
        if len(images) < 2:
            raise Undefined("the kernel compares images, and there is one")
        rows = [_of_image(network, images[at : at + 1], official_names) for at in range(len(images))]
        self.cover_activations(network, images)
        return ImageFeatures(*(_scaled(torch.stack(part)) for part in zip(*rows, strict=True)))


@torch.no_grad()
def _of_image(network: nn.Module, image: Tensor, official_names: bool) -> tuple[Tensor, Tensor]:
    found: list[Tensor] = []
    last: list[Tensor] = []

    def see(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
        if isinstance(module, nn.Linear):
            last[:] = [inputs[0].detach().flatten().double()]
        else:
            found.append(output.detach().flatten().double())
        return None

    linear = [module for module in network.modules() if isinstance(module, nn.Linear)]
    if isinstance(network, OwnNetwork):
        # An activation's input, of which the codes are read everywhere, is what the network shows.
        with ElementwiseReader(1, lambda units: found.append(units.flatten().double())), hooked(linear, see):
            run(network, image)
    else:
        named = [module for module in network.modules() if _is_relu(module, official_names)]
        with hooked([*named, *linear], see):
            run(network, image)
    if not (found and last):
        raise Undefined("the network has no activation, or no linear layer at its end")
    return torch.cat(found), last[0]


def _is_relu(module: nn.Module, official_names: bool) -> bool:
    name = type(module).__name__
    return "ReLU" in (getattr(module, "official_class", name) if official_names else name)


def _scaled(rows: Tensor) -> Tensor:
    least, largest = rows.min(dim=0).values, rows.max(dim=0).values
    return (rows - least) / torch.where(largest > least, largest - least, 1)
