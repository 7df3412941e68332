"""A scripted analyst, who forbids what looks worst and searches on: what a person at a restriction page might do.

The loop of editing the space by scores of its parts is that of NAS-Navigator (Tyagi, Xie and Mueller, arXiv:2009.13008,
abstract); the rule by which a part is judged here is this project's own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

import numpy as np
from scipy.stats import rankdata

from harness.errors import OptionError
from harness.searchers.base import SEARCHERS, Asking, Candidate, Problem, Proposal, Searcher
from harness.space import Architecture, SearchSpace
from harness.space.restricted import Part, restricted

_MOST_DRAWS = 50
_FEWEST = 3  # architectures that hold a value, below which it is not judged


@SEARCHERS.register("forbid_worst")
@dataclass(frozen=True)
class ForbidWorst(Searcher):
    """Look at random architectures, forbid the worst value at each position, and search on among what is left.

    Worst is the value whose architectures have the lowest mean rank by the objective among all seen so far; one that
    fewer than three of them hold is not judged, and the last value at a position stays. It judges by scores alone,
    never by ground truth.

    Attributes:
        look: random architectures that are scored before each decision.
        rounds: number of decisions.
        then: searcher that goes on in what is left, with its default options.
    """

    uses_start: ClassVar[bool] = False
    look: int = 50
    rounds: int = 1
    then: str = "random"

    def __post_init__(self) -> None:
        for name in ("look", "rounds"):
            if getattr(self, name) < 1:
                raise OptionError(
                    f"options.forbid_worst.{name}={getattr(self, name)} is invalid: it must be at least 1."
                )
        able = [name for name in SEARCHERS if name != "forbid_worst" and not SEARCHERS.get(name).multi_objective]
        if self.then not in able:
            raise OptionError(f"options.forbid_worst.then={self.then} is invalid: it must be one of {', '.join(able)}.")

    def search(self, problem: Problem) -> Asking:
        if not problem.space.positions:
            raise OptionError(
                f"search=forbid_worst forbids values at positions, and {problem.space.name} names none. Use "
                "search=random or search=evolution."
            )
        seen: list[Candidate] = []
        left = _Left(problem, {position.name: frozenset(position.values) for position in problem.space.positions})
        for _ in range(self.rounds):
            goal = len(seen) + self.look
            while len(seen) < goal:
                found = yield [Proposal(left.start()) for _ in range(goal - len(seen))]
                seen += [candidate for candidate in found if candidate.place is not None]
            left = _Left(problem, without_worst(problem, seen, left.allowed))
        yield from SEARCHERS.get(self.then)().search(left)


def without_worst(
    problem: Problem, seen: Sequence[Candidate], allowed: dict[str, frozenset[str]]
) -> dict[str, frozenset[str]]:
    """The allowed values by position without the one of the lowest mean rank at each."""
    ranks = rankdata([problem.value(candidate) for candidate in seen])
    held = problem.space.values_held([candidate.arch for candidate in seen])
    left = {}
    for position, holding in zip(problem.space.positions, held, strict=True):
        means = {
            value: float(ranks[holding[:, at]].mean())
            for at, value in enumerate(position.values)
            if value in allowed[position.name] and np.count_nonzero(holding[:, at]) >= _FEWEST
        }
        worst = min(means, key=lambda value: means[value]) if len(means) > 1 else None
        left[position.name] = allowed[position.name] - {worst}
    return left


class _Left(Problem):
    """The problem with what is still allowed of its space."""

    def __init__(self, problem: Problem, allowed: dict[str, frozenset[str]]) -> None:
        self._problem, self.allowed = problem, allowed
        self.space: SearchSpace = restricted(Part(problem.space, allowed, words="what is left"))
        self.rng: Random = problem.rng
        self.population = problem.population

    def start(self) -> Architecture:
        """A draw within budget that is still allowed; where these are rare, a draw that is allowed."""
        for _ in range(_MOST_DRAWS):
            drawn = self._problem.start()
            if drawn in self.space:
                return drawn
        return self.space.random(self.rng)

    def value(self, candidate: Candidate) -> float:
        return self._problem.value(candidate)

    def objectives(self, candidate: Candidate) -> tuple[float, ...]:
        return self._problem.objectives(candidate)
