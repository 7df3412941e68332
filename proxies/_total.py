"""The sum of per-layer terms, shared by proxies that sum over layers."""

from collections.abc import Iterable

import torch
from torch import Tensor


def total(terms: Iterable[Tensor]) -> float:
    """Sum of single-element tensors in float64, 0 for none, with a single transfer from the device."""
    found = [term.double() for term in terms]
    return float(sum(torch.stack(found).tolist())) if found else 0.0
