"""InTrain: effective dimension of activations, weighted by gradients. arXiv:2606.18676, from a third party's notes."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from harness.evidence import PrivateNetworkAndImages
from harness.evidence.elementwise import OutputReader
from harness.evidence.layer_features import as_rows
from harness.evidence.private import run
from harness.proxy import PROXIES, Proxy, Sees, Undefined, require_positive

_RIDGE = 1e-10


@PROXIES.register("intrain")
@dataclass(frozen=True)
class InTrain(Proxy):
    """g (1 + o) / log(L + 1), g the sum over L layers of log PR, o that over parameters of min(1, sd / max |gradient|).

    PR = (tr C)^2 / tr(C^2) is the participation ratio of the covariance C of a layer's activations, over images and
    positions, plus 1e-10 on the diagonal. Gradients are of the task's loss with random targets, cross-entropy for
    classes. Inputs are noise, images of `size` x `size` pixels unless the networks take one size only.

    **Second-hand**: written after a third party's notes, without paper or code, so that the printed figures are no
    test of it. Not in the notes, and decided here: a layer is an elementwise activation, module or function; train
    mode; initial weights of the protocol; a parameter is a tensor of two entries or more; tokens are the protocol's.

    Memory: the activations of all 64 images at once, 14 GB for the largest networks of NAS-Bench-101, and some eight
    times the multiply-accumulates of `zico` there at `protocol=paper_16`.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2606.18676"
    sees: ClassVar[Sees] = Sees.LIVE

    n_images: int = 64
    size: int = 64

    def __post_init__(self) -> None:
        require_positive(self, "n_images", "size")

    def measure(self, private: PrivateNetworkAndImages) -> float:
        """Higher is better."""
        network, inputs = private.network(), private.random_inputs(self.n_images, self.size)
        ratios: list[float] = []

        def see(output: Tensor) -> None:
            ratios.append(math.log(_participation(as_rows(output))))

        with torch.enable_grad():
            with OutputReader(see):
                outputs = run(network, inputs)
            loss = private.random_loss(network, outputs)
        if not ratios:
            raise Undefined("the network runs no elementwise activation")
        parameters = [one for one in network.parameters() if one.requires_grad and one.numel() > 1]
        if not (parameters and loss.requires_grad):
            raise Undefined("the loss depends on no parameter that is trained")
        slopes = torch.autograd.grad(loss, parameters, allow_unused=True)
        weight = sum(_evenness(slope) for slope in slopes if slope is not None)
        return sum(ratios) * (1 + weight) / math.log(len(ratios) + 1)


def _participation(rows: Tensor) -> float:
    exact = rows.double()
    centred = exact - exact.mean(dim=0)
    covariance = centred.T @ centred / max(1, len(rows) - 1)
    covariance.diagonal().add_(_RIDGE)
    return float(covariance.trace() ** 2 / covariance.square().sum())


def _evenness(slope: Tensor) -> float:
    """Of a gradient of zeros 0."""
    exact = slope.double()
    largest = exact.abs().max()
    return min(1.0, float(exact.std() / largest)) if largest > 0 else 0.0
