"""Sums of inverse coefficients of variation of gradients, arXiv:2301.11300, Eq. 15, shared by the variants of ZiCo."""

import math
from collections.abc import Mapping

from torch import Tensor


def layer_terms(layers: Mapping[str, Tensor], *, of_magnitudes: bool = False) -> dict[str, float]:
    """Log sum_w mean_i|g_i| / std_i by layer; weights that do not vary are left out, and layers with none that does.

    Args:
        layers: gradients [n_batches, *weight.shape] by layer.
        of_magnitudes: whether the deviation is that of |g|, as Eq. 15 prints it, instead of the signed gradients'.
    """
    terms = {}
    for name, gradients in layers.items():
        magnitudes = gradients.abs()
        # The population's deviation (ddof 0).
        deviation = (magnitudes if of_magnitudes else gradients).std(dim=0, correction=0)
        varies = deviation != 0
        ratio = (magnitudes.mean(dim=0)[varies] / deviation[varies]).sum().item()
        if ratio != 0:
            terms[name] = math.log(ratio)
    return terms
