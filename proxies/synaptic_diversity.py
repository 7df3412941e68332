"""Synaptic Diversity of attention. Serianni and Kalita, ACL 2023, arXiv:2306.00288, after TF-TAS, arXiv:2203.12217."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import FirstBatchGradients, TransformerParts, Weights
from harness.proxy import PROXIES, Proxy, Sees
from proxies._layer_totals import diversity, of_layers, total


@PROXIES.register("synaptic_diversity")
@dataclass(frozen=True)
class SynapticDiversity(Proxy):
    """Sum over the linear layers of attention of the nuclear norm of the weight times that of its gradient.

    All linear layers count, the output included; a packed weight of queries, keys and values is one matrix. Without the
    absolute weights of `dss`, and with the gradient of the task's own loss: on NAS-Bench-BERT by default the sum of
    the last hidden state, as in the authors' code, **whose gradient is rounding noise** there, because a normalisation
    makes that sum constant; so is the published score. loss=masked_language_modelling has gradients that are not.

    Divided by the number of layers, which the authors call normalised, it is `synaptic_diversity_per_layer`.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2306.00288"
    sees: ClassVar[Sees] = Sees.LIVE
    per_layer: ClassVar[bool] = False

    def measure(self, parts: TransformerParts, weights: Weights, gradients: FirstBatchGradients) -> float:
        """Higher is better; at least 0."""
        names = [name for one in parts.attention for name in (*one.inner, *one.outer)]
        found = of_layers(names, weights.layers, gradients.layers, "attention")
        return total([diversity(*one) for one in found], per_layer=self.per_layer)
