"""NASWOT: log-determinant of the ReLU-code kernel. Mellor et al., ICML 2021, arXiv:2006.04647, Eq. 2."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import ReluCodes
from harness.proxy import PROXIES, Proxy, Sees
from proxies._relu_kernel import log_determinant


@PROXIES.register("naswot")
@dataclass(frozen=True)
class Naswot(Proxy):
    """log|det K|, K_ij = sum over live ReLUs of the number of units on which images i and j have the same code.

    Every live ReLU counts, even if two read the same tensor. One batch in train mode, no labels.
    LeakyReLUs, which some decoders of TransNAS-Bench-101 have, do not count; `naswot_original` counts them as the
    authors' code does.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2006.04647"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, codes: ReluCodes) -> float:
        """Higher is better; -inf if two images have the same codes throughout."""
        return log_determinant(codes.codes, codes.n_relus)
