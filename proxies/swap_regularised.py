"""SWAP-score with regularisation by size. Peng et al., ICLR 2024, arXiv:2403.04161, Section 3.3."""

import math
from dataclasses import dataclass
from typing import ClassVar

from harness.errors import OptionError
from harness.evidence import Layers, PrivateNetworkAndImages
from harness.proxy import PROXIES, Proxy, Sees, Undefined, require_positive
from proxies.swap import Swap


@PROXIES.register("swap_regularised")
@dataclass(frozen=True)
class SwapRegularised(Proxy):
    """`swap` times exp(-(P - mu)^2 / sigma), P in thousands of parameters, dead operations included.

    The authors choose mu and sigma by hand for each search space, in the search to steer the size of what is found, and
    their code does not hold the values behind the printed correlations. There is therefore no default: without both
    options the score is undefined. The factor uses no images, and far from mu it is 0 in float64.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2403.04161"
    sees: ClassVar[Sees] = Sees.ALL

    mu: float = math.nan
    sigma: float = math.nan
    n_images: int = 16
    n_repeats: int = 32

    def __post_init__(self) -> None:
        require_positive(self, "n_images", "n_repeats")
        if math.isnan(self.mu) and math.isnan(self.sigma):
            return
        if not (self.mu > 0 and self.sigma > 0):
            raise OptionError(
                f"SwapRegularised with mu={self.mu}, sigma={self.sigma} is invalid: both must be above 0, in thousands "
                "of parameters and in their square."
            )

    def measure(self, private: PrivateNetworkAndImages, layers: Layers) -> float:
        """Higher is better; at least 0."""
        if math.isnan(self.mu):
            raise Undefined("the regularisation has no published default: give the options mu and sigma")
        regularised = Swap(self.n_images, self.n_repeats, regularised=True, mu=self.mu, sigma=self.sigma)
        return regularised.measure(private, layers)
