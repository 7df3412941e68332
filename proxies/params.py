"""#Params: the number of trainable parameters."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import Layers
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("params")
@dataclass(frozen=True)
class Params(Proxy):
    """Trainable parameters of the official network, dead operations included."""

    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.ALL
    baseline: ClassVar[bool] = True

    def measure(self, layers: Layers) -> float:
        """Exact count."""
        return sum(layer.n_params * layer.repeats for layer in layers)
