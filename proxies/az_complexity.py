"""Complexity of AZ-NAS: the multiply-accumulates. Lee and Ham, CVPR 2024, arXiv:2403.19232."""

from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray

from harness.evidence import Layers
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("az_complexity")
@dataclass(frozen=True)
class AzComplexity(Proxy):
    """Multiply-accumulates of one image through the live layers (s^C in the paper): the same number as `flops_live`.

    The authors read it from the tables of NATS-Bench, which include dead operations, as `flops` does.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2403.19232"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, layers: Layers) -> NDArray[Any]:
        """Exact count."""
        return layers.sum(layers.flops * layers.live)
