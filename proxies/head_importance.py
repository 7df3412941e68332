"""Attention Head Importance. Serianni and Kalita, ACL 2023, arXiv:2306.00288, after Michel et al., arXiv:1905.10650."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import FirstBatchGradients, TransformerParts, Weights
from harness.proxy import PROXIES, Proxy, Sees
from proxies._layer_totals import of_layers, saliency, total

_FEWEST_AS_CODED = 128


@PROXIES.register("head_importance")
@dataclass(frozen=True)
class HeadImportance(Proxy):
    """Sum of |w dL/dw| over the linear layers of attention without its output layer.

    The loss is the task's: on NAS-Bench-BERT see `synaptic_diversity`, whose caution holds here.

    as_coded=True leaves out layers of fewer than 128 units, as the authors' code does without a word: of their
    networks the layer that makes the kernels of dynamic convolutions, of smaller networks all attention.
    Divided by the number of layers it is `head_importance_per_layer`.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2306.00288"
    sees: ClassVar[Sees] = Sees.LIVE
    per_layer: ClassVar[bool] = False

    as_coded: bool = False

    def measure(self, parts: TransformerParts, weights: Weights, gradients: FirstBatchGradients) -> float:
        """Higher is better; at least 0."""
        names = [name for one in parts.attention for name in one.inner]
        if self.as_coded:
            names = [name for name in names if len(weights.layers[name]) >= _FEWEST_AS_CODED]
        found = of_layers(names, weights.layers, gradients.layers, "attention" + " that is as wide" * self.as_coded)
        return total([saliency(*one) for one in found], per_layer=self.per_layer)
