"""NASWOT: log-determinant of the ReLU-code kernel. Mellor et al., ICML 2021, arXiv:2006.04647, Eq. 2."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from harness.evidence import ReluCodes
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("naswot")
@dataclass(frozen=True)
class Naswot(Proxy):
    """log|det K|, K_ij = sum over live ReLUs of the number of units on which images i and j have the same code.

    Every live ReLU counts, also where two read the same tensor. One batch in train mode, no labels.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2006.04647"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, codes: ReluCodes) -> float:
        """Higher is better; -inf if two images have the same codes throughout."""
        kernel = np.zeros((), dtype=np.float64)
        for code, readers in zip(codes.codes, codes.readers, strict=True):
            signs = code.float() * 2 - 1
            # Equal minus different units; exact in float32 below 2**24 units.
            balance = (signs @ signs.T).to(torch.float64).cpu().numpy()
            kernel = kernel + readers * (balance + code.shape[1]) / 2
        return float(np.linalg.slogdet(kernel)[1])
