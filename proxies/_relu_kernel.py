"""The kernel of ReLU codes, arXiv:2006.04647, Eq. 2, shared by the variants of NASWOT."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


def log_determinant(codes: Sequence[Tensor], readers: Sequence[int]) -> float:
    """log|det K|, K_ij = sum over readers of the number of units on which images i and j have the same code.

    Args:
        codes: boolean matrices [batch, units].
        readers: how often each of them counts.

    Returns:
        -inf if two images have the same codes throughout.
    """
    kernel = np.zeros((), dtype=np.float64)
    for code, times in zip(codes, readers, strict=True):
        signs = code.float() * 2 - 1
        # Equal minus different units; exact in float32 below 2**24 units.
        balance = (signs @ signs.T).to(torch.float64).cpu().numpy()
        kernel = kernel + times * (balance + code.shape[1]) / 2
    return float(np.linalg.slogdet(kernel)[1])
