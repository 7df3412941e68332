"""L2 norm: sum of the layers' weight norms. Abdelfattah et al., ICLR 2021, arXiv:2101.08134 (their code)."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import Weights
from harness.proxy import PROXIES, Proxy, Sees
from proxies._total import total


@PROXIES.register("l2_norm")
@dataclass(frozen=True)
class L2Norm(Proxy):
    """Sum over convolutions and linear layers, including dead ones, of ||W||_2 at initialisation. No pass, no data.

    The measure l2_norm of zero-cost-nas and NASLib, which iterate over all modules, executed or not. At initialisation
    it is a function of the layer sizes, through the variance set by fan-in or fan-out.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2101.08134"
    sees: ClassVar[Sees] = Sees.ALL

    def measure(self, weights: Weights) -> float:
        """Higher is better."""
        return total(weight.norm() for weight in weights.layers.values())
