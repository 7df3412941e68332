"""NASWOT as its authors' code counts. Mellor et al., ICML 2021, arXiv:2006.04647, Eq. 2."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import NamedReluCodes
from harness.proxy import PROXIES, Proxy, Sees
from proxies._relu_kernel import log_determinant


@PROXIES.register("naswot_original")
@dataclass(frozen=True)
class NaswotOriginal(Proxy):
    """log|det K| as for naswot, but over all modules with 'ReLU' in the name of their class in the official networks.

    That matches the blocks called ReLUConvBN too, whose input is what their ReLU reads, so it counts twice: every ReLU
    before a convolution of NAS-Bench-201's, NATS-Bench's and TransNAS-Bench-101's networks. NAS-Bench-101's block is
    called ConvBnRelu, which does not match, so nothing counts twice there. Dead ReLUs count: the code leaves out
    modules without a backward pass, but the official cut edge multiplies by zero, so that all have one. (On
    TransNAS-Bench-101, where the authors did not run it, a cut edge that changes the shape makes zeros of its own; a
    ReLU that reads nothing else would be left out there, and counts here.)
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2006.04647"
    sees: ClassVar[Sees] = Sees.ALL

    def measure(self, codes: NamedReluCodes) -> float:
        """Higher is better; -inf if two images have the same codes throughout."""
        return log_determinant(codes.codes, codes.official_n_relus)
