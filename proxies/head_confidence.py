"""Head Confidence, as described. Serianni and Kalita, arXiv:2306.00288, after Voita et al., arXiv:1905.09418."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import AttentionMaps
from harness.proxy import PROXIES, Proxy, Sees, Undefined


@PROXIES.register("head_confidence")
@dataclass(frozen=True)
class HeadConfidence(Proxy):
    """Sum over attention of the mean over heads, sequences and queries of the largest weight given to a key.

    A head that gives all its weight to one key has 1, one that treats n keys alike 1/n. Forward pass, no labels.

    The authors' code computes something else, see `head_confidence_coded` and `softmax_confidence`.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2306.00288"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, attention: AttentionMaps) -> float:
        """Higher is better; above 0, at most the number of layers."""
        if not attention.maps:
            raise Undefined("no softmax of queries and keys ran in the network")
        return sum(float(one.peaks.mean()) for one in attention.maps)
