"""Depth: the number of layers on the longest path."""

from dataclasses import dataclass
from typing import Any, ClassVar

from numpy.typing import NDArray

from harness.evidence import Layers
from harness.proxy import PROXIES, Proxy, Sees, Undefined


@PROXIES.register("depth")
@dataclass(frozen=True)
class Depth(Proxy):
    """The largest number of live convolutions and linear layers on a path from input to output; 0 without a path."""

    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.LIVE
    baseline: ClassVar[bool] = True

    def measure(self, layers: Layers) -> NDArray[Any]:
        """Exact count."""
        if layers.depth is None:
            raise Undefined("the search space does not define the depth of its networks")
        return layers.depth
