"""FLOPs including normalisation, activation and pooling: the count of the ZiCo paper, arXiv:2301.11300, Table 1."""

from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray

from harness.evidence import Layers
from harness.proxy import PROXIES, Proxy, Sees, Undefined


@PROXIES.register("flops_full")
@dataclass(frozen=True)
class FlopsFull(Proxy):
    """The count of `flops`, plus 2 per output of a normalisation, 1 per output of an activation or input of a pooling.

    Sums are not counted; dead operations are. On NATS-TSS it reproduces the correlations of the FLOPs in the ZiCo paper
    (tau .54, rho .73), whereas `flops` ranks like #Params.
    """

    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.ALL
    baseline: ClassVar[bool] = True

    def measure(self, layers: Layers) -> NDArray[Any]:
        """Exact count."""
        if layers.elementwise_flops is None:
            raise Undefined("the search space does not define the FLOPs of normalisation, activation and pooling")
        total: NDArray[Any] = layers.sum(layers.flops) + layers.elementwise_flops
        return total
