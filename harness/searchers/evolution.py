"""Evolution of ZiCo's Algorithm 1. Li et al., ICLR 2023, arXiv:2301.11300."""

from dataclasses import dataclass
from typing import ClassVar

from harness.errors import OptionError
from harness.searchers.base import SEARCHERS, Asking, Candidate, Problem, Proposal, Searcher


@SEARCHERS.register("evolution")
@dataclass(frozen=True)
class Evolution(Searcher):
    """Mutate a uniformly drawn member; keep the child if it is within budget; remove the lowest score.

    As in Algorithm 1, the population starts with one architecture, a child over budget uses up a step, and the parent
    is drawn uniformly, without a tournament. Unlike in the authors' code (`evolution_search.py`), a candidate without a
    score never enters (there, a NaN breaks `min` and stays), a network enters only once (`deduplicate=false`: as often
    as it is found), the population is truncated after each step and so never exceeds its size, equal seeds give equal
    searches, and an interrupted search can be continued.

    Attributes:
        mutations: number of mutations per child; the search space defines a single mutation.
        founders: the first member is the parent until more than this many have entered. 10 in the authors' code, which
            replaces one block in this phase and two afterwards; here, the space defines the number.
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
