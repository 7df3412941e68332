"""The data of the page as JSON: leaderboard, scores on each data set, architectures as graphs, provenance."""

import csv
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from harness import columns
from harness.page.choices import choices
from harness.page.runs import Panel, Run
from harness.paths import conf_folder
from harness.report.verdict import MAIN
from harness.result_tables import proxy_columns
from harness.space import BENCHMARKS
from harness.space.graph import ArchitectureGraph
from harness.tables import read_spec, table_names

MOST_ARCHITECTURES = 50_000
"""Above this number of points, the page shows a uniform sample and says so."""

_DIGITS = 7
_PROVENANCE = ("command", "date", "truth", "inputs", "device", "versions", "git_commit")


def contents(runs: Sequence[Run]) -> dict[str, Any]:
    """The page's data; NaN is null, infinite scores are the texts "inf" and "-inf"."""
    graphs = Graphs()
    panels = [_panel(run, panel, graphs) for run in runs for panel in run.panels]
    return {
        "leaderboard": [row for run in runs for panel in run.panels for row in _leaderboard(run, panel)],
        "places": panels,
        "published": published({(panel.bench, panel.data_set) for run in runs for panel in run.panels}),
        "graphs": graphs.tables,
        "runs": [
            {"name": run.name, "told": {key: run.provenance[key] for key in _PROVENANCE if key in run.provenance}}
            for run in runs
        ],
    }


def graph_of(bench: str, arch: str) -> ArchitectureGraph:
    """The graph of an architecture; of a network of the user's own, whose file may be elsewhere, its name alone."""
    if bench in BENCHMARKS:
        space = BENCHMARKS.get(bench)
        return space.graph(space.check(arch))
    return ArchitectureGraph.chain(["input", arch, "output"], f"A network of {bench}.")


class Graphs:
    """Graphs of architectures in compact form: vertex lists and edges that several share are stored once."""

    def __init__(self) -> None:
        self._vertices: dict[tuple[str, ...], int] = {}
        self._edges: dict[tuple[int, int, str, bool], int] = {}
        self._captions: dict[str, int] = {}

    def add(self, graph: ArchitectureGraph) -> list[int]:
        """The graph as [caption, vertices, edge, edge, ...], each an index into `tables`."""
        edges = [
            self._edges.setdefault((edge.source, edge.target, edge.label, edge.live), len(self._edges))
            for edge in graph.edges
        ]
        caption = self._captions.setdefault(graph.caption, len(self._captions))
        return [caption, self._vertices.setdefault(graph.vertices, len(self._vertices)), *edges]

    @property
    def tables(self) -> Mapping[str, Sequence[Any]]:
        """The tables that the indices refer to."""
        return {"captions": list(self._captions), "vertices": list(self._vertices), "edges": list(self._edges)}


def _panel(run: Run, panel: Panel, graphs: Graphs) -> dict[str, Any]:
    scores = panel.scores
    n_archs = len(scores)
    if n_archs > MOST_ARCHITECTURES:
        scores = scores.sample(MOST_ARCHITECTURES, random_state=0).sort_index()
    archs = [str(arch) for arch in scores[columns.ARCH]]
    return {
        "id": _identity(run, panel),
        "bench": panel.bench,
        "dataset": panel.data_set,
        "truth": str(panel.agreement[columns.TRUTH].iloc[0]),
        "n": n_archs,
        "archs": archs,
        "indices": scores[columns.INDEX].tolist(),
        "accuracies": _numbers(scores[columns.TRUTH]),
        "scores": {name: _numbers(scores[name]) for name in proxy_columns(scores)},
        "graphs": [graphs.add(graph_of(panel.bench, arch)) for arch in archs],
        "choices": choices(panel, scores),
    }


def _leaderboard(run: Run, panel: Panel) -> list[dict[str, Any]]:
    """One row per proxy and seed; `column` names its scores, `beats` and `delta` compare it with #Params."""
    known = set(proxy_columns(panel.scores))
    beside = panel.verdicts[panel.verdicts[columns.BASELINE] == MAIN]
    # One verdict is on the mean of a proxy's seeds, and stands in the row of each.
    compared = {
        tuple(seed if name == columns.SEED else row[name] for name in columns.SUBJECT): row
        for row in beside.to_dict("records")
        for seed in str(row[columns.SEED]).split("+")
    }
    found = []
    for row in panel.agreement.to_dict("records"):
        verdict = compared.get(tuple(row[name] for name in columns.SUBJECT), {})
        of_seed = f"{row[columns.PROXY]}#{row[columns.SEED]}"
        found.append(
            {name: _plain(row[name]) for name in columns.SUBJECT + columns.MEASURED}
            | {name: _plain(verdict.get(name)) for name in (columns.DELTA, columns.BEATS)}
            | {
                "run": run.name,
                "place": _identity(run, panel),
                "column": of_seed if of_seed in known else row[columns.PROXY],
            }
        )
    return found


def published(panels: set[tuple[str, str]]) -> list[dict[str, str]]:
    """The rows of conf/published/correlations.csv on the given data sets; `proxy` is our name, as in the tables."""
    ours = {(spec.source, spec.table): spec.proxies for spec in map(read_spec, table_names())}
    with (conf_folder() / "published" / "correlations.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row["space"], row["dataset"]) in panels]
    names = [(row["proxy"], ours.get((row["source"], row["table"]), {})) for row in rows]
    return [row | {"proxy": own.get(name, name)} for row, (name, own) in zip(rows, names, strict=True)]


def _identity(run: Run, panel: Panel) -> str:
    return f"{run.name}/{panel.bench}/{panel.data_set}"


def _numbers(values: "pd.Series[Any]") -> list[float | str | None]:
    return [_plain(value) for value in values.to_numpy(dtype=np.float64).tolist()]


def _plain(value: Any) -> Any:
    """A JSON value: floats with seven digits, NaN as null, infinity as text."""
    if not isinstance(value, float):
        return value
    if math.isnan(value):
        return None
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else str(value)
