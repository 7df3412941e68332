"""Dextr: condition of features and curvature of outputs. Asthana et al., arXiv:2508.12977."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from harness.evidence import LayerFeatures
from harness.evidence.private import run
from harness.proxy import PROXIES, Proxy, Sees, Undefined, require_positive


@PROXIES.register("dextr")
@dataclass(frozen=True)
class Dextr(Proxy):
    """a b / (a + b), a = log(1 + sum over modules of the inverse condition of their output), b = log(1 + curvature).

    The inverse condition is the smallest over the largest singular value of the output for the first image, a matrix of
    channels and pixels; a vector has 1. The curvature is that of `n_coordinates` outputs, drawn at random with
    repetition, along a circle of random inputs x(t) = u cos t + v sin t, u and v orthonormal, at t = 0: one input,
    as in the authors' code, whose circle has one point. One image each, no labels, train mode.

    Not copied from the authors' code (rohanasthana/Dextr): it counts containers, whose outputs are those of modules
    inside, so that the sum depends on how the code is nested (containers=True does); where the curvature is no number
    the score is `a` alone, on another scale, and after an exception 12345: here it is undefined. On NATS-Bench's size
    space the authors reverse the sign and add another variant, by a note on the paper.

    On TransNAS-Bench-101, which pools what a normalisation gives, a single image's output is constant in train mode, so
    that its curvature there is that of rounding.
    """

    version: ClassVar[int] = 2
    paper: ClassVar[str] = "arXiv:2508.12977"
    sees: ClassVar[Sees] = Sees.ALL

    n_coordinates: int = 10
    containers: bool = False

    def __post_init__(self) -> None:
        require_positive(self, "n_coordinates")

    def measure(self, features: LayerFeatures) -> float:
        """Higher is better; at least 0."""
        network = features.network()
        conditions: list[Tensor] = []

        def see(module: nn.Module, output: Tensor) -> None:
            conditions.append(_inverse_condition(output[0]))

        features.read(network, features.images(1), see, containers=self.containers)
        if not conditions:
            raise Undefined("no module returns a tensor")
        a = torch.stack(conditions).sum().log1p()
        b = self._curvature(features, network).log1p()
        if not a + b > 0:
            raise Undefined("the outputs do not bend, and no module's output has full rank")
        return float(a * b / (a + b))

    def _curvature(self, features: LayerFeatures, network: nn.Module) -> Tensor:
        shape = features.images(1).shape
        example = features.noise(1)
        basis = torch.randn(example.numel(), 2, generator=features.generator("circle"), dtype=torch.float64)
        directions = torch.linalg.svd(basis, full_matrices=False)[0].T.reshape(2, *shape).to(example)
        network.requires_grad_(False)
        with torch.enable_grad():
            angle = torch.zeros((), dtype=example.dtype, device=example.device, requires_grad=True)
            outputs = run(network, directions[0] * angle.cos() + directions[1] * angle.sin()).flatten()
            drawn = torch.randint(len(outputs), (self.n_coordinates,), generator=features.generator("coordinates"))
            first, second = derivatives(outputs[drawn.to(outputs.device)], angle)
        speed, bend = first.double(), second.double()
        vv, aa, va = (speed * speed).sum(), (bend * bend).sum(), (speed * bend).sum()
        curvature = (vv * aa - va**2).clamp(min=0).sqrt() / vv**1.5
        if not torch.isfinite(curvature):
            raise Undefined("the outputs do not move along the circle of inputs, so that it has no curvature")
        return curvature


def derivatives(outputs: Tensor, angle: Tensor) -> tuple[Tensor, Tensor]:
    """First and second derivatives [n] of outputs [n] of one number, output by output.

    Not all at once, as the gradient of u.outputs and its gradient by u: second derivatives would then be of third order
    for PyTorch, which has these wrong for normalisation by batch statistics, by 6 % and more on NATS-Bench cells.
    """
    first = [_grad(output, angle)[0] for output in outputs]
    second = [_grad(one, angle)[0] for one in first]
    return torch.stack(first).detach(), torch.stack(second).detach()


def _grad(total: Tensor, by: Tensor) -> tuple[Tensor]:
    if not total.requires_grad:
        return (torch.zeros_like(by),)
    (found,) = torch.autograd.grad(total, by, create_graph=True, allow_unused=True)
    return (torch.zeros_like(by) if found is None else found,)


def _inverse_condition(output: Tensor) -> Tensor:
    values = torch.linalg.svdvals(output.double().reshape(len(output), -1))
    is_known = bool(values[0] > 0 and torch.isfinite(values[0]))
    return torch.div(values[-1], values[0]) if is_known else torch.zeros_like(values[0])
