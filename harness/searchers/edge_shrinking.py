"""Edge shrinking: progressive removal of edges, as in AutoShrink. Zhang et al., AAAI 2020, arXiv:1911.09251."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from harness.errors import OptionError
from harness.searchers.base import (
    SEARCHERS,
    Asking,
    Candidate,
    Penalty,
    Problem,
    Proposal,
    Removed,
    Searcher,
    Status,
)
from harness.space import Architecture, SearchSpace

_MOST_STARTS = 20  # over budget, one after another


@SEARCHERS.register("edge_shrinking")
@dataclass(frozen=True)
class EdgeShrinking(Searcher):
    """From an architecture with many edges, remove one edge after another: of `k` random ones the best to remove.

    As in the authors' code (lordzth666/AutoShrink), `k` edges are drawn, each is removed alone and scored, and the one
    whose removal scores highest is removed for good, until the share `stop` of the edges is left; the result is the
    best of all that were scored. Unlike there, the start is an architecture of the benchmark, an edge that became dead
    is removed only where the benchmark prunes it, what is scored is a proxy on the official network, and a path that
    ended is followed by one from another start.

    What it cannot reach: an architecture with an operation that its start does not have. The start is `start=`, or by
    default the one with 3x3 convolutions on every edge, then random ones with the most edges. nasbench101, with its
    operations on vertices, is the space that resembles the authors'; it has at most nine edges, where theirs had 28.

    Attributes:
        k: edges that are tried per step; all, where fewer are left.
        weight: of log10(cost), subtracted from the proxy's score divided by its standard deviation over the networks
            scored so far: how many standard deviations of the score a tenfold cost is worth. 0: the score alone.
            .1 per unit of accuracy in the authors' code.
        cost: name of the count.
        stop: share of the start's edges at which a path ends.
        restarts: paths after the first; null: until the steps are used up.
    """

    uses_neighbours: ClassVar[bool] = False
    k: int = 10
    weight: float = 0.0
    cost: str = "flops"
    stop: float = 0.01
    restarts: int | None = None

    def __post_init__(self) -> None:
        if self.k < 1:
            raise OptionError(f"options.edge_shrinking.k={self.k} is invalid: it must be at least 1.")
        if not 0 <= self.stop < 1:
            raise OptionError(f"options.edge_shrinking.stop={self.stop:g} is invalid: it must be at least 0, below 1.")
        if self.restarts is not None and self.restarts < 0:
            raise OptionError(f"options.edge_shrinking.restarts={self.restarts} is invalid: it must be 0 or more.")
        if not 0 <= self.weight < float("inf"):
            raise OptionError(f"options.edge_shrinking.weight={self.weight:g} is invalid: it must be 0 or more.")

    @property
    def penalty(self) -> Penalty | None:
        return Penalty(self.cost, self.weight) if self.weight else None

    def check(self, space: SearchSpace, start: Architecture | None) -> None:
        if space.removals(space.start) is None:
            raise OptionError(
                f"search=edge_shrinking removes edges, and architectures of {space.name} have none that could be "
                "removed. Use search=evolution or search=local_search."
            )
        if start is not None and not space.removals(start):
            raise OptionError(
                f"start={start} has no edge that could be removed. Give a start with more edges, or omit start= to "
                "begin with the most."
            )

    def search(self, problem: Problem) -> Asking:
        starts = _starts(problem)
        n_paths = 0
        while self.restarts is None or n_paths <= self.restarts:
            n_over = 0
            (here,) = yield [Proposal(next(starts))]
            while here.status is Status.INFEASIBLE:
                n_over += 1
                (here,) = yield [Proposal(problem.start() if n_over >= _MOST_STARTS else next(starts))]
            yield from self._path(problem, here, n_paths)
            n_paths += 1

    def _path(self, problem: Problem, first: Candidate, number: int) -> Asking:
        """One path down from a start that was scored."""
        n_start = n_edges = n_edges_of(problem.space, first.arch)
        here = first
        problem.note(Removed(number, here, "", n_edges))
        while here.place is not None and n_edges > self.stop * n_start:
            removals = list(problem.space.removals(here.arch) or ())
            problem.rng.shuffle(removals)
            tried = removals[: self.k]
            if not tried:
                return
            found = yield [Proposal(removal.arch, here.arch) for removal in tried]
            best = max(range(len(found)), key=lambda at: problem.value(found[at]))
            here, n_edges = found[best], tried[best].n_left
            if here.place is not None:
                problem.note(Removed(number, here, tried[best].edge, n_edges))


def n_edges_of(space: SearchSpace, arch: Architecture) -> int:
    """The number of edges that carry something."""
    return sum(edge.label != "none" for edge in space.graph(arch).edges)


def _starts(problem: Problem) -> Iterator[Architecture]:
    """The requested start, then those of the space with the most edges."""
    if problem.requested is not None:
        yield problem.requested
    yield from problem.space.fullest(problem.rng)
