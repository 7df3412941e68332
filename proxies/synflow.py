"""Synflow: synaptic flow. Tanaka et al., NeurIPS 2020, arXiv:2006.05467; as a proxy: arXiv:2101.08134."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from harness.evidence import SynflowSaliency
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("synflow")
@dataclass(frozen=True)
class Synflow(Proxy):
    """Log of the sum over live convolutions and linear layers of |w * dR/dw|, batch normalisation bypassed, in float64.

    The logarithm, as in NASLib, does not change ranks; -inf if the sum is 0. This is the case on the tasks `normal` and
    `autoencoder` of TransNAS-Bench-101 (in all of 32 sampled networks), whose final tanh is saturated by absolute
    weights: the published correlations there (arXiv:2210.03230, Fig. 2; arXiv:2301.11300, Table 5) are 0.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2006.05467"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, saliency: SynflowSaliency) -> float:
        """Higher is better."""
        total = sum((layer.sum() for layer in saliency.layers.values()), torch.zeros((), dtype=torch.float64))
        return total.log().item()
