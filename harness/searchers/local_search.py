"""Local search: hill climbing with random restarts. White et al., UAI 2021, arXiv:2005.02960."""

from dataclasses import dataclass

from harness.searchers.base import SEARCHERS, Asking, Problem, Proposal, Searcher


@SEARCHERS.register("local_search")
@dataclass(frozen=True)
class LocalSearch(Searcher):
    """Evaluate all neighbours and move to the best if it improves; otherwise restart from a random architecture.

    Neighbours are evaluated in random order, so that a climb that runs out of steps favours none. Neighbours that were
    scored before cost a step, but no evaluation.
    """

    def search(self, problem: Problem) -> Asking:
        while True:
            (here,) = yield [Proposal(problem.start())]
            while here.place is not None:
                neighbours = list(problem.space.neighbours(here.arch))
                problem.rng.shuffle(neighbours)
                if not neighbours:
                    break
                around = yield [Proposal(arch, here.arch) for arch in neighbours]
                best = max(around, key=problem.value)
                if problem.value(best) <= problem.value(here):
                    break
                here = best
