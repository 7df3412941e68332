"""SNIP: connection sensitivity. Lee et al., ICLR 2019, arXiv:1810.02340; as a proxy: arXiv:2101.08134."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import FirstBatchGradients, Weights
from harness.proxy import PROXIES, Proxy, Sees
from proxies._total import total


@PROXIES.register("snip")
@dataclass(frozen=True)
class Snip(Proxy):
    """Sum over the weights of live convolutions and linear layers of |w * dL/dw|, for one batch with its labels.

    As in zero-cost-nas: not divided by the total, as the paper does for pruning. The authors' code computes the product
    as the gradient of a mask of ones, which is the same number.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:1810.02340"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, weights: Weights, gradients: FirstBatchGradients) -> float:
        """Higher is better."""
        return total((weights.layers[name] * layer[0]).abs().sum() for name, layer in gradients.layers.items())
