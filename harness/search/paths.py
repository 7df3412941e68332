"""Paths of removed edges: the steps of `edge_shrinking` as a table and as a picture."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from harness.report.style import BLUE, GREY, LIGHT, ORANGE
from harness.search.outcome import SearchOutcome
from harness.search.run import SearchRun

_SUBJECT = ("bench", "dataset", "search", "objective")
_PANEL_INCHES = (3.1, 2.5)
_QUANTITIES = {"score": "score", "value": "score less cost", "accuracy": "ground truth"}


def path_table(outcome: SearchOutcome) -> pd.DataFrame:
    """One row per seed, path and step, from the start of each path down; empty if the searcher removes no edges.

    `edges` are those left, `removed` is the edge that went, by the vertices of the row before; `score` is the proxy's,
    `value` what was maximised, evaluated at the end of the search; `cost` is the count that it subtracts, FLOPs if
    none; `best` marks the highest value of a path, of ties the first; `accuracy` is the ground truth.
    """
    tables = [_of_run(outcome, search_run) for search_run in outcome.search_runs if search_run.removed]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _of_run(outcome: SearchOutcome, search_run: SearchRun) -> pd.DataFrame:
    term = outcome.task.objective.cost_term
    cost = outcome.counts[-1] if term is None else term.cost
    steps = search_run.removed
    archs = [step.candidate.arch for step in steps]
    places = [step.candidate.place for step in steps]
    values = {"score": search_run.scores(), "value": search_run.values()[:, 0]}
    table = pd.DataFrame(
        {
            **outcome.subject,
            "seed": search_run.seed,
            "path": [step.path for step in steps],
            "edges": [step.n_edges for step in steps],
            "removed": [step.edge for step in steps],
            **{name: [_at(found, place) for place in places] for name, found in values.items()},
            "cost_name": cost.name,
            "cost": cost.of(archs),
            "arch": archs,
        }
    )
    if outcome.truth is not None:
        table["accuracy"] = [outcome.truth.of(arch) for arch in archs]
    defined = table.dropna(subset=["value"])
    table["best"] = table.index.isin(defined.groupby("path")["value"].idxmax())
    return table


def _at(values: NDArray[np.float64], place: int | None) -> float:
    return float("nan") if place is None else float(values[place])


def path_lines(paths: pd.DataFrame) -> Iterator[str]:
    """The section of the report."""
    yield "![Score and ground truth along the paths](path.png)"
    yield ""
    yield (
        "Edges are removed from left to right, of the tried ones the one whose removal scores highest; the coloured "
        "path reached the highest value. All paths are in path.csv. A path keeps the operations of its start, so that "
        "nothing with another operation can be found on it."
    )
    for subject, rows in paths.groupby(list(_SUBJECT), sort=False):
        best = rows[rows["best"]]
        n_paths = len(rows[["seed", "path"]].drop_duplicates())
        at_start = int((best["removed"] == "").sum())
        yield ""
        yield (
            f"{', '.join(map(str, subject))}: {n_paths} paths, with {best['edges'].mean():.2f} edges left at the "
            f"best value on average; on {at_start} the start itself is best."
        )


def path_figure(paths: pd.DataFrame) -> Figure:
    """The figure; create and save it within `style()`.

    One row per search task, a panel each for score, value and ground truth, as far as they differ and are known;
    edges fall from left to right. The path with the highest value is drawn in colour, with the edges that went.
    """
    tasks = [rows for _, rows in paths.groupby(["bench", "dataset", "objective"], sort=False)]
    shown = [name for name in _QUANTITIES if any(name in rows and rows[name].notna().any() for rows in tasks)]
    if all((rows["score"].fillna(0) == rows["value"].fillna(0)).all() for rows in tasks):
        shown.remove("value")
    width, height = _PANEL_INCHES
    figure = Figure(figsize=(width * len(shown) + 0.3, height * len(tasks) + 0.2), layout="constrained")
    grid = figure.subplots(len(tasks), len(shown), squeeze=False)
    for line, rows in zip(grid, tasks, strict=True):
        for axes, name in zip(line, shown, strict=True):
            _draw(axes, rows, name, shown)
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, name: str, shown: Sequence[str]) -> None:
    finite = rows[np.isfinite(rows["value"])]
    best = finite.loc[finite["value"].idxmax()] if len(finite) else rows.iloc[0]
    for key, path in rows.groupby(["seed", "path"], sort=False):
        if key != (best["seed"], best["path"]):
            axes.plot(path["edges"], path[name], color=GREY, alpha=0.35, linewidth=0.8)
    own = rows[(rows["seed"] == best["seed"]) & (rows["path"] == best["path"])]
    axes.plot(own["edges"], own[name], color=BLUE, marker="o", markersize=4, linewidth=1.6)
    chosen = own[own["best"]]
    axes.plot(chosen["edges"], chosen[name], color=ORANGE, marker="o", markersize=7, linestyle="", zorder=3)
    if name == shown[0]:
        for _, step in own[own["removed"] != ""].iterrows():
            if np.isfinite(step[name]):
                text = f"less {step['removed']}"
                axes.annotate(
                    text, (step["edges"], step[name]), xytext=(0, 6), textcoords="offset points", fontsize=6.5
                )
        axes.set_title(f"{best['bench']} {best['dataset']}, {best['objective']}", loc="left")
    axes.set(xlabel="edges left", ylabel=_QUANTITIES[name])
    axes.invert_xaxis()
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color=LIGHT)
