"""Epsilon: how a network's output changes with one constant for all weights. Gracheva, arXiv:2302.04406."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from harness.evidence import PrivateNetworkAndImages
from harness.proxy import PROXIES, Proxy, Sees, Undefined, require_positive
from proxies._last_features import detached_features


@PROXIES.register("epsinas")
@dataclass(frozen=True)
class Epsinas(Proxy):
    """Mean |a - b| over the mean of both, a and b features of a batch with all weights `low` and all weights `high`.

    Features are the inputs of the last linear layer, the first output of the authors' networks, scaled to [0, 1] over
    units and images; what is then exactly 0 is left out, from the difference if it is 0 in either. Weights of
    normalisation are the same constant, biases 0. No labels, no gradients, no random weights. The authors tuned
    the constants on the trained accuracies of 100 networks, which also sets how many scores are undefined. With N(0,1)
    images instead of real ones they report rho .54 instead of .87. For NAS-Bench-101 their code takes the logit of a
    network of one class for the features, and the constants 1e-4 and 10.

    Where channels are equal in theory, rounding decides which features are exactly 0, and with few images that may move
    the score by a tenth.

    Undefined if the features of one of the two networks are all equal or not finite, which is NaN in the authors' code
    and left out before correlating. The smaller constant underflows in float32 along deep chains, as there.

    Memory: one forward pass at a time, without gradients, over all `n_images`.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2302.04406"
    sees: ClassVar[Sees] = Sees.ALL

    n_images: int = 256
    low: float = 1e-7
    high: float = 1.0

    def __post_init__(self) -> None:
        require_positive(self, "n_images", "low", "high")

    def measure(self, private: PrivateNetworkAndImages) -> float:
        """Higher is better; at least 0."""
        images, network = private.images(self.n_images), private.network()
        first, second = (_scaled(_features(network, images, weight)) for weight in (self.low, self.high))
        both = (first != 0) & (second != 0)
        if not bool(both.any()):
            raise Undefined("no feature is above the least one with both constants")
        difference = (first - second).abs()[both].mean()
        total, count = first.sum() + second.sum(), (first != 0).sum() + (second != 0).sum()
        return float(difference / (total / count))


def _features(network: nn.Module, images: Tensor, weight: float) -> Tensor:
    with torch.no_grad():
        for module in network.modules():
            for name, parameter in module.named_parameters(recurse=False):
                parameter.fill_(0 if "bias" in name else weight)
    return detached_features(network, images)


def _scaled(features: Tensor) -> Tensor:
    values = features.double().flatten()
    least, largest = values.min(), values.max()
    if not bool(torch.isfinite(values).all()):
        raise Undefined("with equal weights the features are not finite")
    if least == largest:
        raise Undefined("with equal weights all features are equal")
    return (values - least) / (largest - least)
