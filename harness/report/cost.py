"""cost.png: tau against CPU seconds per network, with the Pareto front (no cheaper proxy has a higher tau)."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness import columns
from harness.report.baselines import baselines_among
from harness.report.evaluation import EvaluationTables
from harness.report.names import name_points
from harness.report.style import BLUE, GREY, LINES, ORANGE, grid_of, legend_below, text_size
from harness.report.tables import number, records

PANELS_PER_ROW = 3
MOST_PANELS = 12
PANEL_WIDTH = 4.1  # inches
# Counts take less time than can be measured; they are drawn at this many seconds.
LEAST_SECONDS = 1e-6


def cost(tables: EvaluationTables) -> Figure | None:
    """The figure, one panel per benchmark and data set; None if no times were measured."""
    timed = tables.agreement[tables.agreement[columns.SECONDS].notna() & tables.agreement[columns.TAU].notna()]
    places = list(dict.fromkeys(zip(timed[columns.BENCH], timed[columns.DATASET], strict=True)))[:MOST_PANELS]
    if not places:
        return None
    n_rows, n_columns, (width, _) = grid_of(len(places), (PANEL_WIDTH, 1), PANELS_PER_ROW, 4.6)
    # inches of a panel: a line for every name
    height = text_size(14.4 * max(17.5, timed[columns.PROXY].nunique())) / 72
    figure = Figure(figsize=(width, height * n_rows), layout="constrained")
    grid = list(figure.subplots(n_rows, n_columns, squeeze=False).flat)
    handles = {"": Line2D([], [], color=ORANGE, linewidth=1.3, label="Pareto front")}
    for axes, (bench, dataset) in zip(grid, places, strict=False):
        own = timed[(timed[columns.BENCH] == bench) & (timed[columns.DATASET] == dataset)]
        of_place = (tables.reference[columns.BENCH] == bench) & (tables.reference[columns.DATASET] == dataset)
        _draw(axes, own, height)
        _draw_shorter(axes, tables.reference[of_place], handles)
        axes.set_title(f"{bench} / {dataset}", loc="left")
    for unused in grid[len(places) :]:
        unused.set_axis_off()
    legend_below(figure, list(handles.values()), 7)
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, height: float) -> None:
    means = rows.groupby(columns.PROXY, sort=False)[
        [columns.SECONDS, columns.TAU, columns.TAU_LOW, columns.TAU_HIGH]
    ].mean()
    means[columns.SECONDS] = means[columns.SECONDS].clip(lower=LEAST_SECONDS)
    means = means.sort_values(columns.SECONDS, kind="stable")
    best = means[columns.TAU].cummax()
    front = means[(means[columns.TAU] == best) & (best > best.shift(fill_value=-math.inf))]
    baselines = baselines_among(rows)
    for name, row in means.iterrows():
        colour = GREY if name in baselines else BLUE
        bars = np.array([[row[columns.TAU] - row[columns.TAU_LOW]], [row[columns.TAU_HIGH] - row[columns.TAU]]])
        axes.errorbar(
            row[columns.SECONDS], row[columns.TAU], yerr=None if np.isnan(bars).any() else np.maximum(bars, 0),
            fmt="s" if name in baselines else "o", color=colour, markersize=4, elinewidth=0.7, alpha=0.9,
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set(xlabel="CPU seconds per network", ylabel="tau")
    low, high = axes.get_xlim()
    axes.set_xlim(low, high * 8)
    if len(front):
        seconds, taus = [*front[columns.SECONDS], high * 8], [*front[columns.TAU], front[columns.TAU].iloc[-1]]
        axes.step(seconds, taus, where="post", color=ORANGE, linewidth=1.3, zorder=1)
    seconds_and_taus = zip(means.index, means[columns.SECONDS], means[columns.TAU], strict=True)
    name_points(axes, [(str(name), float(x), float(y)) for name, x, y in seconds_and_taus], height=height)


def _draw_shorter(axes: Axes, reference: pd.DataFrame, handles: dict[str, Line2D]) -> None:
    """The tau of shorter trainings as lines; `handles` gets their names for the legend."""
    for shorter in records(reference):
        text = f"{shorter[columns.REFERENCE_COLUMN]}: {shorter[columns.EPOCHS]} epochs of training"
        colour = LINES[(2 + len(handles)) % len(LINES)]
        line = handles.setdefault(text, Line2D([], [], color=colour, linestyle="--", linewidth=1, label=text))
        axes.axhline(number(shorter[columns.TAU]), color=line.get_color(), linestyle="--", linewidth=1)
