"""The task pass: the protocol's batches through the network, with the data set's own loss and its gradients."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass
from enum import Flag, auto
from time import thread_time
from typing import ClassVar, Self

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from harness.errors import PlugInError
from harness.evidence.base import Evidence, Subject, Undefined
from harness.evidence.coverage import Coverage, share
from harness.evidence.curvature import Run, hessian_of_any, hessian_times_weights, record_runs
from harness.evidence.double_backward import CheapSecondDerivatives
from harness.inputs import Batch, DataSet
from harness.plug_in_code import calling
from harness.space.own_network import OwnNetwork, weights_of

Gradients = Mapping[str, Tensor]

# On toy networks of up to 512 pixels a side and on five spaces, rounding was at most .006 of the gradient of the
# outputs with other factors, other gradients .2 or more; below 1e5 epsilons no output depends on the images.
_IS_ROUNDING, _IS_NOTHING = 0.03, 1e5


class GradientRequest(Flag):
    """What a kind of evidence needs of a batch in addition to weight gradients."""

    NOTHING = 0
    OTHER_PARAMETERS = auto()
    """Gradients of the loss with respect to biases and normalisation parameters; no additional pass."""
    CURVATURE = auto()
    """The Hessian of the loss times the weights; a second backward pass, through the first."""
    INPUTS = auto()
    """Gradients of the summed outputs with respect to the images; a backward pass of its own."""


@dataclass(frozen=True, eq=False)
class BatchGradients:
    """Results of one batch in addition to weight gradients; empty unless requested.

    `parameters` are gradients of the loss by parameter name. `curvature` is, by layer name, the Hessian of the loss
    times the weights of all live layers. `inputs` [batch, *shape] are gradients of the sum of all
    outputs of the batch, `inputs_cancel` says that they cancel each other but for rounding. `classes` int64 [batch] is
    None for tasks without classes.
    """

    parameters: Gradients
    curvature: Gradients
    inputs: Tensor | None
    inputs_cancel: bool
    classes: Tensor | None
    n_classes: int


class TaskEvidence(Evidence):
    """Evidence from the task pass: it may hook the network, and receives the gradients of each batch."""

    shared_pass: ClassVar[str] = "task"
    n_batches: ClassVar[int | None] = None
    """The number of the protocol's batches that are used, from the first on; None for all."""
    needs_gradients: ClassVar[bool] = False
    wants: ClassVar[GradientRequest] = GradientRequest.NOTHING

    reason: str = ""
    """Why the evidence turned out to be undefined for a network of the user's own; empty: it is defined."""

    def hook(self, network: nn.Module) -> list[RemovableHandle]:
        """Hooks for the forward pass of one batch; removed after it."""
        return []

    def watch(self, n_samples: int) -> AbstractContextManager[object]:
        """A context around the forward pass of one batch of a network of the user's own; hooks find modules alone."""
        return nullcontext()

    @classmethod
    def undefined_for(cls, subject: Subject) -> str:
        """Why this kind is undefined for a network; empty: it is defined."""
        return ""

    @abstractmethod
    def add(self, gradients: Gradients) -> None:
        """Process one batch; `gradients` are those of the weights of live convolutions and linear layers, by name.

        Hooks on tensors must be removed here, because further passes may use the same tensors.
        """

    def cover(self, seen: Mapping[str, int], n_frozen: int) -> None:
        """State the coverage of a network of the user's own.

        Args:
            seen: the number of entries of each weight that has a gradient.
            n_frozen: the number of entries of weights that are not trained.
        """
        n_seen = sum(seen.values())
        if not n_seen:
            self.reason = "the loss depends on no weight that is trained"
        self.coverage = Coverage(weights=share(n_seen, n_seen + n_frozen))

    def add_further(self, further: BatchGradients) -> None:  # most kinds need nothing else
        """Process the results of the same batch that `wants` names."""

    @classmethod
    def collect_all(cls, subject: Subject, kinds: Sequence[type[Self]]) -> Sequence[Self | Undefined]:
        """Each batch runs forward once, and backward once per kind of gradient that is needed.

        All passes use one graph, so none depends on which others are requested.
        """
        reasons = [kind.undefined_for(subject) for kind in kinds]
        found = [Undefined(reason) if reason else kind() for kind, reason in zip(kinds, reasons, strict=True)]
        defined = [one for one in found if isinstance(one, TaskEvidence)]
        for index, batch in enumerate(subject.context.batches):
            active = [evidence for evidence in defined if evidence.n_batches is None or index < evidence.n_batches]
            if not active:
                break
            _look_at(subject, batch, active)
        return [Undefined(one.reason) if isinstance(one, TaskEvidence) and one.reason else one for one in found]


def _look_at(subject: Subject, batch: Batch, active: Sequence[TaskEvidence]) -> None:
    """Run one batch and pass each kind of evidence what it needs; its seconds are those of the passes it needs."""
    clock = _Clock()
    context, network = subject.context, subject.network
    wanted = GradientRequest.NOTHING
    for evidence in active:
        wanted |= evidence.wants
    loses = [evidence for evidence in active if _needs_loss(evidence)]
    # Detached, because gradients must not be enabled on the batch that other networks use.
    images = subject.to_run(batch.images).detach()
    images.requires_grad_(GradientRequest.INPUTS in wanted)
    targets = batch.targets.to(context.device)
    runs: list[Run] = []
    twice = CheapSecondDerivatives()
    is_own = isinstance(network, OwnNetwork)
    with ExitStack() as stack, torch.set_grad_enabled(bool(loses) or GradientRequest.INPUTS in wanted):
        handles = [handle for evidence in active for handle in evidence.hook(network)]
        if GradientRequest.CURVATURE in wanted and not is_own:
            handles += record_runs(network, runs)
            stack.enter_context(twice)
        for handle in handles:
            stack.callback(handle.remove)
        with ExitStack() as watched:
            if is_own:
                for evidence in active:
                    watched.enter_context(evidence.watch(len(images)))
            outputs = network(images)
        loss = loss_of(subject, outputs, targets)
    clock.charge(active)

    slopes = _Backward(network, loss, runs, wanted) if loses else None
    clock.charge(loses)
    for evidence in active:
        evidence.add(slopes.detached if slopes else {})
        clock.charge([evidence])

    curvature: Gradients = {}
    if slopes and GradientRequest.CURVATURE in wanted:
        keep = GradientRequest.INPUTS in wanted
        if is_own:
            curvature = hessian_of_any(slopes.of_weights, retain_graph=keep)
        else:
            curvature = hessian_times_weights(slopes.runs, slopes.of_weights, retain_graph=keep)
        clock.charge([evidence for evidence in active if GradientRequest.CURVATURE in evidence.wants])
    others = slopes.others if slopes else {}
    if is_own and slopes:
        for evidence in loses:
            evidence.cover(slopes.seen, slopes.n_frozen)
    del slopes, runs  # and with them the graph of the gradients
    inputs, cancel = None, False
    if GradientRequest.INPUTS in wanted:
        twice.inputs_only = True
        inputs = _of_inputs(outputs, torch.ones_like(outputs), images)
        cancel = _cancel(inputs, outputs, images)
        clock.charge([evidence for evidence in active if GradientRequest.INPUTS in evidence.wants])
    data_set = context.data_set
    further = BatchGradients(others, curvature, inputs, cancel, data_set.classes(targets), data_set.n_classes)
    for evidence in active:
        evidence.add_further(further)
        clock.charge([evidence])


class _Backward:
    """The gradients of the loss: `detached` of the weights of live layers, `others` of all other live parameters.

    `of_weights` holds each live layer's weight with its gradient, `runs` each live run of a layer with the gradient of
    its output; both are part of the graph if the curvature is requested.
    """

    def __init__(self, network: nn.Module, loss: Tensor, runs: Sequence[Run], wanted: GradientRequest) -> None:
        weights = weights_of(network)
        self.n_frozen = sum(one.numel() for one in weights.values() if not one.requires_grad)
        weights = {name: one for name, one in weights.items() if one.requires_grad}
        own = set(map(id, weights.values()))
        rest = {
            name.removeprefix("body.") if isinstance(network, OwnNetwork) else name: one
            for name, one in network.named_parameters()
            if id(one) not in own and one.requires_grad
        }
        if GradientRequest.OTHER_PARAMETERS not in wanted:
            rest = {}
        if isinstance(network, OwnNetwork) and not (loss.requires_grad and (weights or rest)):
            self._nothing()
            return
        found = iter(
            torch.autograd.grad(
                loss,
                [*weights.values(), *rest.values(), *(run.output for run in runs)],
                allow_unused=True,
                create_graph=GradientRequest.CURVATURE in wanted,
                retain_graph=GradientRequest.CURVATURE in wanted or GradientRequest.INPUTS in wanted,
            )
        )
        pairs = {name: (weight, next(found)) for name, weight in weights.items()}
        self.of_weights = {name: (weight, slope) for name, (weight, slope) in pairs.items() if slope is not None}
        self.detached: Gradients = {name: slope.detach() for name, (_, slope) in self.of_weights.items()}
        others = {name: next(found) for name in rest}
        self.others: Gradients = {name: slope.detach() for name, slope in others.items() if slope is not None}
        self.runs: list[tuple[Run, Tensor]] = [
            (run, slope) for run, slope in zip(runs, found, strict=True) if slope is not None
        ]

    def _nothing(self) -> None:
        self.of_weights, self.detached, self.others, self.runs = {}, {}, {}, []

    @property
    def seen(self) -> dict[str, int]:
        """The number of entries of each weight that has a gradient."""
        return {name: slope.numel() for name, slope in self.detached.items()}


def loss_of(subject: Subject, outputs: Tensor, targets: Tensor) -> Tensor:
    """The data set's loss of some outputs.

    Raises:
        PlugInError: if the outputs of a network of the user's own do not fit it.
    """
    network, data_set = subject.network, subject.context.data_set
    if not isinstance(network, OwnNetwork):
        return data_set.loss(outputs, targets)
    return fitted_loss(network, data_set, outputs, targets)


def fitted_loss(network: OwnNetwork, data_set: DataSet, outputs: Tensor, targets: Tensor) -> Tensor:
    """The loss of the outputs of a network of the user's own, which must be one number.

    Raises:
        PlugInError: if the outputs do not fit the loss.
    """
    shapes = f"{list(outputs.shape)} for targets {list(targets.shape)}"
    with calling(f"The outputs {shapes} of '{network.arch}' of {network.where} do not fit {data_set.name}: its loss"):
        loss = data_set.loss(outputs, targets)
    if not isinstance(loss, Tensor) or loss.numel() != 1:
        raise PlugInError(
            f"The loss of {data_set.name} is no single number for the outputs {shapes} of '{network.arch}' of "
            f"{network.where}."
        )
    return loss


def _of_inputs(outputs: Tensor, factors: Tensor, images: Tensor) -> Tensor:
    """Gradients of the sum of outputs times factors with respect to the images; zeros without a path between them."""
    (found,) = torch.autograd.grad(outputs, images, factors, allow_unused=True, retain_graph=True)
    return torch.zeros_like(images) if found is None else found


def _cancel(inputs: Tensor, outputs: Tensor, images: Tensor) -> bool:
    """Whether gradients of outputs cancel in their sum but for rounding; never in bfloat16, which rounds too much."""
    if inputs.dtype is torch.bfloat16:
        return False
    factors = torch.arange(outputs.numel(), dtype=outputs.dtype, device=outputs.device).cos().reshape_as(outputs)
    size = inputs.norm() * images.detach().norm() / outputs.detach().norm()
    is_small = inputs.norm() <= _IS_ROUNDING * _of_inputs(outputs, factors, images).norm()
    return bool(is_small | (size <= _IS_NOTHING * torch.finfo(inputs.dtype).eps))  # one wait for the device


def _needs_loss(evidence: TaskEvidence) -> bool:
    return evidence.needs_gradients or bool(
        evidence.wants & (GradientRequest.OTHER_PARAMETERS | GradientRequest.CURVATURE)
    )


class _Clock:
    """CPU seconds since the last charge, charged to some evidence in full."""

    def __init__(self) -> None:
        self._since = thread_time()

    def charge(self, users: Sequence[Evidence]) -> None:
        now = thread_time()
        for evidence in users:
            evidence.seconds += now - self._since
        self._since = now
