"""The denominator of ZiCo alone ("STD only"). Li et al., ICLR 2023, arXiv:2301.11300, Appendix F.1 and Table 7."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from harness.evidence import WeightGradients
from harness.proxy import PROXIES, Proxy, Sees
from proxies._gradient_variation import sum_of_logs


@PROXIES.register("zico_std")
@dataclass(frozen=True)
class ZiCoStd(Proxy):
    """Sum over live convolutions and linear layers of log sum_w 1 / std_i(g_i), i over the batches.

    The paper gives no formula for this ablation: here the numerator of Eq. 15 is 1. As in zico, the deviation is that
    of the signed gradients (ddof 0), and weights with a constant gradient, and layers without remaining weights, are
    excluded.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2301.11300"
    sees: ClassVar[Sees] = Sees.LIVE
    min_batches: ClassVar[int] = 2

    def measure(self, gradients: WeightGradients) -> float:
        """Higher is better; 0 if no layer has a gradient that varies."""
        deviations = [layer.std(dim=0, correction=0) for layer in gradients.layers.values()]
        return sum_of_logs([torch.where(deviation != 0, 1 / deviation, 0).sum() for deviation in deviations])
