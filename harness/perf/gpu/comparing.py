"""Scores of two sides, network by network: what differs, by how much, and whether the order is the same."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from harness.errors import HarnessError
from harness.perf.figure import Figure
from harness.perf.gpu.cases import Case, Stage
from harness.protocol import Precision
from harness.scoring import ScoringRun
from harness.space import Architecture
from harness.store import FAILED, OK, Score, ScoreStore

_OF_ROW = ["bench", "data_set", "proxy", "compared"]
_NUMBERS = ["n", "n_other_status", "n_failed", "n_differing", "largest", "median", "tau"]


def precisions(stage: Stage) -> tuple[Precision, ...]:
    """TensorFloat-32 is an arithmetic of NVIDIA GPUs."""
    found = (Precision.fp32, Precision.bf16)
    return (*found, Precision.tf32) if stage.device.startswith("cuda") else found


Row = Mapping[str, object]


def table_of(rows: Iterable[Row]) -> pd.DataFrame:
    """A row for each proxy, case and comparison, of the networks that both sides have scored.

    n: networks; n_other_status: of these, those that one side alone gives a number; n_failed: those that fail on
    either; largest, median: relative differences of components; n_differing: networks with any difference; tau:
    Kendall's, of the sums of the components of both sides.
    """
    table = pd.DataFrame(list(rows), columns=[*_OF_ROW, *_NUMBERS])
    return table[table["n"] > 0].sort_values(_OF_ROW, ignore_index=True)


def compared(case: Case, stage: Stage) -> list[Row]:
    """The rows of a case; none where its space cannot be built here."""
    try:
        return _rows(case, stage)
    except HarnessError:
        return []


def _rows(case: Case, stage: Stage) -> list[Row]:
    archs, usual = case.archs(stage.n_networks), case.run("cpu", Precision.fp32)
    cpu = _found("cpu", usual, archs, stage)
    on_device = {one: _found("device", case.run(stage.device, one), archs, stage) for one in precisions(stage)}
    sides = [(one.value, cpu, scores) for one, scores in on_device.items()]
    together = _found("together", usual, archs, stage)
    sides.append(("together, in one process", on_device[Precision.fp32], together))
    named = {"bench": case.bench, "data_set": case.data_set}
    return [
        {**named, "proxy": name, "compared": what, **row_of(first[name], second[name])}
        for what, first, second in sides
        for name in first.keys() & second.keys()
    ]


def _found(name: str, run: ScoringRun, archs: Sequence[Architecture], stage: Stage) -> dict[str, list[Score | None]]:
    """The scores of a store, by proxy and in the order of `archs`; None where it has none."""
    path = stage.store(name)
    if not path.exists():
        return {}
    scores: dict[str, list[Score | None]] = {}
    with ScoreStore(path, read_only=True) as store:
        for spec in run.specs:
            stored = store.find(run.key(spec))
            scores[spec.name] = [stored.get(arch) for arch in run.scored_as(spec, archs)] if stored else []
    return {name: found for name, found in scores.items() if found}


def row_of(here: Sequence[Score | None], there: Sequence[Score | None]) -> dict[str, object]:
    """The numbers of a row; a network that several architectures share counts once."""
    pairs = list({one.arch: (one, other) for one, other in zip(here, there, strict=True) if one and other}.values())
    both = [(one.components, other.components) for one, other in pairs if one.status == other.status == OK]
    differences = np.array([_difference(*pair) for pair in both])
    sums = np.array([[sum(one.values()), sum(other.values())] for one, other in both]).reshape(-1, 2)
    return {
        "n": len(pairs),
        "n_other_status": sum((one.status == OK) != (other.status == OK) for one, other in pairs),
        "n_failed": sum(FAILED in (one.status, other.status) for one, other in pairs),
        "n_differing": int((differences > 0).sum()),
        "largest": differences.max(initial=0.0),
        "median": float(np.median(differences)) if both else np.nan,
        "tau": kendalltau(sums[:, 0], sums[:, 1]).statistic if len(both) > 2 else np.nan,
    }


def _difference(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """The largest of the components; infinite where one side lacks a component, or it is finite on one side alone."""
    if one.keys() != other.keys():
        return np.inf
    return max((_relative(one[name], other[name]) for name in one), default=0.0)


def _relative(first: float, second: float) -> float:
    if first == second or (np.isnan(first) and np.isnan(second)):
        return 0.0
    found = abs(first - second) / max(abs(first), abs(second))
    return float(found) if np.isfinite(found) else np.inf


def summaries(table: pd.DataFrame) -> list[Figure]:
    """Each comparison over all proxies and spaces."""
    figures = []
    for what, rows in table.groupby("compared", sort=False):
        group = f"correctness, {what}"
        figures += [
            Figure(group, "scores compared", float(rows["n"].sum()), "scores"),
            Figure(group, "defined on one side alone", float(rows["n_other_status"].sum()), "scores", 0),
            Figure(group, "failed", float(rows["n_failed"].sum()), "scores", 0),
            Figure(group, "scores that differ at all", float(rows["n_differing"].sum()), "scores"),
            Figure(
                group,
                "median over proxies and spaces of the largest relative difference",
                float(rows["largest"].median()),
                "ratio",
            ),
            Figure(group, "largest relative difference", float(rows["largest"].max()), "ratio"),
            Figure(group, "smallest tau", float(rows["tau"].min()), "tau"),
        ]
    return figures
