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

    The logarithm, as NASLib takes it, changes no rank; -inf where nothing flows. So it is on the tasks `normal` and
    `autoencoder` of TransNAS-Bench-101 (all of 32 networks that were sampled), whose last layer is a tanh that absolute
    weights saturate: the published correlations there (arXiv:2210.03230, Fig. 2; arXiv:2301.11300, Table 5) are 0.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2006.05467"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, saliency: SynflowSaliency) -> float:
        """Higher is better."""
        total = sum((layer.sum() for layer in saliency.layers.values()), torch.zeros((), dtype=torch.float64))
        return total.log().item()
