"""The Hessian of a loss times the weights, by one backward pass through the backward pass.

The product of the loss's gradient with the weights needs no weight gradients: for a layer y = W x + b, the product of
dL/dW with W equals that of dL/dy with y - b. Differentiating this sum gives H w + dL/dw. Compared with differentiating
dL/dw times a fixed vector, this saves a third of the convolutions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle


@dataclass(frozen=True, eq=False)
class Run:
    """One run of a convolution or linear layer, and its output."""

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
    """Hooks that append every run of a convolution or linear layer to `runs`."""

    def record(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        runs.append(Run(module, output))

    layers = [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    return [layer.register_forward_hook(record) for layer in layers]


def hessian_times_weights(
    runs: Sequence[tuple[Run, Tensor]], slopes: Mapping[str, tuple[Tensor, Tensor]], *, retain_graph: bool
) -> dict[str, Tensor]:
    """H w by layer, H the Hessian of the loss with respect to all weights w of `slopes`.

    Args:
        runs: each live run with dL/dy, computed with create_graph.
        slopes: weight and dL/dw of each live layer, by name.
        retain_graph: whether a further pass uses the graph.
    """
    weights = [weight for weight, _ in slopes.values()]
    # If the loss is linear in an output, the gradient there is constant.
    bent = [(gradient, run.product) for run, gradient in runs if gradient.requires_grad]
    moved = [(run.output, gradient.detach()) for run, gradient in runs]
    outputs, cotangents = zip(*bent, *moved, strict=True)
    found = torch.autograd.grad(outputs, weights, cotangents, allow_unused=True, retain_graph=retain_graph)
    return {
        name: (torch.zeros_like(slope) if total is None else total) - slope.detach()
        for (name, (_, slope)), total in zip(slopes.items(), found, strict=True)
    }


def hessian_of_any(slopes: Mapping[str, tuple[Tensor, Tensor]], *, retain_graph: bool) -> dict[str, Tensor]:
    """`hessian_times_weights` of any network, by differentiating the product of dL/dw, of the graph, with fixed w."""
    bent = [(slope, weight.detach()) for weight, slope in slopes.values() if slope.requires_grad]
    if not bent:  # the loss is linear in the weights
        return {name: torch.zeros_like(weight) for name, (weight, _) in slopes.items()}
    gradients, vectors = zip(*bent, strict=True)
    weights = [weight for weight, _ in slopes.values()]
    found = torch.autograd.grad(gradients, weights, vectors, allow_unused=True, retain_graph=retain_graph)
    pairs = zip(slopes.items(), found, strict=True)
    return {name: torch.zeros_like(weight) if one is None else one for (name, (weight, _)), one in pairs}
