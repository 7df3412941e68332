"""The interface of evidence, and the subject that passes run on."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import ClassVar, Self

import torch
from torch import Tensor, nn

from harness.deprecated import take_old_names
from harness.evidence.coverage import Coverage
from harness.evidence.own_size import batch_of_shape, of_shape
from harness.inputs import Batch, DataSet, InputKind
from harness.protocol import Mode, Protocol
from harness.registry import Registry
from harness.space import Architecture, Execute, SearchSpace
from harness.space.initialise import Initialisation


@dataclass(frozen=True)
class ScoringContext:
    """What all networks of one run share. `batches` is empty if no evidence needs images; `inputs` is their kind."""

    space: SearchSpace
    data_set: DataSet
    protocol: Protocol
    seed: int
    batches: tuple[Batch, ...]
    device: torch.device
    inputs: InputKind = InputKind.real

    def for_network(self, arch: Architecture) -> "ScoringContext":
        """The context with inputs of the network's own size, where the space says that it has one."""
        shape = self.space.input_shape(arch, self.data_set)
        if shape == self.data_set.shape:
            return self
        if shape not in self._sized:
            sized = of_shape(self.data_set, shape)
            batches = tuple(
                batch_of_shape(batch, sized, self.inputs, (self.seed, number))
                for number, batch in enumerate(self.batches)
            )
            self._sized[shape] = replace(self, data_set=sized, batches=batches)
        return self._sized[shape]

    @cached_property
    def _sized(self) -> dict[tuple[int, ...], "ScoringContext"]:
        return {}


class Undefined(Exception):  # noqa: N818  # a stated status, no error
    """Raised with a reason if a proxy or evidence is undefined for a network; the score's status is `undefined`."""


@dataclass(frozen=True)
class Subject:
    """One architecture in a context; its network is built on first use, and passes must leave it unchanged."""

    context: ScoringContext
    arch: Architecture
    execute: Execute

    def __post_init__(self) -> None:
        object.__setattr__(self, "context", self.context.for_network(self.arch))

    @property
    def setting(self) -> ScoringContext:
        """Former name of `context`; will be removed in the next release."""
        return self.context

    @cached_property
    def network(self) -> nn.Module:
        """The network on the context's device, in the protocol's dtype and mode."""
        return self.build(init=self.context.protocol.init, seed=self.context.seed)

    def to_run(self, images: Tensor) -> Tensor:
        """Images on the context's device, in the protocol's dtype and the memory layout that is fastest."""
        return prepared(images, self.context)

    def build(self, *, init: Initialisation, seed: int, execute: Execute | None = None) -> nn.Module:
        """A new network, as `network` but with other initial weights and, optionally, other executed operations."""
        context, protocol = self.context, self.context.protocol
        execute = execute or self.execute
        network = context.space.network(self.arch, context.data_set, execute=execute, init=init, seed=seed)
        network = network.train(protocol.mode is Mode.train).to(device=context.device, dtype=protocol.dtype.dtype)
        for parameter in network.parameters():
            if parameter.dim() == 4:  # the memory layout with the fastest convolutions, on CPUs and GPUs
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        return network


def prepared(images: Tensor, context: ScoringContext) -> Tensor:
    """Images on the device of a context, in its dtype; feature maps in channels-last."""
    moved = images.to(device=context.device, dtype=context.protocol.dtype.dtype)
    return moved.contiguous(memory_format=torch.channels_last) if moved.dim() == 4 else moved.contiguous()


class Evidence(ABC):
    """One kind of evidence about one network.

    A pass is a class method `collect_all` shared by several kinds: those with the same `shared_pass` are collected
    together. `uses` names the settings that the evidence depends on, and so enters the key of a score.
    """

    shared_pass: ClassVar[str]
    uses: ClassVar[frozenset[str]] = frozenset({"inputs", "protocol", "seed"})
    runs_network: ClassVar[bool] = True
    shares_network: ClassVar[bool] = True
    """Whether it runs `subject.network`, which is then made beforehand, or networks that it makes itself."""
    trains: ClassVar[bool] = False
    """Whether it trains the network, which may take any time: `timeout_per_network` does not apply."""

    coverage: Coverage | None = None
    """How much of a network of the user's own it saw; None for the networks of the project's benchmarks."""

    seconds: float = 0.0
    """CPU seconds of the passes for this evidence; shared passes count in full."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        take_old_names(cls, {"rides_on": "shared_pass"})

    @classmethod
    @abstractmethod
    def collect_all(cls, subject: Subject, kinds: Sequence[type[Self]]) -> Sequence[Self | Undefined]:
        """Run the pass once over the subject and return the evidence of each kind, in order.

        In place of a kind that is undefined for the network, `Undefined` with the reason.
        """


EVIDENCE: Registry[type[Evidence]] = Registry("kind of evidence", "harness.evidence", plural="kinds of evidence")
