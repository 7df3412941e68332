"""Blocks of activation, convolution and normalisation, and the gradients of pooled features there. arXiv:2209.07413."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from harness.evidence.base import EVIDENCE, Undefined
from harness.evidence.private import PrivateNetworkAndImages, run
from harness.space.initialise import Initialisation
from harness.space.own_network import body_of


@dataclass(frozen=True, eq=False)
class BlockGradients:
    """Gradients of one block; None if the features do not depend on it.

    `at_input` [n_images, channels, height, width] is by way of the block alone, `of_weight` [n_out, n_in, height,
    width] that of its convolution.
    """

    at_input: Tensor | None
    of_weight: Tensor | None


@EVIDENCE.register("block_gradients")
class BlockGradientsSeen(PrivateNetworkAndImages):
    """Gradients of the sum of the features before the last linear layer, block by block in the order of registration.

    A block is a module whose own children are one ReLU, one convolution and one batch normalisation, in any order;
    its input is that of the first. Weights are N(0, 2 / fan_out), in train mode; dead blocks are listed.

    Memory: the input of every block, and one feature map of gradients for each.
    """

    shared_pass: ClassVar[str] = "block gradients"

    def blocks(self, n_images: int, *, noise: bool) -> Sequence[BlockGradients]:
        """Of a batch of noise or of the protocol's images.

        Raises:
            Undefined: without such blocks, or without a linear layer.
        """
        return self.once((n_images, noise), lambda: self._compute(n_images, noise))

    def _compute(self, n_images: int, noise: bool) -> Sequence[BlockGradients]:
        images = self.noise(n_images) if noise else self.images(n_images)
        network = self.network(init=Initialisation.kaiming_normal_fan_out)
        blocks = [block for block in map(_block, body_of(network).modules()) if block]
        if not blocks:
            raise Undefined("the network has no block of a ReLU, a convolution and a batch normalisation")
        inputs: dict[nn.Module, Tensor] = {}
        last: list[Tensor] = []

        def lay(module: nn.Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            features = arguments[0]
            # A tensor of its own, so that its gradient is that by way of this block.
            inputs[module] = features.view_as(features) if features.requires_grad else features.detach().clone()
            inputs[module] = inputs[module] if features.requires_grad else inputs[module].requires_grad_()
            return (inputs[module], *arguments[1:])

        def see(module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
            last[:] = [arguments[0]]

        handles = [first.register_forward_pre_hook(lay) for first, _ in blocks]
        handles += [one.register_forward_pre_hook(see) for one in network.modules() if isinstance(one, nn.Linear)]
        try:
            with torch.enable_grad():
                run(network, images)
        finally:
            for handle in handles:
                handle.remove()
        if not last:
            raise Undefined("the network has no linear layer, before which its features are read")
        reached = [(first, layer) for first, layer in blocks if first in inputs]
        if not (reached and last[0].requires_grad):
            return [BlockGradients(None, None)] * len(blocks)
        wanted = [inputs[first] for first, _ in reached] + [layer.weight for _, layer in reached]
        found = torch.autograd.grad(last[0].sum(), wanted, allow_unused=True)
        of_block = {
            first: BlockGradients(found[place], found[len(reached) + place]) for place, (first, _) in enumerate(reached)
        }
        return [of_block.get(first, BlockGradients(None, None)) for first, _ in blocks]


def _block(module: nn.Module) -> tuple[nn.Module, nn.Conv2d] | None:
    """The first of a block's modules and its convolution; None for any other module."""
    children = list(module.children())
    kinds = (nn.ReLU, nn.Conv2d, nn.BatchNorm2d)
    if len(children) != 3 or any(sum(isinstance(child, kind) for child in children) != 1 for kind in kinds):
        return None
    return children[0], next(child for child in children if isinstance(child, nn.Conv2d))
