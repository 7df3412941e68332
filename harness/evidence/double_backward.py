"""Convolution, batch normalisation and ReLU whose gradients are cheap to differentiate.

PyTorch differentiates the gradient of a convolution at three to six times the cost of the two convolutions it needs,
and that of a batch normalisation with about thirty passes over its input instead of five. Here the second derivatives
are written explicitly. Forward pass and first gradient use PyTorch's own kernels, and are bitwise equal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

_IMAGES = 4  # dimensions: batch, channels, height, width
Pair = tuple[int, int]
Triple = tuple[Tensor | None, Tensor | None, Tensor | None]


class CheapSecondDerivatives(TorchFunctionMode):
    """A context in which convolutions, ReLUs and batch normalisations in train mode are those of this module.

    Their gradients can be differentiated with respect to images and weights, but only through the gradients with
    respect to features: those with respect to weights and biases are not differentiable.
    """

    def __init__(self) -> None:
        super().__init__()
        self.inputs_only = False
        """Whether the following backward passes are for the images only: weight gradients are then skipped."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if function is F.conv2d:
            return self._convolve(*args, **(kwargs or {}))
        if function is F.batch_norm:
            return _batch_norm(*args, **(kwargs or {}))
        if function is F.relu:
            return _relu(*args, **(kwargs or {}))
        return function(*args, **(kwargs or {}))

    def _convolve(
        self,
        features: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: int | Pair = 1,
        padding: int | Pair | str = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
    ) -> Tensor:
        """`torch.nn.functional.conv2d`, with the same parameters."""
        if isinstance(padding, str) or features.dim() != _IMAGES:
            return F.conv2d(features, weight, bias, stride, padding, dilation, groups)
        geometry = _Geometry(_pair(stride), _pair(padding), _pair(dilation), groups, self)
        return cast(Tensor, _Convolution.apply(features, weight, bias, geometry))  # type: ignore[no-untyped-call]


@dataclass(frozen=True, eq=False)
class _Geometry:
    """Stride, padding, dilation and groups of a convolution."""

    stride: Pair
    padding: Pair
    dilation: Pair
    groups: int
    mode: CheapSecondDerivatives

    def convolve(self, features: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        return F.conv2d(features, weight, bias, self.stride, self.padding, self.dilation, self.groups)

    def gradients(self, gradient: Tensor, features: Tensor, weight: Tensor, wanted: list[bool]) -> Triple:
        """dL/dfeatures, dL/dweight and dL/dbias, those that are needed."""
        ends = (self.stride, self.padding, self.dilation, False, (0, 0), self.groups, wanted)
        found = torch.ops.aten.convolution_backward(gradient, features, weight, [weight.shape[0]], *ends)
        return cast(Triple, tuple(found))


class _Convolution(torch.autograd.Function):
    """A convolution, as `torch.nn.functional.conv2d` computes it."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, bias: Tensor | None, geometry: _Geometry) -> Tensor:
        ctx.save_for_backward(features, weight)
        ctx.geometry = geometry
        return geometry.convolve(features, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        wanted = list(ctx.needs_input_grad[:3])
        if ctx.geometry.mode.inputs_only:
            wanted = [wanted[0], False, False]
        found = _ConvolutionGradient.apply(gradient, *ctx.saved_tensors, ctx.geometry, wanted)  # type: ignore[no-untyped-call]
        return (*cast(Triple, found), None)


class _ConvolutionGradient(torch.autograd.Function):
    """The gradient of `_Convolution`; only dL/dfeatures is differentiable."""

    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, features: Tensor, weight: Tensor, geometry: _Geometry, wanted: list[bool]
    ) -> Triple:
        found = geometry.gradients(gradient, features, weight, wanted)
        ctx.save_for_backward(gradient, weight)
        ctx.geometry = geometry
        ctx.mark_non_differentiable(*(one for one in found[1:] if one is not None))
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, cotangent: Tensor, *ends: Tensor | None) -> tuple[Tensor | None, ...]:
        gradient, weight = ctx.saved_tensors
        # dL/dfeatures is bilinear in the gradient and the weight, and its adjoint is the convolution itself.
        of_gradient = ctx.geometry.convolve(cotangent, weight, None)
        _, of_weight, _ = ctx.geometry.gradients(gradient, cotangent, weight, [False, True, False])
        return of_gradient, None, of_weight, None, None


def _relu(features: Tensor, inplace: bool = False) -> Tensor:
    """`torch.nn.functional.relu`, with the same parameters."""
    if inplace:
        return F.relu(features, inplace=True)
    return cast(Tensor, _Relu.apply(features))  # type: ignore[no-untyped-call]


class _Relu(torch.autograd.Function):
    """The ReLU; its gradient is linear in the incoming gradient, whereas PyTorch also adds zeros for other inputs."""

    @staticmethod
    def forward(ctx: Any, features: Tensor) -> Tensor:
        output = features.relu()
        ctx.save_for_backward(output)
        return output

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return cast(Tensor, _Gate.apply(gradient, ctx.saved_tensors[0].detach()))  # type: ignore[no-untyped-call]


class _Gate(torch.autograd.Function):
    """The gradient of the ReLU, and its own gradient."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, output: Tensor) -> Tensor:
        ctx.save_for_backward(output)
        return torch.ops.aten.threshold_backward(gradient, output, 0)  # type: ignore[no-any-return]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, cotangent: Tensor) -> tuple[Tensor, None]:
        return torch.ops.aten.threshold_backward(cotangent, ctx.saved_tensors[0], 0), None


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
    """`torch.nn.functional.batch_norm`, with the same parameters."""
    if not training or weight is None or bias is None or features.dim() != _IMAGES:
        return F.batch_norm(features, running_mean, running_var, weight, bias, training, momentum, eps)
    kept = _Kept((running_mean, running_var), momentum, eps)
    return cast(Tensor, _Norm.apply(features, weight, bias, kept))  # type: ignore[no-untyped-call]


class _Kept:
    """The non-differentiable inputs of a normalisation, and the values its kernel saves for the gradient."""

    def __init__(self, running: tuple[Tensor | None, Tensor | None], momentum: float, epsilon: float) -> None:
        self.running, self.momentum, self.epsilon = running, momentum, epsilon
        self.mean = self.inverse_deviation = self.reserve = torch.empty(0)
        self.kernel = 0

    def gradients(self, gradient: Tensor, features: Tensor, weight: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """dL/dfeatures, dL/dweight and dL/dbias by the kernel that matches the forward pass."""
        found = torch.ops.aten._batch_norm_impl_index_backward(
            *(self.kernel, features, gradient, weight, *self.running, self.mean, self.inverse_deviation),
            *(True, self.epsilon, [True, True, True], self.reserve),
        )
        return cast(tuple[Tensor, Tensor, Tensor], tuple(found))


class _Norm(torch.autograd.Function):
    """Batch normalisation by the batch's own statistics, as `torch.nn.functional.batch_norm` computes it."""

    @staticmethod
    def forward(ctx: Any, features: Tensor, weight: Tensor, bias: Tensor, kept: _Kept) -> Tensor:
        output, kept.mean, kept.inverse_deviation, kept.reserve, kept.kernel = torch._batch_norm_impl_index(
            features, weight, bias, *kept.running, True, kept.momentum, kept.epsilon, torch.backends.cudnn.enabled
        )
        ctx.save_for_backward(features, weight)
        ctx.kept = kept
        return output

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        found = _NormGradient.apply(gradient, *ctx.saved_tensors, ctx.kept)  # type: ignore[no-untyped-call]
        return (*cast(Triple, found), None)


class _NormGradient(torch.autograd.Function):
    """The gradient of `_Norm`; only dL/dfeatures is differentiable."""

    @staticmethod
    def forward(
        ctx: Any, gradient: Tensor, features: Tensor, weight: Tensor, kept: _Kept
    ) -> tuple[Tensor, Tensor, Tensor]:
        found, of_weight, of_bias = kept.gradients(gradient, features, weight)
        ctx.save_for_backward(gradient, features, weight, of_weight, of_bias)
        ctx.kept = kept
        ctx.mark_non_differentiable(of_weight, of_bias)
        return found, of_weight, of_bias

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, cotangent: Tensor, *ends: Tensor | None) -> tuple[Tensor, Tensor, Tensor, None]:
        """Derived per channel, with n numbers x^ = (x - m) s, s = 1 / sqrt(var + eps), and means < >.

        dL/dx = w s (g - <g> - x^ <g x^>), whose product with the cotangent u is n w s k, with
        k = <u g> - <u><g> - <u x^><g x^>. The gradient of that with respect to g is w s (u - <u> - x^ <u x^>), the
        normalisation's own at u; with respect to w it is n s k; with respect to x it is
        -w s^2 (<g x^> (u - <u>) + <u x^> (g - <g>) + x^ (k - 2 <u x^><g x^>)).
        """
        gradient, features, weight, sum_gx, sum_g = ctx.saved_tensors
        kept: _Kept = ctx.kept
        of_gradient, sum_ux, sum_u = kept.gradients(cotangent, features, weight)
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


def _wide(channels: Tensor, like: Tensor) -> Tensor:
    """One number per channel, [1, channels, 1, 1]."""
    return channels.to(like.dtype).reshape(1, -1, 1, 1)


def _pair(sizes: int | Pair) -> Pair:
    return (sizes, sizes) if isinstance(sizes, int) else sizes
