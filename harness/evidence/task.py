"""The task pass: the protocol's batches through the network, with the data set's own loss and its gradients."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from enum import Flag, auto
from time import thread_time
from typing import ClassVar, Self

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from harness.evidence.base import Evidence, Subject
from harness.evidence.curvature import Run, hessian_times_weights, record_runs
from harness.evidence.double_backward import CheapSecondDerivatives
from harness.inputs import Batch

Gradients = Mapping[str, Tensor]


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
    outputs of the batch, `inputs_scale` is their norm times that of the images over that of the outputs. `classes`
    int64 [batch] is None for tasks without classes.
    """

    parameters: Gradients
    curvature: Gradients
    inputs: Tensor | None
    inputs_scale: Tensor | None
    classes: Tensor | None
    n_classes: int


class TaskEvidence(Evidence):
    """Evidence from the task pass: it may hook the network, and receives the gradients of each batch."""

    shared_pass: ClassVar[str] = "task"
    n_batches: ClassVar[int | None] = None
    """The number of the protocol's batches that are used, from the first on; None for all."""
    needs_gradients: ClassVar[bool] = False
    wants: ClassVar[GradientRequest] = GradientRequest.NOTHING

    def hook(self, network: nn.Module) -> list[RemovableHandle]:
        """Hooks for the forward pass of one batch; removed after it."""
        return []

    @abstractmethod
    def add(self, gradients: Gradients) -> None:
        """Process one batch; `gradients` are those of the weights of live convolutions and linear layers, by name.

        Hooks on tensors must be removed here, because further passes may use the same tensors.
        """

    def add_further(self, further: BatchGradients) -> None:  # most kinds need nothing else
        """Process the results of the same batch that `wants` names."""

    @classmethod
    def collect_all(cls, subject: Subject, kinds: Sequence[type[Self]]) -> list[Self]:
        """Each batch runs forward once, and backward once per kind of gradient that is needed.

        All passes use one graph, so none depends on which others are requested.
        """
        found = [kind() for kind in kinds]
        for index, batch in enumerate(subject.context.batches):
            active = [evidence for evidence in found if evidence.n_batches is None or index < evidence.n_batches]
            if not active:
                break
            _look_at(subject, batch, active)
        return found


def _look_at(subject: Subject, batch: Batch, active: Sequence[TaskEvidence]) -> None:
    """Run one batch and pass each kind of evidence what it needs; its seconds are those of the passes it needs."""
    clock = _Clock()
    context, network = subject.context, subject.network
    wanted = GradientRequest.NOTHING
    for evidence in active:
        wanted |= evidence.wants
    loses = [evidence for evidence in active if _needs_loss(evidence)]
    images = batch.images.to(device=context.device, dtype=context.protocol.dtype.dtype)
    # Detached, because gradients must not be enabled on the batch that other networks use.
    images = images.contiguous(memory_format=torch.channels_last).detach()
    images.requires_grad_(GradientRequest.INPUTS in wanted)
    targets = batch.targets.to(context.device)
    runs: list[Run] = []
    twice = CheapSecondDerivatives()
    with ExitStack() as stack, torch.set_grad_enabled(bool(loses) or GradientRequest.INPUTS in wanted):
        handles = [handle for evidence in active for handle in evidence.hook(network)]
        if GradientRequest.CURVATURE in wanted:
            handles += record_runs(network, runs)
            stack.enter_context(twice)
        for handle in handles:
            stack.callback(handle.remove)
        outputs = network(images)
        loss = context.data_set.loss(outputs, targets)
    clock.charge(active)

    slopes = _Backward(network, loss, runs, wanted) if loses else None
    clock.charge(loses)
    for evidence in active:
        evidence.add(slopes.detached if slopes else {})
        clock.charge([evidence])

    curvature: Gradients = {}
    if slopes and GradientRequest.CURVATURE in wanted:
        curvature = hessian_times_weights(slopes.runs, slopes.of_weights, retain_graph=GradientRequest.INPUTS in wanted)
        clock.charge([evidence for evidence in active if GradientRequest.CURVATURE in evidence.wants])
    others = slopes.others if slopes else {}
    del slopes, runs  # and with them the graph of the gradients
    inputs = scale = None
    if GradientRequest.INPUTS in wanted:
        twice.inputs_only = True
        inputs = _of_inputs(outputs, images)
        scale = inputs.norm() * images.detach().norm() / outputs.detach().norm()
        clock.charge([evidence for evidence in active if GradientRequest.INPUTS in evidence.wants])
    data_set = context.data_set
    further = BatchGradients(others, curvature, inputs, scale, data_set.classes(targets), data_set.n_classes)
    for evidence in active:
        evidence.add_further(further)
        clock.charge([evidence])


class _Backward:
    """The gradients of the loss: `detached` of the weights of live layers, `others` of all other live parameters.

    `of_weights` holds each live layer's weight with its gradient, `runs` each live run of a layer with the gradient of
    its output; both are part of the graph if the curvature is requested.
    """

    def __init__(self, network: nn.Module, loss: Tensor, runs: Sequence[Run], wanted: GradientRequest) -> None:
        weights = {
            name: module.weight for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)
        }
        own = set(map(id, weights.values()))
        rest = {name: one for name, one in network.named_parameters() if id(one) not in own}
        if GradientRequest.OTHER_PARAMETERS not in wanted:
            rest = {}
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
        self.runs = [(run, slope) for run, slope in zip(runs, found, strict=True) if slope is not None]


def _of_inputs(outputs: Tensor, images: Tensor) -> Tensor:
    """Gradients of the summed outputs with respect to the images; zeros without a path between them."""
    (found,) = torch.autograd.grad(outputs, images, torch.ones_like(outputs), allow_unused=True)
    return torch.zeros_like(images) if found is None else found


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
