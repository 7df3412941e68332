"""The numerator of ZiCo alone ("mean only"). Li et al., ICLR 2023, arXiv:2301.11300, Appendix F.1 and Table 7."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import WeightGradients
from harness.proxy import PROXIES, Proxy, Sees
from proxies._gradient_variation import sum_of_logs


@PROXIES.register("zico_mean")
@dataclass(frozen=True)
class ZiCoMean(Proxy):
    """Sum over live convolutions and linear layers of log sum_w mean_i|g_i|, i over the batches.

    The paper gives no formula for this ablation: here the denominator of Eq. 15 is 1. Layers without gradient are
    excluded, as in zico.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2301.11300"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, gradients: WeightGradients) -> float:
        """Higher is better; 0 if no layer has a gradient."""
        return sum_of_logs([layer.abs().mean(dim=0).sum() for layer in gradients.layers.values()])
