"""The kernel of ReLU codes, arXiv:2006.04647, Eq. 2, shared by the variants of NASWOT."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def log_determinant(codes: Sequence[Tensor], n_relus: Sequence[int]) -> float:
    """log|det K|, K_ij = sum over ReLUs of the number of units on which images i and j have the same code.

    Args:
        codes: boolean matrices [batch, units].
        n_relus: weight of each matrix.

    Returns:
        -inf if two images have equal codes at all ReLUs.
    """
    kernel = torch.zeros((), dtype=torch.float64)
    for code, times in zip(codes, n_relus, strict=True):
        signs = code.float() * 2 - 1
        # The number of equal minus different units; exact in float32 below 2**24 units.
        balance = (signs @ signs.T).to(torch.float64)
        kernel = kernel.to(balance.device) + times * (balance + code.shape[1]) / 2
    return float(np.linalg.slogdet(kernel.cpu().numpy())[1])
