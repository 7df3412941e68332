"""Activation Distance. Serianni and Kalita, ACL 2023, arXiv:2306.00288, after NASWOT, arXiv:2006.04647."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import FeedForwardFeatures
from harness.evidence.transformer_features import ForwardFeatures
from harness.proxy import PROXIES, Proxy, Sees
from proxies._layer_totals import total


@PROXIES.register("activation_distance")
@dataclass(frozen=True)
class ActivationDistance(Proxy):
    """Sum over activations in feed-forward layers and pairs of tokens of the units above 0 at both or neither.

    The tokens are those of the first sequence: rows of NASWOT's kernel are inputs, here they are positions of one
    input. A plain sum, where NASWOT has a log-determinant: it is smallest where units split the tokens evenly.

    The published score counts each activation as often as hooks sat on it. All networks of that code share one GELU
    module whose hooks were never removed, so the factor (30 for the first network of the file, 40 for the fourth,
    408 for the last) tells when a network was run, and nothing else. `activation_distance_per_layer`, a mean, is free
    of this.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2306.00288"
    sees: ClassVar[Sees] = Sees.LIVE
    per_layer: ClassVar[bool] = False

    def measure(self, features: FeedForwardFeatures) -> float:
        """Higher is better; above 0."""
        return total([_alike(one) for one in features.activations], per_layer=self.per_layer)


def _alike(features: ForwardFeatures) -> float:
    """Over ordered pairs of n tokens: a unit that is above 0 for a of them has a^2 + (n - a)^2."""
    n_active = features.codes.double().sum(dim=0)
    return float((n_active**2 + (len(features.codes) - n_active) ** 2).sum())
