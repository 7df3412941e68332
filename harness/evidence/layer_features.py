"""Outputs of layers as matrices of positions and channels, handed on one by one as the network runs."""

from collections.abc import Callable, Iterator
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.modules.activation import __all__ as activation_names

from harness.evidence.base import EVIDENCE
from harness.evidence.private import PrivateNetworkAndImages, hooked, run
from harness.space.own_network import body_of

ACTIVATIONS = tuple(getattr(nn, name) for name in activation_names)
See = Callable[[nn.Module, Tensor], None]


@EVIDENCE.register("layer_features")
class LayerFeatures(PrivateNetworkAndImages):
    """Runs of the protocol's images through networks of several draws of weights, in train mode.

    A layer is a module with a `weight`, such as a convolution, a linear layer or a normalisation, or an activation of
    torch.nn; what functions compute has no module.

    Memory: one output at a time, and what the reader keeps of it.
    """

    shared_pass: ClassVar[str] = "layer features"

    def chunks(self, size: int) -> Iterator[Tensor]:
        """All images of the protocol, so many at a time."""
        images = self.images(2**62)
        for start in range(0, len(images), size):
            yield images[start : start + size]

    @torch.no_grad()
    def read(self, network: nn.Module, images: Tensor, see: See, *, containers: bool | None = None) -> None:
        """Run images and call `see` with each layer and its output, of two axes or more, as the layers run.

        `containers`: instead of the layers above, all modules that have no children (False), or all (True).
        """

        def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            if isinstance(output, Tensor) and output.is_floating_point() and output.dim() > 1:
                see(module, output.detach())

        modules = list(body_of(network).modules())
        if containers is None:
            modules = [one for one in modules if hasattr(one, "weight") or isinstance(one, ACTIVATIONS)]
        elif not containers:
            modules = [one for one in modules if not list(one.children())]
        with hooked(modules, hook):
            run(network, images)


def as_rows(output: Tensor) -> Tensor:
    """[n_positions, channels] of a feature map [n_images, channels, height, width] or of [..., channels]."""
    return output.movedim(1, -1).flatten(0, -2) if output.dim() > 3 else output.flatten(0, -2)
