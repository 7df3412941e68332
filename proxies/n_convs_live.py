"""Number of live convolutions: without those that are not on a path from input to output."""

from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray

from harness.evidence import Layers
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("n_convs_live")
@dataclass(frozen=True)
class NConvsLive(Proxy):
    """Convolutions on a path from input to output, of any kernel size; 0 if there is no such path."""

    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.LIVE
    baseline: ClassVar[bool] = True

    def measure(self, layers: Layers) -> NDArray[Any]:
        """Exact count."""
        return layers.sum((layers.live & ~layers.is_linear).astype(int))
