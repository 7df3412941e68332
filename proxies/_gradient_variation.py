"""Sums of inverse coefficients of variation of gradients, arXiv:2301.11300, Eq. 15, shared by the variants of ZiCo."""

import math
from collections.abc import Mapping

import torch
from torch import Tensor


def layer_terms(layers: Mapping[str, Tensor], *, of_magnitudes: bool = False) -> dict[str, float]:
    """Log sum_w mean_i|g_i| / std_i by layer; weights that do not vary are left out, and layers with none that does.

    Args:
        layers: gradients [n_batches, *weight.shape] by layer.
        of_magnitudes: whether the deviation is that of |g|, as Eq. 15 prints it, instead of the signed gradients'.
    """
    if not layers:
        return {}
    sums = torch.stack([_ratio(gradients, of_magnitudes) for gradients in layers.values()])
    # One transfer for all layers: on a GPU each would otherwise wait for the device.
    return {name: math.log(ratio) for name, ratio in zip(layers, sums.tolist(), strict=True) if ratio != 0}


def _ratio(gradients: Tensor, of_magnitudes: bool) -> Tensor:
    magnitudes = gradients.abs()
    # The population's deviation (ddof 0).
    deviation = (magnitudes if of_magnitudes else gradients).std(dim=0, correction=0)
    return torch.where(deviation != 0, magnitudes.mean(dim=0) / deviation, 0).sum()
