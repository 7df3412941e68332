"""NASWOT with dead ReLUs counted, as in NAS-Bench-Suite-Zero. arXiv:2006.04647, Eq. 2; arXiv:2210.03230."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import NamedReluCodes
from harness.proxy import PROXIES, Proxy, Sees
from proxies._relu_kernel import log_determinant


@PROXIES.register("naswot_nb201")
@dataclass(frozen=True)
class NaswotNb201(Proxy):
    """log|det K| as for naswot, but over every ReLU that is executed when each operation is, dead ones included.

    As NASLib does, which finds ReLUs by their class's name, LeakyReLUs of decoders among them, and makes no backward
    pass that would tell which are live. On NAS-Bench-201 a ReLU before a dead convolution counts, and one that is fed
    by a cut edge counts as equal for all images.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2210.03230"
    sees: ClassVar[Sees] = Sees.ALL

    def measure(self, codes: NamedReluCodes) -> float:
        """Higher is better; -inf if two images have the same codes throughout."""
        return log_determinant(codes.codes, codes.n_relus)
