"""LogSynflow: synaptic flow of damped gradients. Cavagnero et al., WACV 2023, arXiv:2207.05135."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import SynflowGradients
from harness.proxy import PROXIES, Proxy, Sees
from proxies._total import total


@PROXIES.register("logsynflow")
@dataclass(frozen=True)
class LogSynflow(Proxy):
    """Sum over live convolutions and linear layers of |w| * log(1 + dR/dw), batch normalisation bypassed, in float64.

    R is the sum of the outputs for one image of ones with absolute weights, as in synflow. The logarithm is applied to
    each gradient, so this is not the logarithm of synflow. As in FreeREA's code.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2207.05135"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, flow: SynflowGradients) -> float:
        """Higher is better; 0 if all gradients are 0."""
        return total((flow.weights[name] * layer.log1p()).abs().sum() for name, layer in flow.layers.items())
