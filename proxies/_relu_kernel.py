"""The kernel of ReLU codes, arXiv:2006.04647, Eq. 2, shared by the variants of NASWOT."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from harness.proxy import Undefined


def log_determinant(codes: Sequence[Tensor], n_relus: Sequence[int]) -> float:
    """log|det K|, K_ij = sum over ReLUs of the number of units on which images i and j have the same code.

    Args:
        codes: boolean matrices [batch, units].
        n_relus: weight of each matrix.

    Returns:
        -inf if two images have the same codes throughout.

    Raises:
        Undefined: for one image, whose kernel is the number of units.
    """
    if any(len(code) < 2 for code in codes):
        raise Undefined("the kernel compares images, and there is one")
    kernel = torch.zeros((), dtype=torch.float64)
    for code, times in zip(codes, n_relus, strict=True):
        signs = code.float() * 2 - 1
        # The number of equal minus different units; exact in float32 below 2**24 units.
        balance = (signs @ signs.T).to(torch.float64)
        kernel = kernel.to(balance.device) + times * (balance + code.shape[1]) / 2
    return float(np.linalg.slogdet(kernel.cpu().numpy())[1])
