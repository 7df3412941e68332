"""Number of live convolutions: the count without what no input reaches or no output reads."""

from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray

from harness.evidence import Layers
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("n_convs_live")
@dataclass(frozen=True)
class NConvsLive(Proxy):
    """Convolutions on a path from input to output, of whatever size; 0 where there is no such path."""

    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.LIVE
    baseline: ClassVar[bool] = True

    def measure(self, layers: Layers) -> NDArray[Any]:
        """Exact count."""
        return layers.sum((layers.live & ~layers.is_linear).astype(int))
