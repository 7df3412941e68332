"""Fisher: channel saliency. Theis et al., arXiv:1801.05787; Turner et al., ICLR 2020, arXiv:1906.04113."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import ChannelSensitivities
from harness.proxy import PROXIES, Proxy, Sees
from proxies._total import total


@PROXIES.register("fisher")
@dataclass(frozen=True)
class Fisher(Proxy):
    """Sum over output channels of live convolutions and linear layers of 1/2 mean_n (sum_hw a * dL/da)^2, per weight.

    a is the layer's output before normalisation. As in zero-cost-nas (arXiv:2101.08134), which spreads a channel's
    value to each of its weights before it sums: a channel counts as often as it has weights. Theis et al. and Turner
    et al. measure after the activation and count a channel once. Where a layer runs several times (the tiles of a
    puzzle), each run meets its own output; the public code holds the last one only.

    The correlations that zero-cost-nas prints for NAS-Bench-201 are lower than those of this proxy, by its networks and
    not by its formula: their cells' convolutions have biases, which the benchmark's have not. A convolution that reads
    zeros alone (2,140 of the 15,625 cells have one that is read) then gives its bias, and the normalisation behind it
    multiplies the gradient of that constant by 1 / sqrt(eps), 316. See tests/oracles/README.md.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:1801.05787"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, channels: ChannelSensitivities) -> float:
        """Higher is better."""
        return total(
            layer.double().sum() * channels.weights_per_channel[name] for name, layer in sorted(channels.layers.items())
        )
