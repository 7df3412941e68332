"""Plain: the signed sum of weight times gradient. Abdelfattah et al., ICLR 2021, arXiv:2101.08134 (their code)."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import FirstBatchGradients, Weights
from harness.proxy import PROXIES, Proxy, Sees
from proxies._total import total


@PROXIES.register("plain")
@dataclass(frozen=True)
class Plain(Proxy):
    """Sum over the weights of live convolutions and linear layers of w * dL/dw, signed, for one batch with its labels.

    As in zero-cost-nas. A convolution followed by batch normalisation contributes only rounding errors: the loss is
    invariant to the scale of its weights, so the gradient is orthogonal to them. Only layers without normalisation
    contribute. Summed in float64 to avoid further rounding.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2101.08134"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, weights: Weights, gradients: FirstBatchGradients) -> float:
        """Higher is better, as in the published tables; the correlation is near zero or negative."""
        return total(
            (weights.layers[name].double() * layer[0].double()).sum() for name, layer in gradients.layers.items()
        )
