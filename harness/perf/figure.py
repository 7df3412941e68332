"""A measured figure, and the test bench that all measurements share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random

from harness.evidence.base import ScoringContext
from harness.inputs import InputKind
from harness.protocol import Precision, Protocol
from harness.scoring import ContextSpec
from harness.space import Architecture

BENCH = "nats_tss"
DATA_SET = "cifar10"


@dataclass(frozen=True)
class Figure:
    """A measured value.

    `target` is the value to reach, None if there is none; `at_most` whether smaller is better.
    """

    measurement: str
    name: str
    value: float
    unit: str
    target: float | None = None
    at_most: bool = True

    @property
    def verdict(self) -> str:
        """`reached`, `missed`, or empty if there is no target."""
        if self.target is None:
            return ""
        return "reached" if (self.value <= self.target) == self.at_most or self.value == self.target else "missed"


@dataclass(frozen=True)
class Bench:
    """The test bench: random cells of the NATS-Bench topology space for CIFAR-10, 2 batches of 128 x 3 x 32 x 32.

    The cells are drawn with `seed`, with replacement. Real images require CIFAR-10; they do not affect the time.
    """

    n_cells: int
    seed: int
    inputs: InputKind
    batch_size: int = Protocol.batch_size
    device: str = "cpu"

    def spec(self, dtype: Precision = Precision.fp32) -> ContextSpec:
        """The specification of the context."""
        protocol = Protocol(dtype=dtype, batch_size=self.batch_size)
        return ContextSpec(BENCH, DATA_SET, self.inputs, protocol, self.seed, self.device)

    @cached_property
    def context(self) -> ScoringContext:
        """The scoring context in float32."""
        return self.spec().make(with_batches=True)

    @cached_property
    def cells(self) -> Sequence[Architecture]:
        """The cells."""
        source = Random(self.seed)
        return tuple(self.context.space.random(source) for _ in range(self.n_cells))

    def first(self, n: int) -> "Bench":
        """The same bench with only the first `n` cells."""
        return replace(self, n_cells=min(n, self.n_cells))
