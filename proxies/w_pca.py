"""W-PCA: weight-weighted principal components of feed-forward layers. Wang et al., ICLR 2025, arXiv:2504.15983."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from harness.errors import OptionError
from harness.evidence import FeedForwardFeatures, Layers
from harness.proxy import PROXIES, Proxy, Sees, Undefined


@PROXIES.register("w_pca")
@dataclass(frozen=True)
class WPca(Proxy):
    """#Params times the sum over feed-forward layers of the number of principal components of their features.

    The components are of X W1 + b1, what an activation reads, over all tokens of the batch: as many as it takes until
    their share of the variance exceeds `share`, that component included. Forward pass, no labels.

    Without the factor it is `v_pca`. normalised=True divides each number by the smaller of the layer's two widths, as
    the released code (ra225/W-PCA) does for its own search space; the definition has no such division. Where several
    feed-forward layers follow each other, each activation between them counts.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2504.15983"
    sees: ClassVar[Sees] = Sees.LIVE
    with_parameters: ClassVar[bool] = True

    share: float = 0.99
    normalised: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise OptionError(f"WPca with share={self.share} is invalid: it must be above 0 and below 1.")

    def measure(self, features: FeedForwardFeatures, layers: Layers) -> float:
        """Higher is better; at least 1."""
        found = 0.0
        for one in features.activations:
            width = min(one.n_inputs, len(one.variances))
            found += n_components(one.variances, self.share) / (width if self.normalised else 1)
        return found * (float(layers.sum(layers.n_params)[0]) if self.with_parameters else 1)


def n_components(variances: Tensor, share: float) -> int:
    """How many of descending variances it takes to exceed a share of their sum.

    Raises:
        Undefined: if there is no variance.
    """
    sums = torch.cumsum(variances, dim=0)
    if not bool(sums[-1] > 0) or not bool(torch.isfinite(sums[-1])):
        raise Undefined("what an activation reads does not vary over tokens")
    return min(int((sums / sums[-1] <= share).sum()) + 1, len(variances))
