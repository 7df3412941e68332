"""The sum of what each layer adds, shared by proxies that add up layers."""

from collections.abc import Iterable

import torch
from torch import Tensor


def total(terms: Iterable[Tensor]) -> float:
    """Sum of tensors of one number each, in float64; 0 for none. They leave the device together."""
    found = [term.double() for term in terms]
    return float(sum(torch.stack(found).tolist())) if found else 0.0
