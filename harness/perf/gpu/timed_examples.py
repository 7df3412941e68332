"""Training examples that measure how fast they are taken."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from harness.errors import HarnessError
from harness.train.examples import Examples, Shard


@dataclass(eq=False)
class RepeatedExamples(Examples):
    """One step's shards again and again."""

    shards: list[Shard]

    @property
    def n_steps(self) -> int:
        return 1_000_000

    @property
    def source(self) -> str:
        return "one batch"

    def epoch(self, number: int, shards: Sequence[int]) -> Iterator[list[Shard]]:
        while True:
            yield self.shards

    def tests(self, rank: int, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        return iter(())


@dataclass(eq=False)
class TimedExamples(Examples):
    """Examples of others, in one epoch that ends after `most_s` seconds of measuring.

    Attributes:
        inner: the examples.
        n_warm: steps that come before: processes have begun, what they have prepared is used up, kernels are chosen.
        in_round: processes that read; their batches come together, so that whole rounds are counted.
        most_s: after which no round begins.
        at_start: called where measuring begins.
        waits: called before each reading of the clock, so that what was asked of a GPU is done.
    """

    inner: Examples
    n_warm: int
    in_round: int
    most_s: float
    at_start: Callable[[], object] = lambda: None
    waits: Callable[[], object] = lambda: None
    n_images: int = field(default=0, init=False)
    seconds: float = field(default=0.0, init=False)

    @property
    def n_steps(self) -> int:
        return self.inner.n_steps

    @property
    def source(self) -> str:
        return self.inner.source

    def epoch(self, number: int, shards: Sequence[int]) -> Iterator[list[Shard]]:
        """Steps; the time of one is that until the next is asked for."""
        started = 0.0
        n_images = 0
        for step, found in enumerate(self.inner.epoch(number, shards)):
            n_counted = step - self.n_warm
            if n_counted >= 0 and n_counted % self.in_round == 0:
                self.waits()
                now = time.perf_counter()
                if n_counted == 0:
                    self.at_start()
                    started = now
                else:
                    self.n_images, self.seconds = n_images, now - started
                    if self.seconds >= self.most_s:
                        return
            if n_counted >= 0:
                n_images += sum(len(images) for images, _ in found)
            yield found

    def tests(self, rank: int, size: int) -> Iterator[tuple[Tensor, Tensor]]:
        return self.inner.tests(rank, size)


def rate_of(timed: TimedExamples) -> float:
    """Images per second.

    Raises:
        HarnessError: where no round was whole, so that nothing was measured.
    """
    if not timed.seconds:
        raise HarnessError(
            f"{timed.inner.source}: an epoch of {timed.inner.n_steps:,} steps is too short to measure; "
            f"{timed.n_warm} come before, and {timed.in_round} are measured together."
        )
    return timed.n_images / timed.seconds
