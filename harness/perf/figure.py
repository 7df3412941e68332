"""One measured figure, and the bench that the measurements share."""

from collections.abc import Sequence
from dataclasses import dataclass
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

    `target` is the value to reach, `at_most` whether smaller is better; None where nothing was promised.
    """

    measurement: str
    name: str
    value: float
    unit: str
    target: float | None = None
    at_most: bool = True

    @property
    def verdict(self) -> str:
        """`reached`, `missed`, or empty where there is no target."""
        if self.target is None:
            return ""
        return "reached" if (self.value <= self.target) == self.at_most or self.value == self.target else "missed"


@dataclass(frozen=True)
class Bench:
    """What is measured on: random cells of NATS-Bench topology for CIFAR-10, 2 batches of 128 x 3 x 32 x 32.

    `seed` draws the cells, with replacement. Real images need CIFAR-10; the time of a pass does not depend on them.
    """

    n_cells: int
    seed: int
    inputs: InputKind
    batch_size: int = Protocol.batch_size

    def spec(self, dtype: Precision = Precision.fp32) -> ContextSpec:
        """The setting by names."""
        protocol = Protocol(dtype=dtype, batch_size=self.batch_size)
        return ContextSpec(BENCH, DATA_SET, self.inputs, protocol, self.seed, "cpu")

    @cached_property
    def context(self) -> ScoringContext:
        """The setting in float32."""
        return self.spec().make(with_batches=True)

    @cached_property
    def cells(self) -> Sequence[Architecture]:
        """The cells."""
        source = Random(self.seed)
        return tuple(self.context.space.random(source) for _ in range(self.n_cells))

    def first(self, n: int) -> "Bench":
        """The same bench with the first `n` cells only."""
        return Bench(min(n, self.n_cells), self.seed, self.inputs, self.batch_size)
