"""The contract of searchers: what they are given, what they propose, what they are told."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import ClassVar, TypeAlias

from harness.deprecated import take_old_names
from harness.registry import Registry
from harness.space import Architecture, SearchSpace


class Status(Enum):
    """What became of a proposal."""

    SCORED = "scored"
    """It has a value, and its network had not been proposed before (or repetitions are allowed)."""
    REPEATED = "repeated"
    """Its network was scored before in this search; it has the same value."""
    INFEASIBLE = "infeasible"
    """It is over a budget and was not scored."""
    FAILED = "failed"
    """It was scored, but the proxy failed or gave NaN; it has no value."""


@dataclass(frozen=True)
class Proposal:
    """An architecture to be scored, and the one that it was made from, if any."""

    arch: Architecture
    parent: Architecture | None = None


@dataclass(frozen=True, eq=False)
class Candidate:
    """A proposal with what became of it.

    `network` is what the proxies see: the canonical form if dead operations change none of them. `place` is its place
    among the networks that were scored in this search; None where it has no value. `step` counts from 1.
    """

    step: int
    arch: Architecture
    parent: Architecture | None
    network: Architecture
    status: Status
    reason: str = ""
    place: int | None = None

    @property
    def enters_population(self) -> bool:
        """Whether it may enter a population: scored, with a value, and new."""
        return self.status is Status.SCORED

    @property
    def joins(self) -> bool:
        """`enters_population`, as it was called before; goes with the next release."""
        return self.enters_population


class Problem(ABC):
    """What a searcher works on: a space, a budget and an objective, with the randomness to use.

    `rng` is derived from the search's seed; `population` is the size asked for. `starts` are architectures within the
    budget.
    """

    space: SearchSpace
    rng: Random
    population: int

    @abstractmethod
    def start(self) -> Architecture:
        """An architecture within the budget to begin from: the one asked for at first, then drawn uniformly."""

    @abstractmethod
    def value(self, candidate: Candidate) -> float:
        """What a candidate is worth, higher is better; -inf without a value, never NaN.

        An ensemble ranks all networks scored so far, so the value of a candidate may change as others come.
        """

    @abstractmethod
    def objectives(self, candidate: Candidate) -> tuple[float, ...]:
        """The values of all objectives, higher is better in each; for searchers of `multi_objective` objectives."""


Asking: TypeAlias = Generator[Sequence[Proposal], Sequence[Candidate], None]
"""Yields proposals and is sent, in their order, what became of them."""


class Searcher(ABC):
    """A searcher is a frozen dataclass in one file; its fields are its options.

    Attributes:
        uses_population: whether `population` means something to it.
        begins: whether it begins from `Problem.start`, and so from the architecture asked for.
        bounded: whether it stops after the steps asked for; if not, it ends by itself.
        several: whether it follows several objectives at once.
    """

    uses_population: ClassVar[bool] = False
    uses_start: ClassVar[bool] = True
    bounded: ClassVar[bool] = True
    multi_objective: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        take_old_names(cls, {"begins": "uses_start", "several": "multi_objective"})

    @abstractmethod
    def search(self, problem: Problem) -> Asking:
        """Propose until there is nothing more to propose; the caller stops it when steps or evaluations are used up.

        Each proposal is a step. What a searcher proposes may depend on `problem` and on what it is told alone, so that
        a search that was killed proposes the same again and finds its scores in the store.
        """


SEARCHERS: Registry[type[Searcher]] = Registry("searcher", "harness.searchers")
