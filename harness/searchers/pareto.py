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
    """Non-dominated sorting with crowding distance; binary tournaments choose parents, mutation makes the children.

    Search spaces have no crossover, so there is none. Candidates over budget, without a value, or with an infinite one
    do not enter the population, nor do those that equal a member in all objectives: equals do not dominate one another,
    so that counts, of which many networks have the same, would fill it. The front that is reported is that of all
    candidates with finite values.
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
    """The rows of `values` [n, n_objectives], higher is better, that no other row dominates, ascending.

    A row is dominated if another is as good in all objectives and better in one. Rows with infinities or NaN are out.

    Raises:
        HarnessError: if pymoo is not installed.
    """
    _require_pymoo()
    from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

    finite = np.flatnonzero(np.isfinite(values).all(axis=1))
    front = NonDominatedSorting().do(-values[finite], only_non_dominated_front=True)
    return np.sort(finite[front])


def _joined(problem: Problem, members: Sequence[Candidate], found: Sequence[Candidate]) -> list[Candidate]:
    """The members with those found that have finite objectives which no member has."""
    joined = {problem.objectives(member): member for member in members}
    for candidate in found:
        objectives = problem.objectives(candidate)
        if candidate.enters_population and np.isfinite(objectives).all():
            joined.setdefault(objectives, candidate)
    return list(joined.values())


def _by_rank_and_crowding(problem: Problem, members: Sequence[Candidate]) -> list[int]:
    """Places of the members, the best front first, within a front the least crowded first."""
    _require_pymoo()
    from pymoo.core.population import Population
    from pymoo.core.problem import Problem as PymooProblem
    from pymoo.operators.survival.rank_and_crowding import RankAndCrowding

    values = np.array([problem.objectives(member) for member in members])
    population = Population.new(F=-values)
    # Crowding of a front that is cut is computed again without those that are cut off, as the library does it.
    kept = RankAndCrowding().do(
        PymooProblem(n_var=1, n_obj=values.shape[1]),
        population,
        n_survive=min(problem.population, len(members)),
        random_state=np.random.default_rng(problem.rng.getrandbits(64)),
        return_indices=True,
    )
    return sorted(kept, key=lambda index: (population[index].get("rank"), -population[index].get("crowding"), index))


def _tournament(n_members: int, rng: Random) -> int:
    """The better of two members drawn uniformly; they are in order, the best first."""
    return min(rng.randrange(n_members), rng.randrange(n_members))


def _require_pymoo() -> None:
    try:
        import pymoo  # noqa: F401
    except ImportError:
        raise HarnessError(
            "search=pareto needs the library pymoo, which is not installed; "
            "`pip install 'nas-proxy-harness[pareto]'` brings it."
        ) from None
