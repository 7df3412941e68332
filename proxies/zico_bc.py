"""ZiCo-BC: ZiCo minus a penalty for thin and deep networks. Bhardwaj et al., ICCV workshops 2023, arXiv:2309.14666."""

import math
from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import OutputSizes, WeightGradients
from harness.proxy import PROXIES, Proxy, Sees
from proxies._gradient_variation import layer_terms


@PROXIES.register("zico_bc")
@dataclass(frozen=True)
class ZiCoBc(Proxy):
    """ZiCo - beta * sum_l log(H_l W_l / sqrt(C_l)), over the layers l that have a term in ZiCo (Eq. 2).

    H_l, W_l and C_l are height, width and channels of the layer's output; a linear layer has one pixel. There is no
    public code: that l runs over the convolutions and linear layers of ZiCo, as in the first line of the equation, and
    that sizes are those of outputs, is our interpretation. The paper uses beta 1 for classification and detection, 2
    for segmentation, and intends the correction for spaces of repeated blocks, such as NATS-Bench's size space.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2309.14666"
    sees: ClassVar[Sees] = Sees.LIVE
    min_batches: ClassVar[int] = 2

    beta: float = 1.0

    def measure(self, gradients: WeightGradients, sizes: OutputSizes) -> float:
        """Higher is better."""
        terms = {name: term for name, term in layer_terms(gradients.layers).items() if name in sizes.pixels}
        penalty = sum(math.log(sizes.pixels[name] / math.sqrt(sizes.channels[name])) for name in terms)
        return sum(terms.values()) - self.beta * penalty
