"""#Params: the number of trainable parameters."""

from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray

from harness.evidence import Layers
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("params")
@dataclass(frozen=True)
class Params(Proxy):
    """Trainable parameters of the official network, including dead operations."""

    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.ALL
    baseline: ClassVar[bool] = True

    def measure(self, layers: Layers) -> NDArray[Any]:
        """Exact count."""
        return layers.sum(layers.n_params)
