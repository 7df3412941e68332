"""The kernel of absolute correlations between images, arXiv:2507.08841, shared by RCor and WRCor."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from harness.evidence import ActivationCorrelations
from harness.proxy import Undefined


def log_determinant(correlations: ActivationCorrelations, weights: Sequence[float]) -> float:
    """log|det K|, K the sum over activations of weight times correlations of values and of gradients.

    A matrix with a NaN, where an image is constant, does not count, as in the authors' code.

    Raises:
        Undefined: for one image, and if no matrix counts.
    """
    total: Tensor | None = None
    for activation, weight in zip(correlations.activations, weights, strict=True):
        if len(activation.values) < 2:
            raise Undefined("the kernel compares images, and there is one")
        for matrix in (activation.values, activation.gradients):
            if weight and matrix is not None and not bool(torch.isnan(matrix).any()):
                total = weight * matrix if total is None else total + weight * matrix
    if total is None:
        raise Undefined("no activation reads values that differ within every image")
    return float(np.linalg.slogdet(total.cpu().numpy())[1])
