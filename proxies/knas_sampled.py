"""KNAS as its authors compute it: covariance of sampled gradients. Xu et al., ICML 2021, arXiv:2111.13293."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from harness.evidence import PrivateNetworkAndImages
from harness.proxy import PROXIES, Proxy, Sees

_N_PARAMETERS = 11
_N_WEIGHTS = 50
_SCALE = 2500


@PROXIES.register("knas_sampled")
@dataclass(frozen=True)
class KnasSampled(Proxy):
    """Sum over sampled weights of the products of the first 25 centred gradients with the last 25, divided by 2,500.

    As in the authors' code: loss gradients of 50 mini-batches; the first 50 entries of each of the first eleven
    parameters with at least 50 entries (including normalisation and biases, in the network's order), without training
    steps in between. The authors use 50 training batches; here the protocol's images are divided into 50, of five
    images by default.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2111.13293"
    sees: ClassVar[Sees] = Sees.ALL

    n_batches: int = 50

    def measure(self, private: PrivateNetworkAndImages) -> float:
        """Higher is better; of either sign."""
        network = private.network()
        parameters = [one for one in network.parameters() if one.numel() >= _N_WEIGHTS and one.requires_grad]
        batches: list[list[Tensor]] = []
        for loss in private.losses(network, self.n_batches):
            gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
            pairs = zip(parameters, gradients, strict=True)
            reached = [(parameter, gradient) for parameter, gradient in pairs if gradient is not None]
            parameters = [parameter for parameter, _ in reached[:_N_PARAMETERS]]  # no other gradients are needed
            batches.append([gradient.flatten()[:_N_WEIGHTS] for _, gradient in reached[:_N_PARAMETERS]])
        total = 0.0
        for of_parameter in zip(*batches, strict=True):
            sampled = torch.stack(of_parameter)
            first, last = sampled.to(torch.promote_types(sampled.dtype, torch.float32)).chunk(2)
            total += ((first - first.mean(dim=0)) * (last - last.mean(dim=0))).sum().item() / _SCALE
        return total
