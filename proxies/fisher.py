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

    a is the layer's output before normalisation. As in zero-cost-nas (arXiv:2101.08134), which assigns a channel's
    value to each of its weights before summing, a channel is weighted by its number of weights. Theis et al. and Turner
    et al. measure after the activation and count each channel once. If a layer runs several times (the tiles of a
    jigsaw puzzle), each run uses its own output; the public code keeps the last one only.

    The correlations published by zero-cost-nas for NAS-Bench-201 are lower than those of this proxy because of its
    networks, not its formula: the convolutions in its cells have biases, those of the benchmark do not. A convolution
    with all-zero input (2,140 of the 15,625 cells have one whose output is used) then outputs its bias, and the
    following normalisation multiplies its gradient by 316 = 1 / sqrt(eps). See tests/oracles/README.md.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:1801.05787"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, channels: ChannelSensitivities) -> float:
        """Higher is better."""
        return total(
            layer.double().sum() * channels.weights_per_channel[name] for name, layer in sorted(channels.layers.items())
        )
