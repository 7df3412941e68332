"""NASWOT with dead ReLUs counted, as in NAS-Bench-Suite-Zero. arXiv:2006.04647, Eq. 2; arXiv:2210.03230."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import NamedReluCodes
from harness.proxy import PROXIES, Proxy, Sees
from proxies._relu_kernel import log_determinant


@PROXIES.register("naswot_nb201")
@dataclass(frozen=True)
class NaswotNb201(Proxy):
    """log|det K| as for naswot, but over every ReLU in the network with all operations, including dead ones.

    As in NASLib, which finds ReLUs by class name, including the LeakyReLUs of decoders, and runs no backward pass that
    would show which are live. On NAS-Bench-201 a ReLU before a dead convolution counts, and one that reads a `none`
    operation counts as equal for all images.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2210.03230"
    sees: ClassVar[Sees] = Sees.ALL

    def measure(self, codes: NamedReluCodes) -> float:
        """Higher is better; -inf if two images have the same codes throughout."""
        return log_determinant(codes.codes, codes.n_relus)
