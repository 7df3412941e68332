"""NSGA-II with the sorting and crowding of the pymoo library. Deb et al., IEEE Trans. EC 6(2), 2002."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError
from harness.searchers.base import SEARCHERS, Asking, Candidate, Problem, Proposal, Searcher


@SEARCHERS.register("pareto")
@dataclass(frozen=True)
class Pareto(Searcher):
    """Non-dominated sorting with crowding distance; binary tournaments select parents, mutation creates children.

    There is no crossover, because search spaces do not define one. Candidates over budget, or with a missing or
    infinite value, do not enter the population, nor do those that equal a member in all objectives: they do not
    dominate one another, and networks with equal counts would fill it. The reported front is that of all candidates
    with finite values.
    """

    uses_population: ClassVar[bool] = True
    multi_objective: ClassVar[bool] = True

    def search(self, problem: Problem) -> Asking:
        members: list[Candidate] = []
        while len(members) < problem.population:
            found = yield [Proposal(problem.start()) for _ in range(problem.population - len(members))]
            members = _joined(problem, members, found)
        while True:
            order = _by_rank_and_crowding(problem, members)
            members = [members[index] for index in order[: problem.population]]
            parents = [members[_tournament(len(members), problem.rng)].arch for _ in members]
            found = yield [Proposal(problem.space.mutate(parent, problem.rng), parent) for parent in parents]
            members = _joined(problem, members, found)


def non_dominated(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """The indices of the non-dominated rows of `values` [n, n_objectives], higher is better, ascending.

    A row is dominated if another is as good in all objectives and better in one. Non-finite rows are excluded.

    Raises:
        HarnessError: if pymoo is not installed.
    """
    _require_pymoo()
    from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

    finite = np.flatnonzero(np.isfinite(values).all(axis=1))
    front = NonDominatedSorting().do(-values[finite], only_non_dominated_front=True)
    return np.sort(finite[front])


def _joined(problem: Problem, members: Sequence[Candidate], found: Sequence[Candidate]) -> list[Candidate]:
    """The members, extended by candidates with finite objectives that differ from those of all members."""
    joined = {problem.objectives(member): member for member in members}
    for candidate in found:
        objectives = problem.objectives(candidate)
        if candidate.enters_population and np.isfinite(objectives).all():
            joined.setdefault(objectives, candidate)
    return list(joined.values())


def _by_rank_and_crowding(problem: Problem, members: Sequence[Candidate]) -> list[int]:
    """Indices of the members, the best front first, within a front the least crowded first."""
    _require_pymoo()
    from pymoo.core.population import Population
    from pymoo.core.problem import Problem as PymooProblem
    from pymoo.operators.survival.rank_and_crowding import RankAndCrowding

    values = np.array([problem.objectives(member) for member in members])
    population = Population.new(F=-values)
    # The crowding of a truncated front is recomputed without the removed members, as in the library.
    kept = RankAndCrowding().do(
        PymooProblem(n_var=1, n_obj=values.shape[1]),
        population,
        n_survive=min(problem.population, len(members)),
        random_state=np.random.default_rng(problem.rng.getrandbits(64)),
        return_indices=True,
    )
    return sorted(kept, key=lambda index: (population[index].get("rank"), -population[index].get("crowding"), index))


def _tournament(n_members: int, rng: Random) -> int:
    """The better of two uniformly drawn members; members are sorted, best first."""
    return min(rng.randrange(n_members), rng.randrange(n_members))


def _require_pymoo() -> None:
    try:
        import pymoo  # noqa: F401
    except ImportError:
        raise HarnessError(
            "search=pareto needs the package pymoo, which is not installed. "
            "Run `pip install 'nas-proxy-harness[pareto]'`."
        ) from None
