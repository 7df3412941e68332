"""Aging evolution. Real et al., AAAI 2019, arXiv:1802.01548."""

from collections import deque
from dataclasses import dataclass
from typing import ClassVar

from harness.errors import OptionError
from harness.searchers.base import SEARCHERS, Asking, Candidate, Problem, Proposal, Searcher


@SEARCHERS.register("aging_evolution")
@dataclass(frozen=True)
class AgingEvolution(Searcher):
    """Mutate the best of a random sample of the population; remove the oldest member.

    The initial population is drawn uniformly from the architectures within budget. A child whose network is in the
    population is not added and no member is removed; a network that was removed may be added again.

    Attributes:
        sample: tournament size, drawn without replacement; 25 of 100 in the paper.
    """

    uses_population: ClassVar[bool] = True
    sample: int = 10

    def __post_init__(self) -> None:
        if self.sample < 1:
            raise OptionError(f"options.aging_evolution.sample={self.sample} is invalid: it must be at least 1.")

    def search(self, problem: Problem) -> Asking:
        members: deque[Candidate] = deque()
        while len(members) < problem.population:
            (found,) = yield [Proposal(problem.start())]
            _add(members, found)
        while True:
            rivals = problem.rng.sample(list(members), min(self.sample, len(members)))
            parent = max(rivals, key=problem.value).arch
            (found,) = yield [Proposal(problem.space.mutate(parent, problem.rng), parent)]
            if _add(members, found):
                members.popleft()


def _add(members: deque[Candidate], found: Candidate) -> bool:
    """Add a candidate that has a value and whose network is not in the population; returns whether it was added."""
    if found.place is None or any(member.network == found.network for member in members):
        return False
    members.append(found)
    return True
