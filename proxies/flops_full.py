"""FLOPs with everything that is not a layer: the count behind the ZiCo paper's, arXiv:2301.11300, Table 1."""

from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray

from harness.evidence import Layers
from harness.proxy import PROXIES, Proxy, Sees, Undefined


@PROXIES.register("flops_full")
@dataclass(frozen=True)
class FlopsFull(Proxy):
    """The count of `flops`, plus 2 for each number that a normalisation gives and 1 for activations and poolings.

    Activations count what they give, poolings what they read; sums are not counted. Dead operations are included. On
    NATS-TSS this ranks as the FLOPs of the ZiCo paper do (tau .54, rho .73), where `flops` ranks as #Params does.
    """

    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.ALL
    baseline: ClassVar[bool] = True

    def measure(self, layers: Layers) -> NDArray[Any]:
        """Exact count."""
        if layers.elementwise_flops is None:
            raise Undefined("the search space does not say what its networks do beside their layers")
        total: NDArray[Any] = layers.sum(layers.flops) + layers.elementwise_flops
        return total
