"""The proxy that APD's language model found. "Revolutionizing Training-Free NAS", OpenReview:3naHyE5klE."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from harness.evidence import LayerFeatures
from harness.evidence.layer_features import as_rows
from harness.proxy import PROXIES, Proxy, Sees, Undefined, require_positive
from harness.space.own_network import body_of


@PROXIES.register("apd")
@dataclass(frozen=True)
class Apd(Proxy):
    """Sum over batch normalisations of |M|_F^2 / |M|_2^2, times sum over convolutions of |W|_1 / |W|_2.

    M is the output as a matrix of channels and positions, of which the quotient is the stable rank; norms of weights
    are over their entries. Forward pass in train mode, no labels. Batch and initial weights are not stated in what was
    read: those of the protocol. Both sums grow with the number of layers. Undefined without batch normalisation or
    without convolutions, as for most transformers.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "OpenReview:3naHyE5klE"
    sees: ClassVar[Sees] = Sees.ALL

    n_images: int = 64

    def __post_init__(self) -> None:
        require_positive(self, "n_images")

    def measure(self, features: LayerFeatures) -> float:
        """Higher is better; at least 0."""
        network = features.network()
        modules = list(body_of(network).modules())
        spreads = [_spread(one.weight) for one in modules if isinstance(one, _ConvNd)]
        ranks: list[float] = []

        def see(layer: nn.Module, output: Tensor) -> None:
            if isinstance(layer, _BatchNorm):
                ranks.append(_stable_rank(as_rows(output)))

        features.read(network, features.images(self.n_images), see)
        if not (spreads and ranks):
            raise Undefined(f"the network has no {'convolution' if ranks else 'batch normalisation that runs'}")
        return sum(ranks) * sum(spreads)


def _stable_rank(rows: Tensor) -> float:
    """0 of a matrix of zeros."""
    exact = rows.double()
    squares = torch.linalg.eigvalsh(exact.T @ exact)
    return float(squares.sum() / squares[-1]) if squares[-1] > 0 else 0.0


def _spread(weight: Tensor) -> float:
    """0 of zeros."""
    exact = weight.detach().double()
    norm = exact.norm()
    return float(exact.abs().sum() / norm) if norm > 0 else 0.0
