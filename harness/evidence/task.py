"""The task pass: the protocol's batches through the network, with the data set's own loss and its gradients."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from time import thread_time
from typing import ClassVar, Self

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from harness.evidence.base import EVIDENCE, Evidence, Subject

Gradients = Mapping[str, Tensor]


class TaskEvidence(Evidence):
    """Evidence that rides on the task pass: it may hook the network, and it is handed each batch's gradients."""

    rides_on: ClassVar[str] = "task"
    n_batches: ClassVar[int | None] = None
    """How many of the protocol's batches are looked at, from the first on; None for all."""
    needs_gradients: ClassVar[bool] = False

    def hook(self, network: nn.Module) -> list[RemovableHandle]:
        """Hooks for the forward pass of one batch; removed after it."""
        return []

    @abstractmethod
    def add(self, gradients: Gradients) -> None:
        """Take up one batch; `gradients` are those of the weights of live convolutions and linear layers, by name."""

    @classmethod
    def collect_all(cls, subject: Subject, kinds: Sequence[type[Self]]) -> list[Self]:
        """Each batch runs forward once, and backward once where some kind needs its gradients."""
        network = subject.network
        weights = {
            name: module.weight for name, module in network.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)
        }
        found = [kind() for kind in kinds]
        for index, batch in enumerate(subject.setting.batches):
            active = [evidence for evidence in found if evidence.n_batches is None or index < evidence.n_batches]
            if not active:
                break
            started = thread_time()
            images = batch.images.to(device=subject.setting.device, dtype=subject.setting.protocol.dtype.dtype)
            images = images.contiguous(memory_format=torch.channels_last)
            gradients: Gradients = {}
            backward = any(evidence.needs_gradients for evidence in active)
            with _hooked(network, active), torch.set_grad_enabled(backward):
                loss = subject.setting.data_set.loss(network(images), batch.targets.to(subject.setting.device))
            if backward:
                wanted = torch.autograd.grad(loss, list(weights.values()), allow_unused=True)
                gradients = {
                    name: gradient for name, gradient in zip(weights, wanted, strict=True) if gradient is not None
                }
            for evidence in active:
                evidence.add(gradients)
            elapsed = thread_time() - started
            for evidence in active:
                evidence.seconds += elapsed
        return found


@EVIDENCE.register("weight_gradients")
class WeightGradients(TaskEvidence):
    """Gradients of the loss with respect to the weights of live convolutions and linear layers, for every batch.

    `layers` maps each layer's name to its gradients [n_batches, *weight.shape]. Biases and normalisation are left out.
    """

    needs_gradients: ClassVar[bool] = True

    def __init__(self) -> None:
        self._batches: list[Gradients] = []

    def add(self, gradients: Gradients) -> None:
        """See `TaskEvidence`."""
        self._batches.append(gradients)

    @property
    def n_seen(self) -> int:
        """Number of batches."""
        return len(self._batches)

    @property
    def layers(self) -> dict[str, Tensor]:
        """Gradients [n_batches, *weight.shape] by layer, in the network's order; at least float32."""
        stacked = {name: torch.stack([batch[name] for batch in self._batches]) for name in self._batches[0]}
        return {name: layer.to(torch.promote_types(layer.dtype, torch.float32)) for name, layer in stacked.items()}


@EVIDENCE.register("first_batch_gradients")
class FirstBatchGradients(WeightGradients):
    """`WeightGradients` of the first batch alone."""

    n_batches: ClassVar[int | None] = 1


@EVIDENCE.register("relu_codes")
class ReluCodes(TaskEvidence):
    """Which ReLUs let which image of the first batch through.

    `codes` holds one boolean matrix [batch, units] for each distinct tensor that a live ReLU reads, and `readers` how
    many ReLUs read it.
    """

    n_batches: ClassVar[int | None] = 1

    def __init__(self) -> None:
        self.codes: list[Tensor] = []
        self.readers: list[int] = []
        self._read: list[Tensor] = []  # kept until the pass ends, so that identity means the same tensor

    def hook(self, network: nn.Module) -> list[RemovableHandle]:
        """See `TaskEvidence`."""
        return [
            module.register_forward_pre_hook(self._see) for module in network.modules() if isinstance(module, nn.ReLU)
        ]

    def _see(self, module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        (features,) = inputs
        for position, known in enumerate(self._read):
            if known is features:
                self.readers[position] += 1
                return
        self._read.append(features)
        self.readers.append(1)
        self.codes.append((features.detach() > 0).flatten(1))

    def add(self, gradients: Gradients) -> None:
        """See `TaskEvidence`."""
        self._read.clear()


@contextmanager
def _hooked(network: nn.Module, active: Sequence[TaskEvidence]) -> Iterator[None]:
    with ExitStack() as stack:
        for evidence in active:
            for handle in evidence.hook(network):
                stack.callback(handle.remove)
        yield
