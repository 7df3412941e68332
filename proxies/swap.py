"""SWAP-score: the number of sample-wise activation patterns. Peng et al., ICLR 2024, arXiv:2403.04161."""

import math
from dataclasses import dataclass
from typing import ClassVar

from harness.errors import OptionError
from harness.evidence import Layers, PrivateNetworkAndImages
from harness.evidence.patterns import n_unit_patterns
from harness.proxy import PROXIES, Proxy, Sees, Undefined, require_positive
from harness.space.initialise import Initialisation


@PROXIES.register("swap")
@dataclass(frozen=True)
class Swap(Proxy):
    """The number of distinct patterns over the images among the units of all ReLUs, mean over repeats.

    A unit's pattern is the set of images for which it is active, so there are at most 2^n_images, and large networks
    have them all: with 16 images it is 65,536 for each of 200 networks of the space mnasnet, and ranks none. Weights
    are N(0,1), redrawn in each repeat; images are the first of the protocol's. Dead ReLUs count, as published.

    `regularised` multiplies by exp(-(P - mu)^2 / sigma), P in thousands of parameters; the authors choose mu and sigma
    for each search space and target size, so there is no published default, and both must be given.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2403.04161"
    sees: ClassVar[Sees] = Sees.ALL

    n_images: int = 16
    n_repeats: int = 32
    regularised: bool = False
    mu: float = math.nan
    sigma: float = math.nan

    def __post_init__(self) -> None:
        require_positive(self, "n_images", "n_repeats")
        if self.regularised and not (self.mu > 0 and self.sigma > 0):
            raise OptionError("swap with regularised=True needs mu and sigma above 0, in thousands of parameters.")

    def measure(self, private: PrivateNetworkAndImages, layers: Layers) -> float:
        """Higher is better."""
        images = private.images(self.n_images)
        if len(images) < 2:
            raise Undefined("over one image a unit is active or not, whatever the network")
        total = 0
        for network in private.networks(self.n_repeats, init=Initialisation.normal):
            total += n_unit_patterns(network, images)
            private.cover_activations(network, images)
        if not self.regularised:
            return total / self.n_repeats
        thousands = layers.sum(layers.n_params).item() / 1e3
        return total / self.n_repeats * math.exp(-((thousands - self.mu) ** 2) / self.sigma)
