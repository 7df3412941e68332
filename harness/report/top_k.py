"""topk.png: top-k selection: expected regret of the best of a proxy's top k architectures, against k."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from harness import columns
from harness.agreement import best_of_top
from harness.report.baselines import baselines_among
from harness.report.evaluation import EvaluationTables
from harness.report.style import GREY, LINES, MARKERS

PANELS_PER_ROW = 3
MOST_PANELS = 12
MOST_LINES = 7
N_POINTS = 25


def top_k(tables: EvaluationTables) -> Figure | None:
    """The figure, one panel per benchmark and data set: the best proxies by tau and the best baseline."""
    places = [
        (bench, dataset, rows) for bench, dataset, rows in tables.by_dataset() if (bench, dataset) in tables.scores
    ]
    places = [place for place in places if place[2][columns.TAU].notna().any()][:MOST_PANELS]
    if not places:
        return None
    n_columns = min(len(places), PANELS_PER_ROW)
    n_rows = math.ceil(len(places) / n_columns)
    figure = Figure(figsize=(max(4.6, 4.0 * n_columns), 3.4 * n_rows), layout="constrained")
    grid = list(figure.subplots(n_rows, n_columns, squeeze=False).flat)
    for axes, (bench, dataset, rows) in zip(grid, places, strict=False):
        _draw(axes, tables.scores[bench, dataset], rows, lower_is_better=(bench, dataset) in _lower(tables))
        axes.set_title(f"{bench} / {dataset}", loc="left")
    for unused in grid[len(places) :]:
        unused.set_axis_off()
    return figure


def _draw(axes: Axes, scores: pd.DataFrame, rows: pd.DataFrame, *, lower_is_better: bool) -> None:
    truth = scores[columns.TRUTH].to_numpy(dtype=np.float64) * (-1 if lower_is_better else 1)
    defined = rows[rows[columns.TAU].notna()]
    proxies = [name for name in dict.fromkeys(defined[columns.PROXY]) if name in scores.columns]
    baselines = baselines_among(rows)
    drawn = [name for name in proxies if name not in baselines][:MOST_LINES]
    drawn += [name for name in proxies if name in baselines][:1]
    known = truth[~np.isnan(truth)]
    steps = np.unique(np.geomspace(1, known.size, N_POINTS).round().astype(int))
    by_chance = [known.max() - best_of_top(np.zeros(known.size), known, int(k)) for k in steps]
    axes.plot(steps, by_chance, color=GREY, linestyle=":", linewidth=1.2, label="random selection")
    for place, name in enumerate(drawn):
        values = scores[name].to_numpy(dtype=np.float64)
        used = ~(np.isnan(values) | np.isnan(truth))
        reach = steps[steps <= used.sum()]
        regret = [known.max() - best_of_top(values[used], truth[used], int(k)) for k in reach]
        axes.plot(
            reach, regret, color=LINES[place % len(LINES)], marker=MARKERS[place % len(MARKERS)], markersize=3,
            linewidth=1.2, linestyle="--" if name in baselines else "-",
            label=f"{name}*" if name in baselines else name,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set(xlabel="k, number of architectures trained", ylabel=f"regret of top k ({rows[columns.TRUTH].iloc[0]})")
    axes.set_ylim(bottom=0)
    axes.legend(fontsize=6.5, frameon=False)


def _lower(tables: EvaluationTables) -> set[tuple[str, str]]:
    """Benchmarks and data sets whose truth is better when lower, according to the provenance."""
    described = tables.provenance.get(columns.TRUTH)
    found = set()
    for bench, dataset in tables.scores:
        column = described.get(f"{bench}/{dataset}") if isinstance(described, dict) else None
        if isinstance(column, dict) and not column.get("higher_is_better", True):
            found.add((bench, dataset))
    return found
