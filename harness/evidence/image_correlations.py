"""Correlations between images of what activations read, and of the gradients there. arXiv:2507.08841."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from harness.evidence.base import EVIDENCE
from harness.evidence.coverage import Coverage, share
from harness.evidence.elementwise import ElementwiseReader
from harness.evidence.task import Gradients, TaskEvidence
from harness.space.own_network import OwnNetwork

_SMOOTH = (nn.GELU, nn.SiLU, nn.ELU, nn.CELU, nn.SELU, nn.Mish, nn.Hardswish, nn.Softplus, nn.Tanh, nn.Sigmoid)


@dataclass(frozen=True, eq=False)
class ImageCorrelations:
    """One run of an activation: its module's name, and absolute correlations float64 [n_images, n_images].

    `values` are of what the activation reads, `gradients` of the gradient of the loss there by way of this activation
    alone, None if the loss does not depend on it. NaN where an image's row is constant.
    """

    name: str
    values: Tensor
    gradients: Tensor | None


@EVIDENCE.register("activation_correlations")
class ActivationCorrelations(TaskEvidence):
    """Correlations between the images of the first batch at each activation, in the order in which they run.

    An activation is a module with 'ReLU' in its class name; another that reads the same tensor is one of its own. Of a
    network of the user's own also GELU, SiLU and other smooth modules; functions lower the coverage.

    Memory: two matrices of the batch's size per activation, and a copy in float64 of one activation at a time.
    """

    n_batches: ClassVar[int | None] = 1
    needs_gradients: ClassVar[bool] = True

    def __init__(self) -> None:
        self.activations: list[ImageCorrelations] = []
        self.cells: tuple[str, ...] = ()
        self._values: list[tuple[str, Tensor]] = []
        self._gradients: dict[int, Tensor] = {}
        self._on_tensors: list[RemovableHandle] = []
        self._inputs: dict[nn.Module, Tensor] = {}
        self._reader: ElementwiseReader | None = None
        self._n_units = 0

    def watch(self, n_samples: int) -> AbstractContextManager[object]:
        """See `TaskEvidence`."""
        self._reader = ElementwiseReader(n_samples, lambda units: None)
        return self._reader

    def hook(self, network: nn.Module) -> list[RemovableHandle]:
        """See `TaskEvidence`."""
        is_own = isinstance(network, OwnNetwork)
        body = network.body if isinstance(network, OwnNetwork) else network
        cells = getattr(body, "cells", ())
        if isinstance(cells, tuple | list) and all(isinstance(name, str) for name in cells):
            self.cells = tuple(cells)
        handles: list[RemovableHandle] = []
        for name, module in body.named_modules():
            if "ReLU" in type(module).__name__ or (is_own and isinstance(module, _SMOOTH)):
                handles.append(module.register_forward_pre_hook(self._before))
                handles.append(module.register_forward_hook(partial(self._after, name)))
        return handles

    def _before(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        features = inputs[0].detach()
        self._inputs[module] = features.clone() if getattr(module, "inplace", False) else features

    def _after(self, name: str, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        features = self._inputs.pop(module)
        place = len(self._values)
        self._values.append((name, absolute_correlations(features)))
        self._n_units += features[0].numel() if features.dim() else 0
        if output.requires_grad:
            seen = partial(self._see_gradient, place, module, features)
            self._on_tensors.append(output.register_hook(seen))  # type: ignore[no-untyped-call]

    def _see_gradient(self, place: int, module: nn.Module, features: Tensor, gradient: Tensor) -> None:
        if type(module) is nn.ReLU:
            at_input = gradient * (features > 0)
        else:  # by the module's own code, without its hooks
            with torch.enable_grad():
                again = features.clone().requires_grad_()
                output = type(module).forward(module, again.clone())
            (at_input,) = torch.autograd.grad(output, again, gradient)
        self._gradients[place] = absolute_correlations(at_input)

    def add(self, gradients: Gradients) -> None:
        """See `TaskEvidence`."""
        for handle in self._on_tensors:
            handle.remove()
        self._on_tensors.clear()
        self.activations = [
            ImageCorrelations(name, values, self._gradients.get(place))
            for place, (name, values) in enumerate(self._values)
        ]
        self._values.clear()
        self._gradients.clear()
        if self._reader is not None:
            n_all = self._reader.n_read + self._reader.n_unread
            self.coverage = Coverage(activations=min(1.0, share(self._n_units, n_all)))
            self._reader = None
            if not self.activations:
                self.reason = "the network has no module that is an activation"

    def cover(self, seen: Mapping[str, int], n_frozen: int) -> None:
        """The coverage is that of activations; see `TaskEvidence`."""
        if not seen:
            self.reason = "the loss depends on no weight that is trained"


@torch.no_grad()
def absolute_correlations(features: Tensor) -> Tensor:
    """|Pearson correlation| float64 [n_images, n_images] of the rows of [n_images, ...]; NaN for constant rows."""
    rows = features.flatten(1).double()
    centred = rows - rows.mean(dim=1, keepdim=True)
    products = centred @ centred.T
    scales = products.diagonal().sqrt()
    # Rounding leaves a constant row of x with about |x| eps.
    constant = scales <= rows.norm(dim=1) * 1e-12
    found = (products / scales[:, None] / scales).clamp(-1, 1).abs()
    found[constant] = torch.nan
    found[:, constant] = torch.nan
    return found
