"""The synaptic-flow pass: absolute weights, ones as input, normalisation bypassed. Tanaka et al., arXiv:2006.05467."""

import copy
from collections.abc import Callable, Sequence
from time import thread_time
from typing import Any, ClassVar, Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from harness.evidence.base import EVIDENCE, Evidence, Subject, Undefined
from harness.evidence.coverage import Coverage
from harness.space.own_network import OwnNetwork, weights_of


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
    def collect_all(cls, subject: Subject, kinds: Sequence[type[Self]]) -> Sequence[Self | Undefined]:
        """See `Evidence`."""
        started = thread_time()
        if isinstance(subject.network, OwnNetwork):
            return cls._of_own(subject, kinds, started)
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

    @classmethod
    def _of_own(cls, subject: Subject, kinds: Sequence[type[Self]], started: float) -> Sequence[Self | Undefined]:
        """The same of any network: all normalisation is bypassed, dropout does nothing, frozen weights count."""
        context = subject.context
        if context.data_set.has_indices:
            raise Undefined("the inputs are indices, and an input of ones is none")
        network = copy.deepcopy(subject.network).double().requires_grad_(True).eval()
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.abs_()
        weights = weights_of(network)
        ones = torch.ones(1, *context.data_set.shape, dtype=torch.float64, device=context.device)
        with torch.enable_grad(), _WithoutNormalisation():
            total = network(ones).sum()
            if not (weights and total.requires_grad):
                raise Undefined("the network has no weights that its output depends on")
            found = torch.autograd.grad(total, list(weights.values()), allow_unused=True)
        flows = {name: flow for name, flow in zip(weights, found, strict=True) if flow is not None}
        if not all(bool(flow.isfinite().all()) for flow in flows.values()):
            raise Undefined("the flow exceeds float64, as products of activations in attention and gates make it")
        live = {name: weights[name].detach() for name in flows}
        evidence = [kind.of(live, flows, thread_time() - started) for kind in kinds]
        for one in evidence:
            one.coverage = Coverage(weights=1.0)
        negative = any(bool((flow < 0).any()) for flow in flows.values())
        reason = "the flow is negative in places, as attention and gates make it"
        return [Undefined(reason) if negative and isinstance(one, SynflowGradients) else one for one in evidence]


class _WithoutNormalisation(TorchFunctionMode):
    """A context in which normalisations, as modules or functions, return their input."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if function in _NORMALISATIONS:
            return args[0]
        return function(*args, **(kwargs or {}))


_NORMALISATIONS = frozenset((
    F.batch_norm, F.layer_norm, F.group_norm, F.instance_norm, F.rms_norm, F.local_response_norm,
    torch.batch_norm, torch.layer_norm, torch.group_norm, torch.instance_norm, torch.rms_norm,
))  # fmt: skip


@EVIDENCE.register("synflow_gradients")
class SynflowGradients(SynflowSaliency):
    """The two factors of `SynflowSaliency`, from the same pass: `weights` are |w|, `layers` are dR/dw >= 0.

    Undefined for a network of the user's own where a factor is negative, as attention and gates make them.
    """

    def __init__(self, layers: dict[str, Tensor], seconds: float, weights: dict[str, Tensor]) -> None:
        super().__init__(layers, seconds)
        self.weights = weights

    @classmethod
    def of(cls, weights: dict[str, Tensor], flows: dict[str, Tensor], seconds: float) -> Self:
        """See `SynflowSaliency`."""
        return cls(flows, seconds, weights)
