"""Zen-score: log of the features' response to a small change of the input. Lin et al., ICCV 2021, arXiv:2102.01063."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch.nn.modules.batchnorm import _BatchNorm

from harness.evidence import PrivateNetwork
from harness.evidence.base import Undefined
from harness.evidence.private import pooled_features
from harness.proxy import PROXIES, Proxy, Sees, require_positive
from harness.space.initialise import Initialisation


@PROXIES.register("zen")
@dataclass(frozen=True)
class Zen(Proxy):
    """log E ||f(x) - f(x + gamma z)||_1 + sum over normalisations of log sqrt(mean running variance).

    f is the input of the global average pooling, x and z are N(0,1), weights are N(0,1), redrawn in each repeat; the
    expectation is over images. The running variances are those after the two forward passes, so they depend on the
    momentum of the network. As in the authors' code applied to unmodified networks: their search first removes residual
    links. Defaults reproduce the search, with one repeat; their script for single networks uses 16 images and 32
    repeats. Dead normalisations are included in the sum, as published.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2102.01063"
    sees: ClassVar[Sees] = Sees.ALL

    n_images: int = 64
    gamma: float = 0.01
    n_repeats: int = 1

    def __post_init__(self) -> None:
        require_positive(self, "n_images", "gamma", "n_repeats")

    @torch.no_grad()
    def measure(self, private: PrivateNetwork) -> float:
        """Higher is better; -inf if the features do not change."""
        return sum(self._once(private, repeat) for repeat in range(self.n_repeats)) / self.n_repeats

    def _once(self, private: PrivateNetwork, repeat: int) -> float:
        # Each repeat has its own running statistics; the authors' accumulate over repeats.
        network = private.network(init=Initialisation.normal, draw=repeat)
        norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
        if not norms:
            raise Undefined("the network has no batch normalisation")
        images = private.noise(self.n_images, draw=2 * repeat)
        changed = images + self.gamma * private.noise(self.n_images, draw=2 * repeat + 1)
        difference = pooled_features(network, images) - pooled_features(network, changed)
        response = difference.abs().double().sum(dim=(1, 2, 3)).mean()
        scales = [norm.running_var.double().mean() for norm in norms if norm.running_var is not None]
        return float(response.log() + torch.stack(scales).log().sum() / 2)
