"""topk.png: top-k selection: expected regret of the best of a proxy's top k architectures, against k."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness import columns
from harness.agreement import best_of_top
from harness.report.baselines import baselines_among
from harness.report.evaluation import EvaluationTables
from harness.report.style import GREY, LINES, MARKERS, grid_of, legend_below, text_size
from harness.report.truth_label import is_lower_better, regret_label

PANELS_PER_ROW = 3
PANEL_INCHES = (4.0, 3.0)
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
    n_rows, n_columns, (width, height) = grid_of(len(places), PANEL_INCHES, PANELS_PER_ROW)
    figure = Figure(figsize=(width, height + text_size(70) / 72), layout="constrained")  # and the legend
    grid = list(figure.subplots(n_rows, n_columns, squeeze=False).flat)
    lines: dict[str, Line2D] = {}
    for axes, (bench, dataset, rows) in zip(grid, places, strict=False):
        _draw(axes, tables, (bench, dataset), rows, lines)
        axes.set_title(f"{bench} / {dataset}", loc="left")
    for unused in grid[len(places) :]:
        unused.set_axis_off()
    legend_below(figure, list(lines.values()), 7)
    return figure


def _draw(
    axes: Axes, tables: EvaluationTables, place: tuple[str, str], rows: pd.DataFrame, lines: dict[str, Line2D]
) -> None:
    """One panel; `lines` holds the line of each name, of one look in all panels, and gets those of new names."""
    scores = tables.scores[place]
    truth = scores[columns.TRUTH].to_numpy(dtype=np.float64) * (-1 if is_lower_better(tables, *place) else 1)
    defined = rows[rows[columns.TAU].notna()]
    proxies = [name for name in dict.fromkeys(defined[columns.PROXY]) if name in scores.columns]
    baselines = baselines_among(rows)
    drawn = [name for name in proxies if name not in baselines][:MOST_LINES]
    drawn += [name for name in proxies if name in baselines][:1]
    known = truth[~np.isnan(truth)]
    steps = np.unique(np.geomspace(1, known.size, N_POINTS).round().astype(int))
    by_chance = [known.max() - best_of_top(np.zeros(known.size), known, int(k)) for k in steps]
    for name in drawn:
        values = scores[name].to_numpy(dtype=np.float64)
        used = ~(np.isnan(values) | np.isnan(truth))
        reach = steps[steps <= used.sum()]
        regret = [known.max() - best_of_top(values[used], truth[used], int(k)) for k in reach]
        line = lines.setdefault(name, _line_of(name, len(lines), is_baseline=name in baselines))
        axes.plot(
            reach, regret, color=line.get_color(), marker=line.get_marker(), markersize=3, linewidth=1.2,
            linestyle=line.get_linestyle(), label=line.get_label(),
        )  # fmt: skip
    chance = lines.pop("", None) or Line2D([], [], color=GREY, linestyle=":", label="random selection")
    axes.plot(steps, by_chance, color=GREY, linestyle=":", linewidth=1.2)
    lines[""] = chance  # last in the legend
    axes.set_xscale("log")
    axes.set(xlabel="k, number of architectures trained", ylabel=f"{regret_label(tables, *place)} of top k")
    axes.set_ylim(bottom=0)


def _line_of(name: str, place: int, *, is_baseline: bool) -> Line2D:
    """The entry in the legend of the line at a place: colours repeat after eight, with another marker."""
    turns = place // len(LINES)
    return Line2D(
        [], [], color=LINES[place % len(LINES)], marker=MARKERS[(place + turns) % len(MARKERS)], markersize=3,
        linewidth=1.2, linestyle="--" if is_baseline else "-", label=f"{name}*" if is_baseline else name,
    )  # fmt: skip
