"""The synaptic-flow pass: absolute weights, ones as input, normalisation bypassed. Tanaka et al., arXiv:2006.05467."""

import copy
from collections.abc import Sequence
from time import thread_time
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from harness.evidence.base import EVIDENCE, Evidence, Subject


@EVIDENCE.register("synflow_saliency")
class SynflowSaliency(Evidence):
    """|w * dR/dw| of each live convolution and linear layer; R is the sum of the outputs for one image of ones.

    Weights and biases are replaced by their absolute values, batch normalisation by the identity; in float64,
    because values reach 1e60. Transposed convolutions are executed but have no entry, as in NASLib. `layers` maps each
    layer's name to its saliencies, shaped as the weight.
    """

    shared_pass: ClassVar[str] = "synflow"
    uses: ClassVar[frozenset[str]] = frozenset({"protocol", "seed"})

    def __init__(self, layers: dict[str, Tensor], seconds: float) -> None:
        self.layers = layers
        self.seconds = seconds

    @classmethod
    def of(cls, weights: dict[str, Tensor], flows: dict[str, Tensor], seconds: float) -> Self:
        """The evidence, from the absolute weights and dR/dw of live layers."""
        return cls({name: (weights[name] * flow).abs() for name, flow in flows.items()}, seconds)

    @classmethod
    def collect_all(cls, subject: Subject, kinds: Sequence[type[Self]]) -> list[Self]:
        """See `Evidence`."""
        started = thread_time()
        network = copy.deepcopy(subject.network).double()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.abs_()
        for parent in list(network.modules()):
            for name, child in list(parent.named_children()):
                if isinstance(child, nn.BatchNorm2d):
                    setattr(parent, name, nn.Identity())
        weights = {
            name: module.weight for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)
        }
        context = subject.context
        ones = torch.ones(1, *context.data_set.shape, dtype=torch.float64, device=context.device)
        found = torch.autograd.grad(network(ones).sum(), list(weights.values()), allow_unused=True)
        flows = {name: flow for name, flow in zip(weights, found, strict=True) if flow is not None}
        live = {name: weights[name].detach() for name in flows}
        return [kind.of(live, flows, thread_time() - started) for kind in kinds]


@EVIDENCE.register("synflow_gradients")
class SynflowGradients(SynflowSaliency):
    """The two factors of `SynflowSaliency`, from the same pass: `weights` are |w|, `layers` are dR/dw >= 0."""

    def __init__(self, layers: dict[str, Tensor], seconds: float, weights: dict[str, Tensor]) -> None:
        super().__init__(layers, seconds)
        self.weights = weights

    @classmethod
    def of(cls, weights: dict[str, Tensor], flows: dict[str, Tensor], seconds: float) -> Self:
        """See `SynflowSaliency`."""
        return cls(flows, seconds, weights)
