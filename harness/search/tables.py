"""The tables of a search: results, summaries over seeds, and published values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from harness.paths import conf_folder
from harness.report import JSON
from harness.search.outcome import SearchOutcome
from harness.search.paths import path_table
from harness.searchers.pareto import non_dominated

SUBJECT = ("bench", "dataset", "search", "objective")
_LEVEL = 0.95


@dataclass(frozen=True)
class Front:
    """The non-dominated candidates of a multi-objective search, and all candidates.

    `objectives` are columns of both tables, higher is better; costs are negated.
    """

    title: str
    objectives: tuple[str, ...]
    members: pd.DataFrame
    candidates: pd.DataFrame


@dataclass(frozen=True)
class SearchTables:
    """The tables of one run.

    Attributes:
        found: one row per search task and seed, see `SearchOutcome.found`.
        summary: one row per search task: means over seeds, with 95 % CIs of the mean by Student's t.
        curves: one row per search task, seed and number of evaluations, see `SearchOutcome.curves`.
        candidates: one row per search task, seed and step, see `SearchOutcome.candidates`.
        fronts: one per multi-objective search task.
        published: published accuracies in the same spaces and data sets.
        units: the unit of the ground truth by (bench, dataset); no entry for a space without ground truth.
        provenance: written to run.json unchanged.
        nearest: trained architectures beside those without ground truth that were found, see `SearchOutcome.nearest`.
        paths: one row per step of a path along which edges were removed, see `path_table`.
    """

    found: pd.DataFrame
    summary: pd.DataFrame
    curves: pd.DataFrame
    candidates: pd.DataFrame
    fronts: tuple[Front, ...]
    published: pd.DataFrame
    units: Mapping[tuple[str, str], str]
    provenance: Mapping[str, JSON]
    nearest: pd.DataFrame = field(default_factory=pd.DataFrame)
    paths: pd.DataFrame = field(default_factory=pd.DataFrame)

    @classmethod
    def of(cls, outcomes: Sequence[SearchOutcome], provenance: Mapping[str, JSON]) -> Self:
        """The tables of the given outcomes."""
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
            nearest=pd.concat([outcome.nearest() for outcome in outcomes], ignore_index=True),
            paths=pd.concat([path_table(outcome) for outcome in outcomes], ignore_index=True),
        )

    @property
    def restricted(self) -> list[str]:
        """What was searched, in words, if it was a part of the space."""
        found = self.provenance.get("restriction")
        if not isinstance(found, Mapping):
            return []
        return [f"only inside {Path(str(found['file'])).name}: regret and rank are relative to the best inside"]

    def by_place(self) -> Iterator[tuple[str, str, pd.DataFrame]]:
        """Benchmark, data set and their rows of the summary."""
        for (bench, dataset), rows in self.summary.groupby(["bench", "dataset"], sort=False):
            yield str(bench), str(dataset), rows


def mean_and_interval(values: Sequence[float] | NDArray[np.float64]) -> tuple[float, float, float]:
    """Mean and the ends of its 95 % CI by Student's t; NaN ends for a single value."""
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
    """One front over all seeds, each network once; one per seed if values depend on the other networks."""
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
    """The rows of conf/published/best_architecture.csv for the benchmarks and data sets that were searched."""
    table = pd.read_csv(conf_folder() / "published" / "best_architecture.csv")
    table = table.rename(columns={"space": "bench"})
    places = found[["bench", "dataset"]].drop_duplicates()
    return places.merge(table, on=["bench", "dataset"], how="inner")
