"""Head Softmax Confidence as its authors' code computes it. Serianni and Kalita, ACL 2023, arXiv:2306.00288."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import AttentionMaps
from harness.proxy import PROXIES, Proxy, Sees
from proxies._layer_totals import total


@PROXIES.register("softmax_confidence")
@dataclass(frozen=True)
class SoftmaxConfidence(Proxy):
    """Sum over softmaxes of the mean over sequences, queries and keys of the largest weight among the heads.

    The maximum is among heads and not, as for a confidence, among keys. Near uniform attention over n keys it is about
    1/n for each layer: a count of layers. The authors' Fourier and cosine transforms take a softmax of their output,
    along the width of a head, that nothing uses: it counts here as in their code. Divided by the number
    of softmaxes it is `softmax_confidence_per_layer`. For what the paper describes see `head_confidence`.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2306.00288"
    sees: ClassVar[Sees] = Sees.LIVE
    per_layer: ClassVar[bool] = False

    def measure(self, attention: AttentionMaps) -> float:
        """Higher is better; above 0, at most the number of layers."""
        return total([one.over_heads for one in (*attention.maps, *attention.discarded)], per_layer=self.per_layer)
