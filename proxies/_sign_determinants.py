"""The Frobenius norm of sigmoids of determinants of signs, shared by the variants of EZNAS-A. arXiv:2209.07413."""

from collections.abc import Sequence

import torch
from torch import Tensor


def mean_of_norms(tensors: Sequence[Tensor | None]) -> float:
    """Mean over blocks of the norm over pairs of sigmoid(log det(sign T)), 0 for a block without T.

    Each T is [n, m, k, k]: n m matrices, of which a positive determinant d gives d / (1 + d), a negative one 1/2, and
    zero 0.
    """
    return sum(_norm(one) for one in tensors if one is not None) / len(tensors)


def _norm(tensor: Tensor) -> float:
    if tensor.shape[-1] != tensor.shape[-2]:
        return 0.0  # their determinant fails, and the block counts 0
    sign, logarithm = torch.linalg.slogdet(tensor.double().sign())
    # Determinants of signs are integers, so what is below 1/2 is the rounding of 0.
    singular = (sign == 0) | (logarithm < -0.5)
    terms = torch.where(sign > 0, logarithm.sigmoid(), 0.5)
    return float(torch.where(singular, 0, terms).norm())
