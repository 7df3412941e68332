"""A search run: one searcher with one seed, its proposals and their outcomes."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError, OptionError
from harness.evaluation.costs import Budget
from harness.evaluation.restriction import Restriction
from harness.inputs import DataSet
from harness.proxy import Sees
from harness.randomness import derive_seed
from harness.search.objective import Components, Objective
from harness.search.scores import Scores
from harness.search.settings import SearchSettings
from harness.searchers import Candidate, Problem, Proposal, Removed, Searcher, Status
from harness.space import Architecture, SearchSpace
from harness.space.restricted import restricted
from harness.store import OK

_MOST_DRAWS = 2_000
_GIVE_UP_AFTER = 32  # networks without a single score


@dataclass(frozen=True, eq=False)
class SearchTask:
    """A searcher with its name, an objective, a search space, a data set, a budget and what is wanted of the space."""

    space: SearchSpace
    data_set: DataSet
    searcher_name: str
    searcher: Searcher
    objective: Objective
    budget: Budget
    settings: SearchSettings
    restriction: Restriction | None = None

    @property
    def searched(self) -> SearchSpace:
        """The space from which is proposed: all of it, or the part that the restriction leaves."""
        return self.space if self.restriction is None else restricted(self.restriction.part)

    def fits(self, archs: Sequence[Architecture]) -> NDArray[np.bool_]:
        """Which architectures are within budget and inside the restriction, bool [n]."""
        found = self.budget.fits(archs)
        return found if self.restriction is None else found & self.restriction.inside(archs)

    def network(self, arch: Architecture) -> Architecture:
        """The network that the proxies score: the canonical form if no proxy depends on dead operations."""
        live = all(spec.proxy_class.sees is Sees.LIVE for spec in self.objective.specs)
        return self.space.canonical(arch) if live else arch


def first_start(task: SearchTask) -> Architecture | None:
    """The start of the search: the requested one, or the default of a space too large to list, if it may be proposed.

    Raises:
        OptionError: if the requested one is over budget or outside the restriction.
        UnknownNameError: if it is not in the space.
    """
    space, requested = task.space, task.settings.start
    if requested is None and space.enumerable:
        return None
    arch = space.start if requested is None else space.find(requested)
    if task.fits([arch])[0]:
        return arch
    if requested is None:
        return None
    reasons = [] if task.restriction is None else list(task.restriction.reasons(arch))
    if task.restriction is not None and reasons:
        raise OptionError(f"start={requested} is outside {task.restriction.part.words}: {', and '.join(reasons)}.")
    raise OptionError(f"start={requested} is over {task.budget.text}: {task.budget.excess(arch)}.")


class SearchRun(Problem):
    """One search. `ask` returns the architectures to score, `tell` continues once they are scored, until `ended`.

    Attributes:
        candidates: every proposal in order, with its outcome.
        removed: the steps of paths along which edges were removed, if the searcher does that.
        scored: the first candidate of each network with a value, in order; `Candidate.place` is its index here.
        n_evaluated: for each of these, the number of networks evaluated by then, including failed ones.
        seconds: for each of these, CPU seconds of all evaluations by then, as measured when stored.
    """

    def __init__(self, task: SearchTask, seed: int, scores: Scores) -> None:
        settings = task.settings
        self.task, self.seed = task, seed
        self.space = task.searched
        self.rng = Random(derive_seed("search", seed, task.space.name, task.searcher_name))
        self.population = settings.n_members
        self.candidates: list[Candidate] = []
        self.removed: list[Removed] = []
        self.scored: list[Candidate] = []
        self.n_evaluated: list[int] = []
        self.seconds: list[float] = []
        self.ended = False
        self._scores = scores
        self._first: dict[Architecture, Candidate] = {}
        self._spent_s = 0.0
        self._components: list[Components] = []
        self._values: NDArray[np.float64] = np.empty((0, 0))
        self._start = self.requested = first_start(task)
        self._feasible: NDArray[np.int64] | None = None
        self._proposals: Sequence[Proposal] = ()
        self._fits: NDArray[np.bool_] = np.empty(0, dtype=bool)
        self._asking = task.searcher.search(self)
        self._advance(None)

    @property
    def n_evaluations(self) -> int:
        """The number of distinct networks that were scored or failed."""
        return len(self._first)

    def ask(self) -> list[Architecture]:
        """The architectures whose scores the next `tell` needs."""
        return [
            proposal.arch
            for proposal, fits in zip(self._proposals, self._fits, strict=True)
            if fits and self.task.network(proposal.arch) not in self._first
        ]

    @property
    def n_proposed(self) -> int:
        """The number of steps of the next `tell`."""
        return len(self._proposals)

    def tell(self) -> None:
        """Record the scores of the requested architectures, and let the searcher continue.

        Raises:
            HarnessError: if too many networks failed without a single score.
        """
        found = [self._settle(proposal, bool(fits)) for proposal, fits in zip(self._proposals, self._fits, strict=True)]
        if not self.scored and self.n_evaluations >= _GIVE_UP_AFTER:
            raise self.refusal()
        self._advance(found)

    def refusal(self) -> HarnessError:
        """The error for a search in which no network has a score."""
        if not self._first:
            return self.task.budget.refusal(self.space.name, [candidate.arch for candidate in self.candidates])
        failed = [candidate for candidate in self._first.values() if candidate.status is Status.FAILED]
        reason = f" (first failure: {failed[0].reason})" if failed else ""
        return HarnessError(
            f"search={self.task.searcher_name} with seed {self.seed} found nothing: {self.task.objective.name} "
            f"has no score on any of {self.n_evaluations} networks{reason}. The failures are stored; "
            "retry=failed scores these networks again."
        )

    def start(self) -> Architecture:
        if self._start is not None:
            first, self._start = self._start, None
            return first
        budget = self.task.budget
        if not budget.limits:
            return self.space.random(self.rng)
        drawn: list[Architecture] = []
        while not self.space.complete and len(drawn) < _MOST_DRAWS:
            drawn.append(self.space.random(self.rng))
            if budget.fits(drawn[-1:])[0]:
                return drawn[-1]
        if not self.space.enumerable:
            raise budget.refusal(self.space.name, drawn)
        if self._feasible is None:
            self._feasible = budget.require_some(self.space.architectures)
        return self.space.architectures[int(self.rng.choice(self._feasible))]

    def value(self, candidate: Candidate) -> float:
        if candidate.place is None:
            return -math.inf
        value = float(self.values()[candidate.place, 0])
        return -math.inf if math.isnan(value) else value

    def objectives(self, candidate: Candidate) -> tuple[float, ...]:
        if candidate.place is None:
            return (math.nan,) * len(self.task.objective.scores)
        return tuple(self.values()[candidate.place].tolist())

    def excess(self, archs: Sequence[Architecture]) -> NDArray[np.float64]:
        limits = self.task.budget.limits
        if not limits:
            return np.empty((len(archs), 0))
        return np.column_stack([cost.of(archs) / limit - 1 for cost, limit in limits.items()])

    def note(self, removed: Removed) -> None:
        self.removed.append(removed)

    def scores(self) -> NDArray[np.float64]:
        """The score of each scored network [n] before any cost is subtracted; of several objectives the first."""
        return self.task.objective.values(self._components)[:, 0]

    def values(self, n: int | None = None) -> NDArray[np.float64]:
        """All objectives of the first `n` scored networks (default: all), [n, n_objectives]."""
        if n is not None and self.task.objective.pooled:
            return self._valued(n)
        if len(self._values) != len(self.scored):
            known = 0 if self.task.objective.pooled else len(self._values)
            new = self._valued(len(self.scored), known)
            self._values = np.concatenate([self._values, new]) if known else new
        return self._values if n is None else self._values[:n]

    def _valued(self, n: int, begin: int = 0) -> NDArray[np.float64]:
        objective = self.task.objective
        archs = [candidate.arch for candidate in self.scored[begin:n]]
        costs = [-cost.of(archs)[:, None] for cost in objective.minimised]
        scores = objective.values(self._components[begin:n])
        if objective.cost_term is not None:
            scores = objective.cost_term.applied(scores[:, 0], archs)[:, None]
        return np.hstack([scores, *costs])

    def _advance(self, found: Sequence[Candidate] | None) -> None:
        """Let the searcher propose, until steps or evaluations are used up."""
        settings = self.task.settings
        try:
            proposals = next(self._asking) if found is None else self._asking.send(found)
        except StopIteration:
            proposals = ()
        if self.task.searcher.bounded:
            proposals = proposals[: settings.steps - len(self.candidates)]
        fits = self.task.fits([proposal.arch for proposal in proposals])
        if settings.evaluations is not None:
            n = self._within(proposals, fits, settings.evaluations - self.n_evaluations)
            proposals, fits = proposals[:n], fits[:n]
        self._proposals, self._fits = proposals, fits
        if not proposals:
            self.ended = True
            self._asking.close()

    def _within(self, proposals: Sequence[Proposal], fits: NDArray[np.bool_], n_left: int) -> int:
        """The number of proposals to accept until `n_left` new networks are evaluated."""
        new: set[Architecture] = set()
        for taken, (proposal, feasible) in enumerate(zip(proposals, fits, strict=True)):
            if n_left <= 0:
                return taken
            network = self.task.network(proposal.arch)
            if feasible and network not in self._first and network not in new:
                if len(new) == n_left:
                    return taken
                new.add(network)
        return len(proposals)

    def _settle(self, proposal: Proposal, fits: bool) -> Candidate:
        """The outcome of a proposal."""
        step, network = len(self.candidates) + 1, self.task.network(proposal.arch)
        first = self._first.get(network)
        if not fits:
            status, reason, place = Status.INFEASIBLE, "", None
        elif first is not None:
            again = first.place is None or self.task.settings.deduplicate
            status = Status.REPEATED if again else Status.SCORED
            reason, place = first.reason, first.place
        else:
            status, reason, place = self._score(proposal.arch)
        candidate = Candidate(step, proposal.arch, proposal.parent, network, status, reason, place)
        self.candidates.append(candidate)
        if fits and first is None:
            self._first[network] = candidate
            if place is not None:
                self.scored.append(candidate)
                self.n_evaluated.append(self.n_evaluations)
                self.seconds.append(self._spent_s)
        return candidate

    def _score(self, arch: Architecture) -> tuple[Status, str, int | None]:
        """Status, reason and index of a network that is scored for the first time."""
        found = {spec: self._scores.of(spec, arch) for spec in self.task.objective.specs}
        self._spent_s += sum(score.seconds for score in found.values())
        for spec, score in found.items():
            if score.status != OK:
                return Status.FAILED, score.reason if len(found) == 1 else f"{spec.name}: {score.reason}", None
        self._components.append({spec: score.components for spec, score in found.items()})
        return Status.SCORED, "", len(self.scored)
