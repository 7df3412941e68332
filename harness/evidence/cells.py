"""Feature statistics after each cell, for Gaussian images and private weights. Lee and Ham, arXiv:2403.19232."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from harness.evidence.base import EVIDENCE, Undefined
from harness.evidence.private import PrivateNetwork, hooked, run
from harness.space.initialise import Initialisation
from harness.space.own_network import OwnNetwork, body_of


@dataclass(frozen=True)
class CellStatistics:
    """`entropies` [n_cells + 1] of the features after the stem and after each cell; NaN if they are constant.

    An entropy is that of the eigenvalues, scaled to sum to 1, of the covariance of channels over images and pixels.
    `gains` [n_cells] are the largest singular values of E[g_in g_out^T], g_out being random signs at a cell's output
    and g_in the resulting gradient at its input; infinite if the cell is the identity.
    """

    entropies: tuple[float, ...]
    gains: tuple[float, ...]


@EVIDENCE.register("cell_features")
class CellFeatures(PrivateNetwork):
    """Feature and gradient statistics of each cell for N(0,1) images, N(0, 2 / fan_in) weights and batch statistics.

    A network of the user's own says by an attribute `cells`, a tuple of the names of two or more modules that return
    feature maps [n, channels, height, width], after which of them its features are read; undefined without it.
    """

    shared_pass: ClassVar[str] = "cell features"

    def statistics(self, n_images: int) -> CellStatistics:
        """Statistics over a batch of images.

        Raises:
            Undefined: if the network does not name its cells, or has none.
        """
        return self.once(n_images, lambda: self._compute(n_images))

    def _compute(self, n_images: int) -> CellStatistics:
        network = self.network(init=Initialisation.kaiming_normal)
        body = body_of(network)
        names: tuple[str, ...] = getattr(body, "cells", ())
        if isinstance(network, OwnNetwork) and not _are_names(names):
            names = ()
        if len(names) < 2:
            raise Undefined("the network does not name the cells after which its features are read")
        features = _features([body.get_submodule(name) for name in names], network, self.noise(n_images))
        entropies = tuple(_entropy(torch.cat(calls)) for calls in features)
        gains = []
        for place in range(1, len(features)):
            signs = [
                torch.randint(2, output.shape, generator=self.generator("signs", place, call)).to(output) * 2 - 1
                for call, output in enumerate(features[place])
            ]
            gains.append(_gain(features[place - 1], features[place], signs))
        return CellStatistics(entropies, tuple(gains))


def _are_names(cells: object) -> bool:
    """Whether `cells` names modules; a user's network may call something else so."""
    return isinstance(cells, tuple | list) and all(isinstance(name, str) for name in cells)


def _features(cells: list[nn.Module], network: nn.Module, images: Tensor) -> list[list[Tensor]]:
    """The outputs of each module, call by call; the tiles of a jigsaw puzzle pass through the same cells in turn."""
    found: dict[nn.Module, list[Tensor]] = {cell: [] for cell in cells}

    def see(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        if not output.requires_grad:  # a cell without a live path has a constant output
            output = output.detach().requires_grad_()
        found[module].append(output)
        return output.detach() if module is cells[-1] else output  # later operations need no graph

    with hooked(cells, see), torch.enable_grad():
        run(network, images)
    return list(found.values())


def _entropy(features: Tensor) -> float:
    """Entropy of the scaled eigenvalues of the channel covariance of [n_images, channels, height, width]."""
    flat = features.detach().transpose(0, 1).flatten(1)
    flat = flat.to(torch.promote_types(flat.dtype, torch.float32))
    centred = flat - flat.mean(dim=1, keepdim=True)
    eigenvalues = torch.linalg.eigvalsh(centred @ centred.T / flat.shape[1]).clamp(min=0)
    shares = eigenvalues / eigenvalues.sum()
    return float(-(shares * torch.log(shares + 1e-8)).sum())


def _gain(inputs: list[Tensor], outputs: list[Tensor], signs: list[Tensor]) -> float:
    gradients = [torch.zeros_like(features) for features in inputs]
    if all(output.requires_grad for output in outputs):
        found = torch.autograd.grad(outputs, inputs, signs, retain_graph=True, allow_unused=True)
        pairs = zip(found, gradients, strict=True)
        gradients = [zeros if gradient is None else gradient for gradient, zeros in pairs]
    at_input, at_output = torch.cat(gradients), torch.cat(signs)
    if at_input.shape == at_output.shape and torch.equal(at_input, at_output):
        return float("inf")
    stride = at_input.shape[2] // at_output.shape[2]
    if stride > 1:
        at_input = F.pixel_unshuffle(at_input, stride)
    left, right = (gradient.transpose(0, 1).flatten(1) for gradient in (at_input, at_output))
    product = left @ right.T / right.shape[1]
    return float(torch.linalg.matrix_norm(product.to(torch.promote_types(product.dtype, torch.float32)), ord=2))
