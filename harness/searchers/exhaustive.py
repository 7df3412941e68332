"""Exhaustive search: the whole space, to find the architecture that a proxy ranks first."""

from dataclasses import dataclass
from typing import ClassVar

from harness.errors import OptionError
from harness.searchers.base import SEARCHERS, Asking, Problem, Proposal, Searcher

_AT_ONCE = 5_000


@SEARCHERS.register("exhaustive")
@dataclass(frozen=True)
class Exhaustive(Searcher):
    """Every architecture in the official order; of ties the first wins. `steps` does not limit it."""

    uses_neighbours: ClassVar[bool] = False
    uses_start: ClassVar[bool] = False
    bounded: ClassVar[bool] = False

    def search(self, problem: Problem) -> Asking:
        if not problem.space.complete:
            raise OptionError(
                f"search=exhaustive is not possible in {problem.space.name}, which is too large to list. "
                "Use search=random or search=evolution."
            )
        archs = problem.space.architectures
        for start in range(0, len(archs), _AT_ONCE):
            yield [Proposal(archs[index]) for index in range(start, min(start + _AT_ONCE, len(archs)))]
