"""L-SWAG: variances of gradients times patterns, in an interval of layers. Casarin et al., arXiv:2505.07300."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from torch import Tensor

from harness.errors import OptionError
from harness.evidence import ReluCodes, WeightGradients
from harness.proxy import PROXIES, Proxy, Sees, Undefined


@PROXIES.register("lswag")
@dataclass(frozen=True)
class LSwag(Proxy):
    """[sum over layers of log sum_w 1 / sqrt(Var |g_w|)] times [sum over ReLUs of the number of patterns of units].

    Variances (ddof 0) are over the gradients of the protocol's batches; weights without variance are left out,
    as `zico` does. The pattern of a unit is the set of images of the first batch for which it is active.

    Only layers from the share `start` to the share `end` of the network's layers count, and so of its ReLUs. The
    authors choose that interval for each benchmark from gradient statistics of 1,000 networks, without accuracies; its
    numbers were not at hand, so the default is the whole network. There is no public code. Whether their variance is
    over images or over batches, the mode and the initial weights are not known: the definition is that of the
    paper's text, and its printed correlations may need another.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2505.07300"
    sees: ClassVar[Sees] = Sees.LIVE
    min_batches: ClassVar[int] = 2

    start: float = 0.0
    end: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end <= 1:
            raise OptionError(
                f"LSwag with start={self.start}, end={self.end} is invalid: shares of the depth, 0 <= start < end <= 1."
            )

    def measure(self, gradients: WeightGradients, relus: ReluCodes) -> float:
        """Higher is better."""
        layers = list(gradients.layers.values())
        terms = [_inverse_deviation(layers[place]) for place in self._inside(len(layers))]
        patterns = [_n_patterns(relus.codes[place]) for place in self._inside(len(relus.codes))]
        if not (any(terms) and patterns):
            raise Undefined("the interval holds no layer whose gradients vary, or no ReLU")
        return sum(math.log(term) for term in terms if term) * sum(patterns)

    def _inside(self, n: int) -> list[int]:
        """Places whose middle lies in the interval."""
        return [place for place in range(n) if self.start <= (place + 0.5) / n <= self.end]


def _inverse_deviation(layer: Tensor) -> float:
    deviations = layer.abs().double().std(dim=0, correction=0)
    return float((1 / deviations[deviations > 0]).sum())


def _n_patterns(codes: Tensor) -> int:
    packed = np.packbits(codes.T.cpu().numpy(), axis=1)
    return len({row.tobytes() for row in packed})
