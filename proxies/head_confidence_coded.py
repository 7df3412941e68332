"""Head Confidence as its authors' code computes it. Serianni and Kalita, ACL 2023, arXiv:2306.00288."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import AttentionMaps
from harness.proxy import PROXIES, Proxy, Sees, Undefined
from proxies._layer_totals import total


@PROXIES.register("head_confidence_coded")
@dataclass(frozen=True)
class HeadConfidenceCoded(Proxy):
    """Sum over queries, keys and values of the mean over sequences and channels of their largest value among tokens.

    The published score by that name: the code hooks the linear layers before attention, so no attention weight is in
    it. It grows with the number of such layers, of which an attention has three or four, and a Fourier or cosine
    transform one; that number is a count. Divided by it, it is
    `head_confidence_coded_per_layer`. For what the paper describes see `head_confidence`.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2306.00288"
    sees: ClassVar[Sees] = Sees.LIVE
    per_layer: ClassVar[bool] = False

    def measure(self, attention: AttentionMaps) -> float:
        """Higher is better."""
        if not attention.projections:
            raise Undefined("no linear layer of queries, keys or values ran on a sequence")
        return total([peak for _, peak in attention.projections], per_layer=self.per_layer)
