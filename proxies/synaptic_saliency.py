"""Synaptic Saliency of feed-forward layers. Serianni and Kalita, ACL 2023, arXiv:2306.00288."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import FirstBatchGradients, TransformerParts, Weights
from harness.proxy import PROXIES, Proxy, Sees, Undefined
from proxies._layer_totals import of_layers, saliency, total


@PROXIES.register("synaptic_saliency")
@dataclass(frozen=True)
class SynapticSaliency(Proxy):
    """Sum of |w dL/dw| over the feed-forward layers beside attention.

    The loss is the task's: on NAS-Bench-BERT see `synaptic_diversity`, whose caution holds here. Divided by the
    number of layers it is `synaptic_saliency_per_layer`.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2306.00288"
    sees: ClassVar[Sees] = Sees.LIVE
    per_layer: ClassVar[bool] = False

    def measure(self, parts: TransformerParts, weights: Weights, gradients: FirstBatchGradients) -> float:
        """Higher is better; at least 0."""
        if not parts.feed_forward:
            raise Undefined("the network has no feed-forward layers beside its attention")
        found = of_layers(parts.feed_forward, weights.layers, gradients.layers, "feed-forward layers")
        return total([saliency(*one) for one in found], per_layer=self.per_layer)
