"""Number of parameter tensors: the integer part of VKDNW. Tybl and Neumann, arXiv:2502.04975, Eq. 12."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import PrivateNetwork
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("n_tensors")
@dataclass(frozen=True)
class NTensors(Proxy):
    """The number of parameter tensors of the network, including those of dead operations (`vkdnw_dim` of the authors).

    A convolution with its normalisation has three, one without has one. A count of layers, in other words; no baseline,
    because the layers as they are counted without a network do not say into how many tensors their parameters divide.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2502.04975"
    sees: ClassVar[Sees] = Sees.ALL

    def measure(self, private: PrivateNetwork) -> float:
        """Higher is better; exact."""
        return float(len(list(private.network().parameters())))
