"""#Params of live layers: without layers that are not on a path from input to output."""

from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray

from harness.evidence import Layers
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("params_live")
@dataclass(frozen=True)
class ParamsLive(Proxy):
    """Trainable parameters of the layers on a path from input to output; 0 where there is no such path."""

    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.LIVE
    baseline: ClassVar[bool] = True

    def measure(self, layers: Layers) -> NDArray[Any]:
        """Exact count."""
        return layers.sum(layers.n_params * layers.live)
