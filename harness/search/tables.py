"""The tables of a search: what was found, summed up over seeds, beside what was published."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from harness.paths import conf_folder
from harness.report import JSON
from harness.search.outcome import SearchOutcome
from harness.searchers.pareto import non_dominated

SUBJECT = ("bench", "dataset", "search", "objective")
_LEVEL = 0.95


@dataclass(frozen=True)
class Front:
    """The candidates of a contest of several objectives that no other dominates, and all of them.

    `objectives` are columns of both tables, higher is better; costs are there with a minus.
    """

    title: str
    objectives: tuple[str, ...]
    members: pd.DataFrame
    candidates: pd.DataFrame


@dataclass(frozen=True)
class SearchTables:
    """The tables of one run.

    Attributes:
        found: one row per contest and seed, see `SearchOutcome.found`.
        summary: one row per contest: means over seeds, with 95 % intervals of the mean by Student's t.
        curves: one row per contest, seed and number of evaluations, see `SearchOutcome.curves`.
        candidates: one row per contest, seed and step, see `SearchOutcome.candidates`.
        fronts: one for each contest of several objectives.
        published: published accuracies in the same spaces and data sets.
        units: the unit of truth by (bench, dataset); there is none for a space without truth.
        provenance: goes into run.json as it is.
    """

    found: pd.DataFrame
    summary: pd.DataFrame
    curves: pd.DataFrame
    candidates: pd.DataFrame
    fronts: tuple[Front, ...]
    published: pd.DataFrame
    units: Mapping[tuple[str, str], str]
    provenance: Mapping[str, JSON]

    @classmethod
    def of(cls, outcomes: Sequence[SearchOutcome], provenance: Mapping[str, JSON]) -> Self:
        """The tables of some outcomes."""
        found = pd.concat([outcome.found() for outcome in outcomes], ignore_index=True)
        logs = [outcome.candidates() for outcome in outcomes]
        fronts = [
            front
            for log, outcome in zip(logs, outcomes, strict=True)
            if outcome.task.searcher.multi_objective
            for front in _fronts(log, outcome)
        ]
        units = {
            (outcome.subject["bench"], outcome.subject["dataset"]): outcome.truth.evaluated.truth.unit
            for outcome in outcomes
            if outcome.truth is not None
        }
        return cls(
            found=found,
            summary=_summary(found),
            curves=pd.concat([outcome.curves() for outcome in outcomes], ignore_index=True),
            candidates=pd.concat(logs, ignore_index=True),
            fronts=tuple(fronts),
            published=_published(found),
            units=units,
            provenance=provenance,
        )

    def by_place(self) -> Iterator[tuple[str, str, pd.DataFrame]]:
        """Benchmark, data set and their rows of the summary."""
        for (bench, dataset), rows in self.summary.groupby(["bench", "dataset"], sort=False):
            yield str(bench), str(dataset), rows


def mean_and_interval(values: Sequence[float] | NDArray[np.float64]) -> tuple[float, float, float]:
    """Mean and the ends of its 95 % interval by Student's t; NaN ends for a single value."""
    known = np.asarray(values, dtype=np.float64)
    mean = float(known.mean()) if known.size else np.nan
    if known.size < 2:
        return mean, np.nan, np.nan
    half = float(stats.t.ppf((1 + _LEVEL) / 2, known.size - 1) * known.std(ddof=1) / np.sqrt(known.size))
    return mean, mean - half, mean + half


def _summary(found: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for subject, of_task in found.groupby(list(SUBJECT), sort=False):
        row: dict[str, object] = dict(zip(SUBJECT, subject, strict=True)) | {"n_seeds": len(of_task)}
        for name in ("accuracy", "regret", "score"):
            if name in of_task:
                values = mean_and_interval(of_task[name].to_numpy(dtype="float64"))
                row |= dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))
        for name in ("rank", "params", "flops"):
            if name in of_task:
                row[f"{name}_median"] = float(of_task[name].median())
        row["n_ranked"] = of_task["n_ranked"].iloc[0] if "n_ranked" in of_task else np.nan
        row |= {name: float(of_task[name].mean()) for name in ("steps", "evaluations", "seconds")}
        rows.append(row)
    return pd.DataFrame(rows)


def _fronts(log: pd.DataFrame, outcome: SearchOutcome) -> Iterator[Front]:
    """One front over all seeds, each network once; one for each seed if values depend on the networks beside."""
    objectives = list(outcome.task.objective.scores)
    place = " ".join(outcome.subject[name] for name in ("bench", "dataset", "search"))
    scored = log[log["status"] == "scored"]
    pools = {f"{place}, seed {seed}": rows for seed, rows in scored.groupby("seed")}
    for title, pool in (pools if outcome.task.objective.pooled else {place: scored}).items():
        candidates = pool.drop_duplicates("network")
        members = candidates.iloc[non_dominated(candidates[objectives].to_numpy(dtype="float64"))]
        members = members.sort_values(objectives, ascending=False, kind="stable")
        members = members.drop(columns=["step", "parent", "status", "reason"])
        yield Front(title, tuple(objectives), members, candidates)


def _published(found: pd.DataFrame) -> pd.DataFrame:
    """The rows of conf/published/best_architecture.csv for the places that were searched."""
    table = pd.read_csv(conf_folder() / "published" / "best_architecture.csv")
    table = table.rename(columns={"space": "bench"})
    places = found[["bench", "dataset"]].drop_duplicates()
    return places.merge(table, on=["bench", "dataset"], how="inner")
