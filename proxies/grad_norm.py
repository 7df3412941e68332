"""Gradient norm: sum of the layers' gradient norms. Abdelfattah et al., ICLR 2021, arXiv:2101.08134."""

from dataclasses import dataclass
from typing import ClassVar

import torch

from harness.evidence import FirstBatchGradients
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("grad_norm")
@dataclass(frozen=True)
class GradNorm(Proxy):
    """Sum over live convolutions and linear layers of ||dL/dW||_2, for one batch with its true labels.

    The variant of zero-cost-nas; others use one norm over all parameters (`grad_norm_global`).
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2101.08134"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, gradients: FirstBatchGradients) -> float:
        """Higher is better."""
        norms = [layer[0].norm() for layer in gradients.layers.values()]
        return float(sum(torch.stack(norms).tolist())) if norms else 0.0
