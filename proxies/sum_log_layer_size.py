"""Sum of log layer sizes: the lower bound of ZiCo with two batches (arXiv:2301.11300, Eq. 15)."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.evidence import Layers
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("sum_log_layer_size")
@dataclass(frozen=True)
class SumLogLayerSize(Proxy):
    """Sum over live convolutions and linear layers of log(number of weights); 0 without a path from input to output.

    With two batches, mean|g| / std(g) of a weight is (|g1| + |g2|) / |g1 - g2| >= 1, so the ZiCo term of every layer
    is at least the log of its number of weights.
    """

    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.LIVE
    baseline: ClassVar[bool] = True

    def measure(self, layers: Layers) -> NDArray[Any]:
        """Natural logarithms."""
        return layers.sum(np.log(np.maximum(layers.n_weights, 1)) * layers.live)
