"""What a layer of NAS-Bench-BERT does between positions: attention, Fourier transforms, dynamic convolution.

Sequences are [batch, length, hidden]. arXiv:2306.00288, Section 4, after FlexiBERT (arXiv:2205.11656) and ConvBERT
(arXiv:2008.02496); numbers are those of the authors' code, commit 2d76e01.
"""

import math
from typing import cast

import torch
from torch import Tensor, nn

from benchmarks.nasbench_bert.structure import LayerPlan

NORM_EPS = 1e-12
DROPOUT = 0.1


class Dropout(nn.Module):
    """Dropout whose masks are drawn on the CPU, so that a GPU takes the same ones."""

    def forward(self, features: Tensor) -> Tensor:
        if not self.training or features.is_meta:
            return features
        kept = torch.empty_like(features, device="cpu").bernoulli_(1 - DROPOUT).div_(1 - DROPOUT)
        return features * kept.to(features.device)


class Residual(nn.Module):
    """Dropout, and the normalised sum with the input."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.dropout = Dropout()
        self.norm = nn.LayerNorm(hidden, NORM_EPS)

    def forward(self, features: Tensor, before: Tensor) -> Tensor:
        return cast(Tensor, self.norm(self.dropout(features) + before))


class Attention(nn.Module):
    """Scaled dot-product attention; if `weighted`, queries pass one more matrix (weighted multiplicative attention)."""

    token_projections = ("query", "key", "value", "weight")

    def __init__(self, hidden: int, heads: int, *, weighted: bool) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(hidden, hidden) for _ in range(3))
        self.weight = nn.Linear(hidden, hidden, bias=False) if weighted else nn.Identity()
        self.output = nn.Linear(hidden, hidden)
        self.residual = Residual(hidden)
        self._heads = heads

    def forward(self, features: Tensor) -> Tensor:
        query, key, value = (
            split(found, self._heads)
            for found in (self.weight(self.query(features)), self.key(features), self.value(features))
        )
        return cast(Tensor, self.residual(self.output(joined(attended(query, key, value))), features))


class LinearTransform(nn.Module):
    """A linear layer, and a transform over positions and the width of each head: no residual, no normalisation.

    Either the real part of the Fourier transform, or the unnormalised cosine transform of type II. The authors' code
    also takes a softmax of each of `discarded_heads`, which nothing reads but their proxy.
    """

    token_projections = ("value",)

    def __init__(self, hidden: int, heads: int, *, cosine: bool) -> None:
        super().__init__()
        self.discarded_heads = heads
        self.value = nn.Linear(hidden, hidden)
        self._heads, self._cosine = heads, cosine

    def forward(self, features: Tensor) -> Tensor:
        values = split(self.value(features), self._heads)
        exact = values if values.dtype == torch.float64 else values.float()  # there is no transform in half precision
        made = cosine_transform(exact) if self._cosine else torch.fft.fft2(exact).real
        return joined(made.to(values.dtype))


class DynamicConvolution(nn.Module):
    """Half of the width is attention, half a convolution whose kernel depends on the position (ConvBERT, ratio 2)."""

    token_projections = ("query", "key", "value")

    def __init__(self, hidden: int, heads: int, kernel: int) -> None:
        super().__init__()
        self._heads, self._kernel = mixed_heads(heads), kernel
        width = self._heads * hidden // heads
        self.query, self.key, self.value = (nn.Linear(hidden, width) for _ in range(3))
        self.depthwise = nn.Conv1d(hidden, hidden, kernel, padding=kernel // 2, groups=hidden, bias=False)
        self.pointwise = nn.Conv1d(hidden, width, 1, bias=False)
        self.bias = nn.Parameter(torch.zeros(width, 1))
        self.kernels = nn.Linear(width, self._heads * kernel)
        self.convolved = nn.Linear(hidden, width)
        self.output = nn.Linear(hidden, hidden)
        self.residual = Residual(hidden)

    def forward(self, features: Tensor) -> Tensor:
        query = self.query(features)
        attention = attended(*(split(one, self._heads) for one in (query, self.key(features), self.value(features))))
        local = self.pointwise(self.depthwise(features.transpose(1, 2))) + self.bias
        kernels = self.kernels(local.transpose(1, 2) * query)
        kernels = kernels.reshape(*kernels.shape[:2], self._heads, self._kernel).softmax(-1)
        mixed = torch.cat([joined(attention), self._convolve(self.convolved(features), kernels)], dim=2)
        return cast(Tensor, self.residual(self.output(mixed), features))

    def _convolve(self, values: Tensor, kernels: Tensor) -> Tensor:
        """Values [batch, length, width], each head by its kernel [batch, length, heads, kernel] at each position."""
        padded = nn.functional.pad(values, (0, 0, self._kernel // 2, self._kernel // 2))
        windows = padded.unfold(1, self._kernel, 1)
        windows = windows.reshape(*windows.shape[:2], self._heads, -1, self._kernel)
        return torch.matmul(windows, kernels.unsqueeze(-1)).flatten(2)


def mixed_heads(heads: int) -> int:
    """Heads of the attention beside a dynamic convolution."""
    return max(1, heads // 2)


def kernel_of(operation: str) -> int:
    """Positions that a dynamic convolution sees; 0 for other operations."""
    return int(operation.removeprefix("DSC-")) if operation.startswith("DSC-") else 0


def operation_of(plan: LayerPlan, hidden: int) -> nn.Module:
    """The module of a layer's operation."""
    kernel = kernel_of(plan.operation)
    if kernel:
        return DynamicConvolution(hidden, plan.heads, kernel)
    if plan.operation.startswith("LT-"):
        return LinearTransform(hidden, plan.heads, cosine=plan.operation == "LT-DCT")
    return Attention(hidden, plan.heads, weighted=plan.operation == "SA-WMA")


def split(features: Tensor, heads: int) -> Tensor:
    """[batch, heads, length, width of a head]."""
    return features.reshape(*features.shape[:2], heads, -1).transpose(1, 2)


def joined(features: Tensor) -> Tensor:
    """The inverse of `split`."""
    return features.transpose(1, 2).flatten(2)


def attended(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Softmax of scaled dot products, applied to the values."""
    scores = torch.matmul(query, key.transpose(2, 3)) / math.sqrt(query.shape[3])
    return torch.matmul(scores.softmax(-1), value)


def cosine_transform(values: Tensor) -> Tensor:
    """Unnormalised cosine transform of type II of the last two axes, as `scipy.fft.dctn`."""
    return _cosine_last(_cosine_last(values).transpose(-1, -2)).transpose(-1, -2)


def _cosine_last(values: Tensor) -> Tensor:
    """Along the last axis, by a Fourier transform of the even entries and the reversed odd ones (Makhoul, 1980)."""
    n = values.shape[-1]
    found = torch.fft.fft(torch.cat([values[..., ::2], values[..., 1::2].flip(-1)], dim=-1))
    angles = torch.arange(n, device=values.device, dtype=values.dtype) * (math.pi / (2 * n))
    return cast(Tensor, 2 * (found.real * angles.cos() + found.imag * angles.sin()))
