"""The interface of searchers: the problem they receive, their proposals, and the candidates sent back."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from harness.deprecated import take_old_names
from harness.registry import Registry
from harness.space import Architecture, SearchSpace


class Status(Enum):
    """The outcome of a proposal."""

    SCORED = "scored"
    """It has a value, and its network was not proposed before (or repetitions are allowed)."""
    REPEATED = "repeated"
    """Its network was scored before in this search; it has the same value."""
    INFEASIBLE = "infeasible"
    """It is over a budget, or outside of a restriction, and was not scored."""
    FAILED = "failed"
    """It was scored, but the proxy failed or gave NaN; it has no value."""


@dataclass(frozen=True)
class Proposal:
    """An architecture to score, and its parent, if any."""

    arch: Architecture
    parent: Architecture | None = None


@dataclass(frozen=True, eq=False)
class Candidate:
    """A proposal with its outcome.

    `network` is what the proxies score: the canonical form if no proxy depends on dead operations. `place` is its index
    among the networks scored in this search; None if it has no value. `step` counts from 1.
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
        """Former name of `enters_population`; will be removed in the next release."""
        return self.enters_population


@dataclass(frozen=True)
class Penalty:
    """What an objective subtracts: `weight` times log10 of a cost, from scores divided by their standard deviation."""

    cost: str
    weight: float


@dataclass(frozen=True, eq=False)
class Removed:
    """A step of a path along which edges are removed: the edge that went, and what was left.

    `path` counts paths from 0; `edge` is empty for the start of one.
    """

    path: int
    candidate: Candidate
    edge: str
    n_edges: int


class Problem(ABC):
    """The problem of a searcher: a search space, a budget and an objective, with the random generator to use.

    `rng` is derived from the search's seed; `population` is the requested size. `starts` are architectures within
    budget. `requested` is the start that the user asked for, if any.
    """

    space: SearchSpace
    rng: Random
    population: int
    requested: Architecture | None = None

    @abstractmethod
    def start(self) -> Architecture:
        """A starting architecture within budget: first the requested one, then uniform draws."""

    @abstractmethod
    def value(self, candidate: Candidate) -> float:
        """The value of a candidate, higher is better; -inf if undefined, never NaN.

        An ensemble ranks all networks scored so far, so the value of a candidate can change as others are added.
        """

    @abstractmethod
    def objectives(self, candidate: Candidate) -> tuple[float, ...]:
        """The values of all objectives, higher is better in each; for searchers of `multi_objective` objectives."""

    def excess(self, archs: Sequence[Architecture]) -> NDArray[np.float64]:
        """Each limited cost over its limit, less 1: [n, n_limits], 0 or less within budget; known without a score."""
        return np.empty((len(archs), 0))

    def note(self, removed: Removed) -> None:
        """Take down a step of a path, for the files of the search."""
        return


Asking: TypeAlias = Generator[Sequence[Proposal], Sequence[Candidate], None]
"""Yields proposals and is sent the resulting candidates, in the same order."""


class Searcher(ABC):
    """A searcher is a frozen dataclass in one file; its fields are its options.

    Attributes:
        uses_population: whether it uses `population`.
        uses_neighbours: whether it mutates architectures or visits their neighbours.
        uses_start: whether it starts from `Problem.start`, and so from the requested architecture.
        bounded: whether it stops after the given number of steps; if not, it ends by itself.
        multi_objective: whether it optimises several objectives at once.
        counts_only: whether it asks for so many values that only counts, which run no network, can be searched.
        whole_box: whether it searches all points of a box, and knows of no restriction but a budget.
    """

    uses_population: ClassVar[bool] = False
    uses_neighbours: ClassVar[bool] = True
    uses_start: ClassVar[bool] = True
    bounded: ClassVar[bool] = True
    multi_objective: ClassVar[bool] = False
    counts_only: ClassVar[bool] = False
    whole_box: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        take_old_names(cls, {"begins": "uses_start", "several": "multi_objective"})

    @property
    def penalty(self) -> Penalty | None:
        """What its objective subtracts; None: nothing."""
        return None

    def check(self, space: SearchSpace, start: Architecture | None) -> None:
        """Nothing, if it can search a space from a start; None: one of its own.

        Raises:
            OptionError: if not.
        """
        return

    @abstractmethod
    def search(self, problem: Problem) -> Asking:
        """Propose until there is nothing left to propose; the caller stops it when steps or evaluations are used up.

        Each proposal is a step. Proposals may depend only on `problem` and on the candidates sent back, so that a
        search that was killed makes the same proposals again and finds their scores in the store.
        """


SEARCHERS: Registry[type[Searcher]] = Registry("searcher", "harness.searchers")
