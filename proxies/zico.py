"""ZiCo: inverse coefficient of variation of gradients. Li et al., ICLR 2023, arXiv:2301.11300, Eq. 15."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import WeightGradients
from harness.proxy import PROXIES, Proxy, Sees
from proxies._gradient_variation import layer_terms


@PROXIES.register("zico")
@dataclass(frozen=True)
class ZiCo(Proxy):
    """Sum over live convolutions and linear layers of log sum_w mean_i|g_i| / std_i(g_i), i over the batches.

    As in the authors' code, the standard deviation is that of the signed gradients (Eq. 15 prints that of |g|), with
    ddof 0; weights with a constant gradient are excluded, and so are layers without remaining weights. The sum is
    dominated by the few weights whose gradients are nearly equal in both batches, so in float32 the score varies by one
    to three percent with the memory layout or the machine; with protocol.dtype=fp64 it does not.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2301.11300"
    sees: ClassVar[Sees] = Sees.LIVE
    min_batches: ClassVar[int] = 2

    def measure(self, gradients: WeightGradients) -> float:
        """Higher is better; 0 if no layer has a gradient that varies."""
        return float(sum(layer_terms(gradients.layers).values()))
