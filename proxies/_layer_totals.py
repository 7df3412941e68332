"""Sums over the layers of a transformer, and the same divided by their number, as arXiv:2306.00288 prints both."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from harness.proxy import Undefined


def total(values: Sequence[float], *, per_layer: bool) -> float:
    """The sum of numbers, one for each layer, or their mean."""
    return sum(values) / (len(values) if per_layer else 1)


def of_layers(
    names: Sequence[str], weights: Mapping[str, Tensor], gradients: Mapping[str, Tensor], what: str
) -> list[tuple[Tensor, Tensor]]:
    """Weights [out, in] and gradients of named layers, in float64; those that the loss does not depend on are left out.

    Raises:
        Undefined: if none is left.
    """
    found = [(weights[name].double(), gradients[name][0].double()) for name in names if name in gradients]
    if not found:
        raise Undefined(f"the loss depends on no trained weight of {what}")
    return found


def saliency(weight: Tensor, gradient: Tensor) -> float:
    """Sum of |w dL/dw|."""
    return float((weight * gradient).abs().sum())


def diversity(weight: Tensor, gradient: Tensor) -> float:
    """Product of the nuclear norms of a matrix and of its gradient."""
    norms = [torch.linalg.svdvals(one).sum() for one in (weight, gradient)]
    return float(norms[0] * norms[1])
