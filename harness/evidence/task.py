"""The task pass: the protocol's batches through the network, with the data set's own loss and its gradients."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Flag, auto
from time import thread_time
from typing import ClassVar, Self

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from harness.evidence.base import Evidence, Subject
from harness.inputs import Batch

Gradients = Mapping[str, Tensor]


class Want(Flag):
    """What a kind of evidence wants of a batch beside the gradients of weights."""

    NOTHING = 0
    OTHER_PARAMETERS = auto()
    """Gradients of the loss with respect to biases and normalisation parameters; comes with the backward pass."""
    CURVATURE = auto()
    """The Hessian of the loss times its gradient; a second backward pass, through the first."""
    INPUTS = auto()
    """Gradients of the summed outputs with respect to the images; a backward pass of its own."""


@dataclass(frozen=True, eq=False)
class Further:
    """What one batch gave beside the gradients of weights; empty where no kind wanted it.

    `parameters` are gradients of the loss by the name of the parameter. `curvature` has, by the name of the layer, the
    Hessian times the gradient, both with respect to the weights of all live layers. `inputs` [batch, *shape] are
    gradients of the sum of all outputs of the batch. `classes` int64 [batch] is None for tasks without classes.
    """

    parameters: Gradients
    curvature: Gradients
    inputs: Tensor | None
    classes: Tensor | None
    n_classes: int


class TaskEvidence(Evidence):
    """Evidence that rides on the task pass: it may hook the network, and it is handed each batch's gradients."""

    rides_on: ClassVar[str] = "task"
    n_batches: ClassVar[int | None] = None
    """How many of the protocol's batches are looked at, from the first on; None for all."""
    needs_gradients: ClassVar[bool] = False
    wants: ClassVar[Want] = Want.NOTHING

    def hook(self, network: nn.Module) -> list[RemovableHandle]:
        """Hooks for the forward pass of one batch; removed after it."""
        return []

    @abstractmethod
    def add(self, gradients: Gradients) -> None:
        """Take up one batch; `gradients` are those of the weights of live convolutions and linear layers, by name.

        Hooks that were set on tensors are to be removed here: further passes may follow over the same tensors.
        """

    def add_further(self, further: Further) -> None:  # most kinds want nothing more
        """Take up what `wants` names of the same batch."""

    @classmethod
    def collect_all(cls, subject: Subject, kinds: Sequence[type[Self]]) -> list[Self]:
        """Each batch runs forward once, and backward once for each kind of gradient that some kind of evidence needs.

        All of them go through one graph, so none depends on which others are asked for.
        """
        found = [kind() for kind in kinds]
        for index, batch in enumerate(subject.setting.batches):
            active = [evidence for evidence in found if evidence.n_batches is None or index < evidence.n_batches]
            if not active:
                break
            _look_at(subject, batch, active)
        return found


def _look_at(subject: Subject, batch: Batch, active: Sequence[TaskEvidence]) -> None:
    """Run one batch and hand each kind of evidence what it needs; its seconds are those of the passes it needs."""
    clock = _Clock()
    setting, network = subject.setting, subject.network
    wanted = Want.NOTHING
    for evidence in active:
        wanted |= evidence.wants
    loses = [evidence for evidence in active if _needs_loss(evidence)]
    images = batch.images.to(device=setting.device, dtype=setting.protocol.dtype.dtype)
    # Detached: what is given a gradient here must not be the batch that other networks are fed with.
    images = images.contiguous(memory_format=torch.channels_last).detach()
    images.requires_grad_(Want.INPUTS in wanted)
    targets = batch.targets.to(setting.device)
    with _hooked(network, active), torch.set_grad_enabled(bool(loses) or Want.INPUTS in wanted):
        outputs = network(images)
        loss = setting.data_set.loss(outputs, targets)
    clock.charge(active)

    slopes = _Slopes(network, loss, wanted) if loses else None
    clock.charge(loses)
    for evidence in active:
        evidence.add(slopes.detached if slopes else {})
        clock.charge([evidence])

    curvature: Gradients = {}
    if slopes and Want.CURVATURE in wanted:
        curvature = slopes.times_hessian(retain_graph=Want.INPUTS in wanted)
        clock.charge([evidence for evidence in active if Want.CURVATURE in evidence.wants])
    others = slopes.others if slopes else {}
    del slopes  # and with it the graph of the gradients
    inputs = None
    if Want.INPUTS in wanted:
        inputs = _of_inputs(outputs, images)
        clock.charge([evidence for evidence in active if Want.INPUTS in evidence.wants])
    further = Further(others, curvature, inputs, setting.data_set.classes(targets), setting.data_set.n_classes)
    for evidence in active:
        evidence.add_further(further)
        clock.charge([evidence])


class _Slopes:
    """The gradients of the loss: `detached` of the weights of live layers, `others` of all other live parameters."""

    def __init__(self, network: nn.Module, loss: Tensor, wanted: Want) -> None:
        weights = {
            name: module.weight for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)
        }
        own = set(map(id, weights.values()))
        rest = {name: one for name, one in network.named_parameters() if id(one) not in own}
        if Want.OTHER_PARAMETERS not in wanted:
            rest = {}
        found = torch.autograd.grad(
            loss,
            [*weights.values(), *rest.values()],
            allow_unused=True,
            create_graph=Want.CURVATURE in wanted,
            retain_graph=Want.CURVATURE in wanted or Want.INPUTS in wanted,
        )
        self._of = {
            name: (weight, slope)
            for (name, weight), slope in zip(weights.items(), found[: len(weights)], strict=True)
            if slope is not None
        }
        self.detached: Gradients = {name: slope.detach() for name, (_, slope) in self._of.items()}
        self.others: Gradients = {
            name: slope.detach() for name, slope in zip(rest, found[len(weights) :], strict=True) if slope is not None
        }

    def times_hessian(self, retain_graph: bool) -> Gradients:
        """The Hessian times the gradient, by layer: the gradient of the gradient's product with itself held fixed."""
        product = sum((slope.detach() * slope).sum() for _, slope in self._of.values())
        if not isinstance(product, Tensor) or not product.requires_grad:  # a loss that is linear in the weights
            return {name: torch.zeros_like(weight) for name, (weight, _) in self._of.items()}
        weights = [weight for weight, _ in self._of.values()]
        found = torch.autograd.grad(product, weights, allow_unused=True, retain_graph=retain_graph)
        return {
            name: torch.zeros_like(weight) if slope is None else slope
            for (name, weight), slope in zip(zip(self._of, weights, strict=True), found, strict=True)
        }


def _of_inputs(outputs: Tensor, images: Tensor) -> Tensor:
    """Gradients of the summed outputs with respect to the images; zeros where no path joins them."""
    (found,) = torch.autograd.grad(outputs, images, torch.ones_like(outputs), allow_unused=True)
    return torch.zeros_like(images) if found is None else found


def _needs_loss(evidence: TaskEvidence) -> bool:
    return evidence.needs_gradients or bool(evidence.wants & (Want.OTHER_PARAMETERS | Want.CURVATURE))


class _Clock:
    """CPU seconds since the last charge, charged to some evidence in full."""

    def __init__(self) -> None:
        self._since = thread_time()

    def charge(self, users: Sequence[Evidence]) -> None:
        now = thread_time()
        for evidence in users:
            evidence.seconds += now - self._since
        self._since = now


@contextmanager
def _hooked(network: nn.Module, active: Sequence[TaskEvidence]) -> Iterator[None]:
    with ExitStack() as stack:
        for evidence in active:
            for handle in evidence.hook(network):
                stack.callback(handle.remove)
        yield
