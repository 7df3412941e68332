"""How often greedy edge removal finds the best of all edge subsets: `edge_shrinking` with the truth as its score.

The subsets of a start's edges can all be enumerated, 64 in NATS-TSS and at most 512 in NAS-Bench-101, so that the
search is compared with an exact optimum. The truth stands for a proxy without error: what the search loses here, it
loses by being greedy and by trying only some edges.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from random import Random

import numpy as np
import pandas as pd
from scipy import stats

from harness.errors import OptionError
from harness.evaluation.evaluation_set import default_truth
from harness.inputs import DATA_SETS, DataSet
from harness.progress import Progress
from harness.randomness import derive_seed
from harness.searchers import Candidate, Problem, Proposal, Removed, Status
from harness.searchers.edge_shrinking import EdgeShrinking
from harness.space import BENCHMARKS, Architecture, SearchSpace
from harness.theory.finding import Finding, Listing
from harness.theory.settings import ShrinkingSettings
from harness.truth import Truth

ACCURACY = "accuracy"
_PERCENT = "%"
_LEGEND = (
    "accuracy: from 0 to 1. MACs: all multiply-accumulates of the network, its dead operations included.",
    "holds the optimum: share of starts whose path holds a best one of all subsets of the start's edges, with its 95 % "
    "Clopper-Pearson interval; gap: mean of the optimum less the best on the path.",
    "evaluations: mean number of architectures scored per path, the start included.",
)


@dataclass(frozen=True, eq=False)
class Values:
    """The value of each architecture under one objective: accuracy from 0 to 1, less `weight` times log10 of MACs."""

    space: SearchSpace
    data_set: DataSet
    accuracies: dict[Architecture, float]
    weight: float

    @property
    def name(self) -> str:
        """As tables print it."""
        return ACCURACY if not self.weight else f"{ACCURACY} - {self.weight:g} log10(MACs)"

    def of(self, arch: Architecture) -> float:
        """Higher is better; -inf where the accuracy is not known."""
        found = self.accuracies[arch]
        if np.isnan(found):
            return -np.inf
        return found - self.weight * np.log10(self.space.flops(arch, self.data_set)) if self.weight else found


class TruthProblem(Problem):
    """A search by known values from one start; `removed` is its path and `n_evaluations` what it scored."""

    def __init__(self, values: Values, start: Architecture, seed: int) -> None:
        self.space, self.requested = values.space, start
        self.rng, self.population = Random(derive_seed("shrinking", seed, str(start))), 1
        self.removed: list[Removed] = []
        self.n_evaluations = 0
        self._values = values

    def start(self) -> Architecture:
        assert self.requested is not None
        return self.requested

    def value(self, candidate: Candidate) -> float:
        return self._values.of(candidate.arch)

    def objectives(self, candidate: Candidate) -> tuple[float, ...]:
        return (self.value(candidate),)

    def note(self, removed: Removed) -> None:
        self.removed.append(removed)

    def run(self, searcher: EdgeShrinking) -> list[Removed]:
        """The path of a search without restarts."""
        asking = searcher.search(self)
        proposals: Sequence[Proposal] = next(asking)
        while True:
            found = [self._scored(proposal) for proposal in proposals]
            try:
                proposals = asking.send(found)
            except StopIteration:
                return self.removed

    def _scored(self, proposal: Proposal) -> Candidate:
        self.n_evaluations += 1
        number = self.n_evaluations
        return Candidate(number, proposal.arch, proposal.parent, proposal.arch, Status.SCORED, place=number - 1)


class Subsets:
    """The architectures that removals lead to, remembered by architecture."""

    def __init__(self, space: SearchSpace) -> None:
        self._space = space
        self._next: dict[Architecture, tuple[Architecture, ...]] = {}

    def of(self, start: Architecture) -> set[Architecture]:
        """Every subset of the edges of a start, pruned where the space prunes; the start among them."""
        found, open_ones = {start}, [start]
        while open_ones:
            arch = open_ones.pop()
            if arch not in self._next:
                self._next[arch] = tuple(removal.arch for removal in self._space.removals(arch) or ())
            new = set(self._next[arch]) - found
            found |= new
            open_ones += new
        return found


def shrinking(settings: ShrinkingSettings, seed: int) -> Finding:
    """The study.

    Raises:
        HarnessError: for a space without edges, a truth that is no accuracy in percent or not at hand.
    """
    space, data_set = BENCHMARKS.get(settings.bench), DATA_SETS.get(settings.dataset)
    EdgeShrinking().check(space, None)
    truth = Truth.open(space.name)
    column = truth.column(data_set.name, settings.truth or default_truth(truth, space, data_set))
    if column.unit != _PERCENT:
        raise OptionError(
            f"shrinking.truth={column.name} is invalid: it must be an accuracy in percent, and {column.name} of "
            f"{data_set.name} is {column.metric} in {column.unit}."
        )
    known = truth.values(space.architectures, data_set.name, column.name) / 100
    accuracies = dict(zip(space.architectures, known.tolist(), strict=True))
    starts = starts_of(space, settings.n_starts, seed)
    subsets = Subsets(space)
    rows: list[dict[str, object]] = []
    with Progress("edge shrinking", len(starts), "starts") as progress:
        for start in starts:
            below = subsets.of(start)
            for weight in dict.fromkeys((0.0, settings.weight)):
                values = Values(space, data_set, accuracies, weight)
                optimum = max(map(values.of, below))
                rows += [{"start": start, **_searched(values, start, optimum, k, seed)} for k in settings.k]
            progress.advance()
    points = pd.DataFrame(rows)
    return Finding(
        name="shrinking",
        title="Greedy edge removal against all edge subsets",
        source=f"{space.name} / {data_set.name}, {column.name}, {len(starts):,} starts",
        points=points,
        trends=(),
        pictures={},
        notes=tuple(_paths(space, data_set, accuracies, subsets, settings.weight)),
        listing=_listing(points, is_sample=settings.n_starts is not None),
        data="Truth",
    )


def starts_of(space: SearchSpace, n_starts: int | None, seed: int) -> list[Architecture]:
    """Different architectures with the most edges: `n_starts` of them as `fullest` draws them; None: all there are.

    All can be had of a space that lists 20,000 architectures or fewer.

    Raises:
        OptionError: for all of a larger space, or for more than there are.
    """
    if n_starts is None:
        if len(space.architectures) > 20_000:
            raise OptionError(
                f"shrinking.n_starts=null is invalid for {space.name}, which has too many; give a number."
            )
        first = next(space.fullest(Random(0)))
        n_edges = _n_removals(space, first)
        return [arch for arch in space.architectures if _n_removals(space, arch) == n_edges]
    drawn = islice(space.fullest(Random(derive_seed("starts", seed, space.name))), 50 * n_starts)
    found = list(islice(dict.fromkeys(drawn), n_starts))
    if len(found) < n_starts:
        raise OptionError(f"shrinking.n_starts={n_starts} is invalid: {space.name} has fewer; at most {len(found):,}.")
    return found


def _n_removals(space: SearchSpace, arch: Architecture) -> int:
    return len(space.removals(arch) or ())


def _searched(values: Values, start: Architecture, optimum: float, k: int, seed: int) -> dict[str, object]:
    """One path, and what it misses of the optimum."""
    problem = TruthProblem(values, start, seed)
    path = problem.run(EdgeShrinking(k=k, restarts=0))
    best = max(problem.value(step.candidate) for step in path)
    return {
        "objective": values.name,
        "k": k,
        "optimum": optimum,
        "best_on_path": best,
        "holds": best >= optimum,
        "evaluations": problem.n_evaluations,
    }


def _paths(
    space: SearchSpace, data_set: DataSet, accuracies: dict[Architecture, float], subsets: Subsets, weight: float
) -> Iterator[str]:
    """What happens from the usual start, edge by edge, where the space has one."""
    start = next(space.fullest(Random(0)))
    for used in dict.fromkeys((0.0, weight)):
        values = Values(space, data_set, accuracies, used)
        path = TruthProblem(values, start, 0).run(EdgeShrinking(restarts=0))
        best: dict[int, float] = {}
        for arch in subsets.of(start):
            n_edges = sum(edge.label != "none" for edge in space.graph(arch).edges)
            best[n_edges] = max(values.of(arch), best.get(n_edges, -np.inf))
        steps = ", ".join(f"{step.n_edges}: {values.of(step.candidate.arch):.4f}" for step in path)
        exact = ", ".join(f"{n_edges}: {best[n_edges]:.4f}" for n_edges in sorted(best, reverse=True))
        yield f"From {start}, every edge tried, {values.name} by edges left: {steps}. Best of all subsets: {exact}."


def _listing(points: pd.DataFrame, *, is_sample: bool) -> Listing:
    """The shares, with an interval where starts were sampled: of all starts there is nothing to infer."""
    rows = []
    for (objective, k), own in points.groupby(["objective", "k"], sort=False):
        held, n = int(own["holds"].sum()), len(own)
        low, high = stats.binomtest(held, n).proportion_ci(0.95) if is_sample else (np.nan, np.nan)
        gap = float((own["optimum"] - own["best_on_path"]).mean())
        row = {"objective": objective, "k": k, "n_starts": n, "holds": held / n, "low": low, "high": high, "gap": gap}
        rows.append(row | {"evaluations": float(own["evaluations"].mean())})
    frame = pd.DataFrame(rows)
    shown = pd.DataFrame(
        {
            "objective": frame["objective"],
            "k": frame["k"],
            "starts": [f"{n:,}" for n in frame["n_starts"]],
            "holds the optimum": [
                _share(*row) for row in zip(frame["holds"], frame["low"], frame["high"], strict=True)
            ],
            "gap": [f"{gap:.5f}" for gap in frame["gap"]],
            "evaluations": [f"{n:.1f}" for n in frame["evaluations"]],
        }
    )
    return Listing(frame, "Share of starts whose path holds the optimum", shown, _LEGEND)


def _share(holds: float, low: float, high: float) -> str:
    return f"{holds:.3f}" if np.isnan(low) else f"{holds:.3f} [{low:.3f}, {high:.3f}]"
