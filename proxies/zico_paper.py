"""ZiCo exactly as in Eq. 15: the deviation of magnitudes. Li et al., ICLR 2023, arXiv:2301.11300."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import WeightGradients
from harness.proxy import PROXIES, Proxy, Sees
from proxies._gradient_variation import layer_terms


@PROXIES.register("zico_paper")
@dataclass(frozen=True)
class ZiCoPaper(Proxy):
    """Sum over live convolutions and linear layers of log sum_w E|g_i| / sqrt(Var(|g_i|)), i over the batches.

    Eq. 15 as printed; the authors' code (the proxy zico) uses the variance of the signed gradients. With two batches a
    weight's ratio is (|g1| + |g2|) / ||g1| - |g2||, which is at least 1, too, but also large if gradients of opposite
    sign have similar magnitudes. The variance has ddof 0; weights with constant magnitude, for which the printed ratio
    is undefined, are excluded as in the code.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2301.11300"
    sees: ClassVar[Sees] = Sees.LIVE
    min_batches: ClassVar[int] = 2

    def measure(self, gradients: WeightGradients) -> float:
        """Higher is better; 0 if no layer has a gradient whose magnitude varies."""
        return sum(layer_terms(gradients.layers, of_magnitudes=True).values())
