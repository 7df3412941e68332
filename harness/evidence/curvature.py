"""The Hessian of a loss times the weights, by one backward pass through the backward pass.

The loss's gradient times the weights needs no gradient of weights: for a layer that gives y = W x + b, the product of
dL/dW with W is that of dL/dy with y - b. Differentiating this sum gives H w + dL/dw. Against differentiating dL/dw
times a fixed vector it saves a third of the convolutions.

PyTorch differentiates the gradient of a batch normalisation by some thirty passes over its input. Here it takes five,
with the forward pass and the first gradient left to the same kernels, so that they come out in the same bits.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

_IMAGES = 4  # dimensions: batch, channels, height, width


@dataclass(frozen=True, eq=False)
class Run:
    """One run of a convolution or linear layer, and what it gave."""

    layer: nn.Module
    output: Tensor

    @property
    def product(self) -> Tensor:
        """The output without the bias: weight times input."""
        bias = self.layer.bias
        if bias is None:
            return self.output.detach()
        assert isinstance(bias, Tensor)
        return self.output.detach() - bias.detach().reshape(-1, *[1] * (self.output.dim() - 2))


def record_runs(network: nn.Module, runs: list[Run]) -> list[RemovableHandle]:
    """Hooks that put every run of a convolution or linear layer into `runs`."""

    def record(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        runs.append(Run(module, output))

    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    return [layer.register_forward_hook(record) for layer in layers]


def hessian_times_weights(
    runs: Sequence[tuple[Run, Tensor]], slopes: Mapping[str, tuple[Tensor, Tensor]], *, retain_graph: bool
) -> dict[str, Tensor]:
    """H w by layer, H the Hessian of the loss with respect to all weights w of `slopes`.

    Args:
        runs: each live run with dL/dy, which was made with create_graph.
        slopes: weight and dL/dw of each live layer, by name.
        retain_graph: whether a further pass goes through the graph.
    """
    weights = [weight for weight, _ in slopes.values()]
    # A loss that is linear in an output has a gradient there that depends on nothing.
    bent = [(gradient, run.product) for run, gradient in runs if gradient.requires_grad]
    moved = [(run.output, gradient.detach()) for run, gradient in runs]
    outputs, cotangents = zip(*bent, *moved, strict=True)
    found = torch.autograd.grad(outputs, weights, cotangents, allow_unused=True, retain_graph=retain_graph)
    return {
        name: (torch.zeros_like(slope) if total is None else total) - slope.detach()
        for (name, (_, slope)), total in zip(slopes.items(), found, strict=True)
    }


class QuickNorms(TorchFunctionMode):
    """Inside, batch normalisations in train mode are differentiated twice by `_Norm`."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if function is F.batch_norm:
            return _batch_norm(*args, **(kwargs or {}))
        return function(*args, **(kwargs or {}))


def _batch_norm(
    features: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """`torch.nn.functional.batch_norm`, whose parameters these are."""
    if not training or weight is None or features.dim() != _IMAGES:
        return F.batch_norm(features, running_mean, running_var, weight, bias, training, momentum, eps)
    kept = _Kept((running_mean, running_var), momentum, eps)
    return cast(Tensor, _Norm.apply(features, weight, bias, kept))  # type: ignore[no-untyped-call]


class _Kept:
    """What a normalisation needs beside its differentiable inputs, and what its kernel hands to its gradient's."""

    def __init__(self, running: tuple[Tensor | None, Tensor | None], momentum: float, epsilon: float) -> None:
        self.running, self.momentum, self.epsilon = running, momentum, epsilon
        self.mean = self.inverse_deviation = self.reserve = torch.empty(0)
        self.kernel = 0


class _Norm(torch.autograd.Function):
    """Batch normalisation by the batch's own statistics, as `torch.batch_norm` computes it."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, bias: Tensor, kept: _Kept) -> Tensor:
        output, kept.mean, kept.inverse_deviation, kept.reserve, kept.kernel = torch._batch_norm_impl_index(
            features, weight, bias, *kept.running, True, kept.momentum, kept.epsilon, torch.backends.cudnn.enabled
        )
        ctx.save_for_backward(features, weight)
        ctx.kept = kept
        return output

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        features, weight = ctx.saved_tensors
        found = _NormGradient.apply(gradient, features, weight, ctx.kept)  # type: ignore[no-untyped-call]
        return (*cast(tuple[Tensor, Tensor, Tensor], found), None)


class _NormGradient(torch.autograd.Function):
    """The gradient of `_Norm`; its own gradient is that of dL/dfeatures, dL/dweight and dL/dbias being ends."""

    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, features: Tensor, weight: Tensor, kept: _Kept
    ) -> tuple[Tensor, Tensor, Tensor]:
        found, of_weight, of_bias = _gradients(gradient, features, weight, kept)
        ctx.save_for_backward(gradient, features, weight, of_weight, of_bias)
        ctx.kept = kept
        ctx.mark_non_differentiable(of_weight, of_bias)
        return found, of_weight, of_bias

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, cotangent: Tensor, *ends: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        """By hand, channel by channel, with n numbers x^ = (x - m) s, s = 1 / sqrt(var + eps), and means < >.

        dL/dx = w s (g - <g> - x^ <g x^>), whose product with the cotangent u is n w s k, with
        k = <u g> - <u><g> - <u x^><g x^>. The gradient of that with respect to g is w s (u - <u> - x^ <u x^>), the
        normalisation's own at u; with respect to w it is n s k; with respect to x it is
        -w s^2 (<g x^> (u - <u>) + <u x^> (g - <g>) + x^ (k - 2 <u x^><g x^>)).
        """
        gradient, features, weight, sum_gx, sum_g = ctx.saved_tensors
        kept: _Kept = ctx.kept
        of_gradient, sum_ux, sum_u = _gradients(cotangent, features, weight, kept)
        n = features.numel() // features.shape[1]
        mean_u, mean_ux, mean_g, mean_gx = (total.to(kept.mean) / n for total in (sum_u, sum_ux, sum_g, sum_gx))
        mean_ug = (cotangent * gradient).sum(dim=(0, 2, 3)).to(kept.mean) / n
        k = mean_ug - mean_u * mean_g - mean_ux * mean_gx
        s = kept.inverse_deviation
        scale = -weight.to(s) * s**2
        per_u, per_g, per_x = scale * mean_gx, scale * mean_ux, scale * s * (k - 2 * mean_ux * mean_gx)
        constant = -(per_u * mean_u + per_g * mean_g + per_x * kept.mean)
        of_features = torch.addcmul(_wide(constant, features), cotangent, _wide(per_u, features))
        of_features.addcmul_(gradient, _wide(per_g, features)).addcmul_(features, _wide(per_x, features))
        return of_gradient, of_features, (n * s * k).to(weight), None


def _gradients(gradient: Tensor, features: Tensor, weight: Tensor, kept: _Kept) -> tuple[Tensor, Tensor, Tensor]:
    """dL/dfeatures, dL/dweight and dL/dbias by the kernel that belongs to the forward pass."""
    found = torch.ops.aten._batch_norm_impl_index_backward(
        *(kept.kernel, features, gradient, weight, *kept.running, kept.mean, kept.inverse_deviation),
        *(True, kept.epsilon, [True, True, True], kept.reserve),
    )
    return cast(tuple[Tensor, Tensor, Tensor], tuple(found))


def _wide(channels: Tensor, like: Tensor) -> Tensor:
    """One number for each channel, [1, channels, 1, 1]."""
    return channels.to(like.dtype).reshape(1, -1, 1, 1)
