"""The input of a network's last linear layer, which several authors' networks return beside their logits."""

import torch
from torch import Tensor, nn

from harness.evidence.private import hooked, run
from harness.proxy import Undefined


def last_features(network: nn.Module, images: Tensor) -> Tensor:
    """The input [n_images, n_features] of the linear layer that runs last, with its graph.

    Raises:
        Undefined: if no linear layer runs, as in networks whose output is an image.
    """
    found: list[Tensor] = []

    def see(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        found[:] = [inputs[0]]

    with hooked([module for module in network.modules() if isinstance(module, nn.Linear)], see):
        run(network, images)
    if not found:
        raise Undefined("the network has no linear layer, before which its features are read")
    return found[0].flatten(1) if found[0].dim() > 1 else found[0][:, None]


def detached_features(network: nn.Module, images: Tensor) -> Tensor:
    """The same without a graph."""
    with torch.no_grad():
        return last_features(network, images)
