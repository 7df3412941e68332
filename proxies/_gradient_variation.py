"""Sums of inverse coefficients of variation of gradients, arXiv:2301.11300, Eq. 15, shared by the variants of ZiCo."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def layer_terms(layers: Mapping[str, Tensor], *, of_magnitudes: bool = False) -> dict[str, float]:
    """Each layer's log of sum_w mean_i|g_i| / std_i; without weights of zero deviation and layers without weights.

    Args:
        layers: gradients [n_batches, *weight.shape] by layer.
        of_magnitudes: whether the deviation is that of |g|, as printed in Eq. 15, instead of the signed gradient.
    """
    if not layers:
        return {}
    # One transfer for all layers: on a GPU each transfer waits for the device.
    ratios = torch.stack([_ratio(layer, of_magnitudes) for layer in layers.values()]).tolist()
    return {name: math.log(ratio) for name, ratio in zip(layers, ratios, strict=True) if ratio != 0}


def sum_of_logs(sums: Sequence[Tensor]) -> float:
    """Sum of the logs of layers' sums, each [], without those that are 0; 0 if none remain."""
    return sum((math.log(value) for value in torch.stack(list(sums)).tolist() if value != 0), 0.0) if sums else 0.0


def _ratio(layer: Tensor, of_magnitudes: bool) -> Tensor:
    """Sum over weights of mean|g| / std (ddof 0), for gradients [n_batches, *weight.shape]."""
    magnitudes = layer.abs()
    deviation = (magnitudes if of_magnitudes else layer).std(dim=0, correction=0)
    return torch.where(deviation != 0, magnitudes.mean(dim=0) / deviation, 0).sum()
