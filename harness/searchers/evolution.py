"""Evolution of ZiCo's Algorithm 1. Li et al., ICLR 2023, arXiv:2301.11300."""

from dataclasses import dataclass
from typing import ClassVar

from harness.errors import OptionError
from harness.searchers.base import SEARCHERS, Asking, Candidate, Problem, Proposal, Searcher


@SEARCHERS.register("evolution")
@dataclass(frozen=True)
class Evolution(Searcher):
    """Mutate a uniformly drawn member; keep the child if it is within budget; drop the smallest score.

    As in Algorithm 1 the population begins with one architecture, a child over budget uses up its step, and the parent
    is drawn uniformly, with no tournament. Otherwise than in the authors' code (`evolution_search.py`): a candidate
    without a score never enters (there a NaN breaks `min` and stays), a network enters once (`deduplicate=false`: as
    often as it is found), the population is cut after each step and so never exceeds its size, equal seeds give equal
    searches, and a search goes on after a kill. That code also mutates its first architecture until there are more
    than ten; here the parent is drawn from the population from the first step on.

    Attributes:
        mutations: how often a parent is mutated to make a child; how far one mutation goes, the space says.
    """

    uses_population: ClassVar[bool] = True
    mutations: int = 1

    def __post_init__(self) -> None:
        if self.mutations < 1:
            raise OptionError(f"options.evolution.mutations={self.mutations} cannot work; it must be at least 1.")

    def search(self, problem: Problem) -> Asking:
        members: list[Candidate] = []
        while True:
            if members:
                parent = problem.rng.choice(members).arch
                child = parent
                for _ in range(self.mutations):
                    child = problem.space.mutate(child, problem.rng)
                found = yield [Proposal(child, parent)]
            else:
                found = yield [Proposal(problem.start())]
            members += [candidate for candidate in found if candidate.joins]
            if len(members) > problem.population:
                members.remove(min(members, key=problem.value))
