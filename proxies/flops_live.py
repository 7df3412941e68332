"""FLOPs of live layers: without layers that are not on a path from input to output."""

from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray

from harness.evidence import Layers
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("flops_live")
@dataclass(frozen=True)
class FlopsLive(Proxy):
    """Multiply-accumulates of one image through the layers on a path from input to output; 0 where there is none."""

    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.LIVE
    baseline: ClassVar[bool] = True

    def measure(self, layers: Layers) -> NDArray[Any]:
        """Exact count."""
        return layers.sum(layers.flops * layers.live)
