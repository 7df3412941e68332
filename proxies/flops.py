"""FLOPs as the nats_bench package counts them: multiply-accumulates, arXiv:2009.00437."""

from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray

from harness.evidence import Layers
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("flops")
@dataclass(frozen=True)
class Flops(Proxy):
    """Multiply-accumulates per image of convolutions and classifier, plus the classifier's bias.

    Dead operations are included; normalisation, activations, poolings and sums are not. The official tables give this
    number in millions.
    """

    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.ALL
    baseline: ClassVar[bool] = True

    def measure(self, layers: Layers) -> NDArray[Any]:
        """Exact count."""
        return layers.sum(layers.flops)
