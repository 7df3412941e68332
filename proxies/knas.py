"""KNAS: the mean of the Gram matrix of gradients. Xu et al., ICML 2021, arXiv:2111.13293."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from harness.evidence import PerImageGradients
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("knas")
@dataclass(frozen=True)
class Knas(Proxy):
    """Mean over layers and over pairs (i, j) of images of the inner product of their loss gradients (MGM).

    The mean over pairs is the squared norm of the mean gradient. Live convolutions and linear layers, each image of the
    first batch separately. The definition follows the abstract, with the mean over layers as cited in the literature;
    the paper's equation was not available. The authors' code computes a different quantity: 50 mini-batches instead of
    images, 50 weights of each of the first eleven parameters, and the covariance of the first 25 gradients with the
    last 25 (`knas_sampled`).
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2111.13293"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, gradients: PerImageGradients) -> float:
        """Higher is better; 0 if no layer is called."""
        sums = [layer.gradients.square().sum(dtype=torch.float64) for layer in gradients.layers.values()]
        return torch.stack(sums).mean().item() / gradients.n_images**2 if sums else 0.0
