"""GraSP: gradient signal preservation. Wang et al., ICLR 2020, arXiv:2002.07376; as a proxy: arXiv:2101.08134."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import FirstBatchGradients, WeightCurvature
from harness.proxy import PROXIES, Proxy, Sees
from proxies._total import total


@PROXIES.register("grasp")
@dataclass(frozen=True)
class Grasp(Proxy):
    """Minus the sum of w * (H g) over the weights of live convolutions and linear layers, for one batch with labels.

    g is the gradient of the loss and H its Hessian, both with respect to all these weights. As in zero-cost-nas, which
    reverses the paper's sign, because accuracy decreases with the sum, and uses temperature 1 (the paper: 200) and the
    same batch for g and H. AZ-NAS uses Kaiming-normal weights, which rank worse: protocol.init=kaiming_normal with
    protocol.batch_size=64. Signed, no absolute values. H is symmetric, so the sum is computed as g * (H w), which is
    cheaper; in float64.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2002.07376"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, gradients: FirstBatchGradients, curvature: WeightCurvature) -> float:
        """Higher is better."""
        return -total(
            (layer[0].double() * curvature.layers[name].double()).sum() for name, layer in gradients.layers.items()
        )
