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
    searches, and a search goes on after a kill.

    Attributes:
        mutations: how often a parent is mutated to make a child; how far one mutation goes, the space says.
        founders: until more than so many have entered, the first of them is the parent. 10 in the authors' code, which
            replaces one block of it at a time there and two later; here it is as many as the space says.
    """

    uses_population: ClassVar[bool] = True
    mutations: int = 1
    founders: int = 0

    def __post_init__(self) -> None:
        if self.mutations < 1:
            raise OptionError(f"options.evolution.mutations={self.mutations} is invalid: it must be at least 1.")
        if self.founders < 0:
            raise OptionError(f"options.evolution.founders={self.founders} is invalid: it must be at least 0.")

    def search(self, problem: Problem) -> Asking:
        entered: list[Candidate] = []
        members: list[Candidate] = []
        while True:
            if members:
                from_first = len(entered) <= self.founders
                parent = entered[0].arch if from_first else problem.rng.choice(members).arch
                child = parent
                for _ in range(self.mutations):
                    child = problem.space.mutate(child, problem.rng)
                found = yield [Proposal(child, parent)]
            else:
                found = yield [Proposal(problem.start())]
            joining = [candidate for candidate in found if candidate.enters_population]
            entered += joining
            members += joining
            if len(members) > problem.population:
                members.remove(min(members, key=problem.value))
