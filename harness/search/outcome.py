"""Outcomes: the results of searches as tables, compared with the ground truth of the whole space if it has one."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.evaluation.costs import Cost
from harness.evaluation.evaluation_set import EvaluationSet
from harness.search.run import SearchRun, SearchTask
from harness.searchers import Status
from harness.space import Architecture

_N_CURVE_POINTS = 160
_N_NEAREST = 5


@dataclass(frozen=True, eq=False)
class SpaceTruth:
    """The ground truth of all architectures of a space, and which are within budget and inside the restriction."""

    evaluated: EvaluationSet
    allowed: NDArray[np.bool_]

    @cached_property
    def known(self) -> NDArray[np.float64]:
        """Known accuracies of the architectures within budget, higher is better, ascending."""
        accuracies = self.evaluated.accuracies[self.allowed]
        return np.sort(accuracies[np.isfinite(accuracies)])

    def of(self, arch: Architecture) -> float:
        """The ground truth of an architecture, as in its table; NaN if it was not trained."""
        number = self.evaluated.space.number(arch)
        return float("nan") if number is None else float(self.evaluated.values[number])

    def rank(self, value: float) -> int | None:
        """1 for the best; ties share the best rank; None for NaN."""
        if np.isnan(value):
            return None
        return 1 + len(self.known) - int(np.searchsorted(self.known, self._oriented(value), side="right"))

    def regret(self, value: float) -> float:
        """The best value minus a value, in the unit of the ground truth; NaN where no accuracy is known."""
        return float(self.known[-1] - self._oriented(value)) if self.known.size else float("nan")

    @property
    def optimum(self) -> float:
        """The best value within budget, as in the table; NaN where none is known."""
        return self._oriented(float(self.known[-1])) if self.known.size else float("nan")

    def _oriented(self, value: float) -> float:
        return value if self.evaluated.truth.higher_is_better else -value


@dataclass(frozen=True, eq=False)
class SearchOutcome:
    """The runs of one search task, the costs to report, and the ground truth (None if there is none)."""

    task: SearchTask
    search_runs: Sequence[SearchRun]
    counts: Sequence[Cost]
    truth: SpaceTruth | None

    @property
    def subject(self) -> dict[str, str]:
        """The columns that all rows of this outcome share."""
        task = self.task
        return {
            "bench": task.space.name,
            "dataset": task.data_set.name,
            "search": task.searcher_name,
            "objective": task.objective.name,
        }

    def found(self) -> pd.DataFrame:
        """One row per seed: the architecture with the highest score (of several objectives: the first), and its truth.

        `rank` is among the `n_ranked` architectures within budget with a ground truth; `regret` is the best of these
        minus its own; `seconds` are CPU seconds of the evaluations, as measured when they were stored.
        """
        return pd.DataFrame([self._row(search_run) for search_run in self.search_runs])

    def _row(self, search_run: SearchRun) -> dict[str, object]:
        best = best_place(search_run, len(search_run.scored))
        arch = search_run.scored[best].arch
        row: dict[str, object] = {**self.subject, "seed": search_run.seed, "arch": arch}
        if self.task.space.enumerable:
            row["index"] = self.task.space.number(arch)
        row["score"] = float(search_run.values()[best, 0])
        if self.truth is not None:
            value = self.truth.of(arch)
            row |= {
                "truth": self.truth.evaluated.truth.name,
                "accuracy": value,
                "rank": self.truth.rank(value),
                "n_ranked": len(self.truth.known),
                "regret": self.truth.regret(value),
            }
        row |= {cost.name: float(cost.of([arch])[0]) for cost in self.counts}
        of_status = [candidate.status for candidate in search_run.candidates]
        row |= {"steps": len(search_run.candidates), "evaluations": search_run.n_evaluations}
        row |= {f"n_{status.value}": of_status.count(status) for status in Status if status is not Status.SCORED}
        return row | {"seconds": search_run.seconds[-1]}

    def nearest(self) -> pd.DataFrame:
        """The trained architectures nearest to those that were found and have no ground truth, five for each seed.

        `distance` is the number of choices that differ; none in a space whose architectures all have ground truth.
        """
        return pd.DataFrame([row for search_run in self.search_runs for row in self._nearest(search_run)])

    def _nearest(self, search_run: SearchRun) -> Iterator[dict[str, object]]:
        arch = search_run.scored[best_place(search_run, len(search_run.scored))].arch
        if self.truth is None or np.isfinite(self.truth.of(arch)):
            return
        for trained, distance in self.task.space.nearest(arch, _N_NEAREST):
            row = {**self.subject, "seed": search_run.seed, "arch": arch, "trained": trained, "distance": distance}
            yield row | {"accuracy": self.truth.of(trained)} | {c.name: float(c.of([trained])[0]) for c in self.counts}

    def candidates(self) -> pd.DataFrame:
        """The log: one row per step and seed, with the objectives as evaluated at the end of the search."""
        costs = {cost.name: cost for cost in (*self.task.budget.limits, *self.counts)}
        frames = []
        for search_run in self.search_runs:
            values = search_run.values()
            archs = [candidate.arch for candidate in search_run.candidates]
            places = [-1 if candidate.place is None else candidate.place for candidate in search_run.candidates]
            frame = pd.DataFrame(
                {
                    **self.subject,
                    "seed": search_run.seed,
                    "step": [candidate.step for candidate in search_run.candidates],
                    "arch": archs,
                    "parent": [candidate.parent for candidate in search_run.candidates],
                    "network": [candidate.network for candidate in search_run.candidates],
                    "status": [candidate.status.value for candidate in search_run.candidates],
                    "reason": [candidate.reason for candidate in search_run.candidates],
                }
            )
            padded = np.vstack([values, np.full((1, values.shape[1]), np.nan)])[places]
            for column, name in enumerate(self.task.objective.scores):
                frame[name] = padded[:, column]
            for name, cost in costs.items():
                frame[name] = cost.of(archs)
            if self.truth is not None:
                frame["accuracy"] = [self.truth.of(arch) for arch in archs]
            frames.append(frame)
        return pd.concat(frames, ignore_index=True)

    def curves(self) -> pd.DataFrame:
        """The best found after increasing numbers of evaluations, by seed; the last row of a seed is its result.

        A finished search keeps its result. Without ground truth there is no accuracy and no regret.
        """
        grid = curve_grid(max(search_run.n_evaluations for search_run in self.search_runs))
        return pd.DataFrame([row for search_run in self.search_runs for row in self._curve(search_run, grid)])

    def _curve(self, search_run: SearchRun, grid: NDArray[np.int64]) -> Iterator[dict[str, object]]:
        n_scored = np.searchsorted(search_run.n_evaluated, grid, side="right")
        known: dict[int, int] = {}
        for n, k in zip(grid.tolist(), n_scored.tolist(), strict=True):
            if k == 0:
                continue
            best = known.setdefault(k, best_place(search_run, k))
            arch = search_run.scored[best].arch
            row: dict[str, object] = {**self.subject, "seed": search_run.seed, "evaluations": n}
            row |= {"seconds": search_run.seconds[k - 1], "score": float(search_run.values(k)[best, 0])}
            if self.truth is not None:
                value = self.truth.of(arch)
                row |= {"accuracy": value, "regret": self.truth.regret(value)}
            yield row


def best_place(search_run: SearchRun, n: int) -> int:
    """The index of the highest first objective among the first `n` scored networks; of ties the first."""
    values = search_run.values(n)[:, 0]
    return int(np.argmax(np.where(np.isnan(values), -np.inf, values)))


def curve_grid(n: int) -> NDArray[np.int64]:
    """Integers from 1 to `n`, roughly evenly spaced on a logarithmic scale."""
    return np.unique(np.round(np.geomspace(1, n, _N_CURVE_POINTS)).astype(np.int64))
