"""Number of weights of convolutions and linear layers."""

from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray

from harness.evidence import Layers
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("n_weights")
@dataclass(frozen=True)
class NWeights(Proxy):
    """Weights of convolutions and linear layers, including dead ones: #Params without biases and normalisation."""

    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.ALL
    baseline: ClassVar[bool] = True

    def measure(self, layers: Layers) -> NDArray[Any]:
        """Exact count."""
        return layers.sum(layers.n_weights)
