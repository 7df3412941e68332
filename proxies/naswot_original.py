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

    This also matches blocks called ReLUConvBN, whose input is that of their ReLU, so every ReLU before a convolution
    counts twice in the networks of NAS-Bench-201, NATS-Bench and TransNAS-Bench-101. The block of NAS-Bench-101 is
    called ConvBnRelu, which does not match, so nothing counts twice there. Dead ReLUs count: the code skips modules
    without a backward pass, but the official `none` operation multiplies by zero, so all modules have one. (On
    TransNAS-Bench-101, where the authors did not run it, a `none` operation that changes the shape returns new zeros; a
    ReLU that reads nothing else would be skipped there, but counts here.)
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2006.04647"
    sees: ClassVar[Sees] = Sees.ALL

    def measure(self, codes: NamedReluCodes) -> float:
        """Higher is better; -inf if two images have the same codes throughout."""
        return log_determinant(codes.codes, codes.official_n_relus)
