"""Random search: the baseline of every other searcher."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.searchers.base import SEARCHERS, Asking, Problem, Proposal, Searcher
from harness.space import Architecture

_AT_ONCE = 16


@SEARCHERS.register("random")
@dataclass(frozen=True)
class RandomSearch(Searcher):
    """Architectures drawn uniformly without replacement, until the space is exhausted."""

    uses_neighbours: ClassVar[bool] = False
    uses_start: ClassVar[bool] = False

    def search(self, problem: Problem) -> Asking:
        proposals: list[Proposal] = []
        for arch in _draws(problem):
            proposals.append(Proposal(arch))
            if len(proposals) == _AT_ONCE:
                yield proposals
                proposals = []
        if proposals:
            yield proposals


def _draws(problem: Problem) -> Iterator[Architecture]:
    """Distinct architectures in random order; endless for a space that is too large to list."""
    if problem.space.complete:
        archs = problem.space.architectures
        for index in problem.rng.sample(range(len(archs)), len(archs)):
            yield archs[index]
    seen: set[Architecture] = set()
    while not problem.space.complete:
        arch = problem.space.random(problem.rng)
        if arch not in seen:
            seen.add(arch)
            yield arch
