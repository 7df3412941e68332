"""regret.png: regret of the best found against evaluations and CPU seconds; front.png: Pareto fronts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter, SymmetricalLogLocator
from numpy.typing import NDArray

from harness.report.style import BLUE, GREY, LIGHT, ORANGE, fitted, legend_below, text_size
from harness.search.tables import SearchTables, mean_and_interval

_COLOURS = (BLUE, ORANGE, "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")  # Okabe & Ito's
_AXES = {"evaluations": "networks evaluated", "seconds": "CPU seconds of the proxies"}
_PANELS_PER_ROW = 4
_PANEL_INCHES = (2.9, 2.4)
_FRONT_INCHES = (5.4, 3.6)
_N_SECONDS = 200
_FEWEST_FOR_A_BAND = 5  # seeds: an interval of fewer says less than their curves
_LEAST_SECONDS = 1e-6
_FEW_DECADES = 30.0  # where powers of ten would give only one or two ticks


@dataclass(frozen=True)
class _Panel:
    """The curves of one objective on one data set; the first panel of a row shows `label` (y axis) and `title`."""

    title: str
    objective: str
    curves: pd.DataFrame
    quantity: str
    label: str


def regret_figure(tables: SearchTables) -> Figure:
    """The figure; create and save it within `style()`.

    One row per benchmark, data set and horizontal axis, one column per objective, one colour per searcher. Without
    ground truth of all that was found, the highest score is shown instead of regret.
    """
    rows = [(panels, x) for panels in _rows(tables) for x in _AXES]
    n_columns = max(len(panels) for panels, _ in rows)
    width, height = _PANEL_INCHES
    size = fitted(width * max(n_columns, 2) + 0.4, height * len(rows) + 0.5)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(rows), n_columns, squeeze=False)
    colours = dict(zip(dict.fromkeys(tables.curves["search"]), cycle(_COLOURS), strict=False))
    for number, (panels, x) in enumerate(rows):
        for column, panel in enumerate(panels):
            axes: Axes = grid[number, column]
            if column and panel.quantity == "regret":
                axes.sharey(grid[number, 0])
            _draw(axes, panel, x, colours)
            if x == "evaluations":
                axes.set_title(panel.objective, loc="left")
        if panels[0].quantity == "regret":
            grid[number, 0].set_ylim(bottom=0)  # after drawing: a fixed limit no longer adapts
        grid[number, 0].set_ylabel(f"{panels[0].title}\n{panels[0].label}")
        for unused in grid[number, len(panels) :]:
            unused.set_axis_off()
    handles = [Line2D([], [], color=colour, linewidth=1.6, label=name) for name, colour in colours.items()]
    legend_below(figure, handles, 9)
    return figure


def _draw(axes: Axes, panel: _Panel, x: str, colours: Mapping[str, str]) -> None:
    for searcher, of_task in panel.curves.groupby("search", sort=False):
        at, mean, low, high = _over_seeds(of_task, x, panel.quantity)
        if panel.quantity == "regret":
            low = np.maximum(low, 0)
        colour, n_seeds = colours[str(searcher)], of_task["seed"].nunique()
        axes.plot(at, mean, color=colour, linewidth=1.5)
        if n_seeds >= _FEWEST_FOR_A_BAND:
            axes.fill_between(at, low, high, color=colour, alpha=0.15, linewidth=0)
        elif n_seeds > 1:
            for _, of_seed in of_task.groupby("seed"):
                axes.step(of_seed[x], of_seed[panel.quantity], where="post", color=colour, linewidth=0.6, alpha=0.5)
    axes.set(xscale="log", xlabel=_AXES[x])
    axes.xaxis.set_minor_formatter(NullFormatter())
    begin, end = axes.get_xlim()
    if end < _FEW_DECADES * begin:
        axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    if panel.quantity == "regret":
        axes.set_yscale("symlog", linthresh=1.0)
        axes.yaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=1.0, subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))


def _rows(tables: SearchTables) -> Iterator[list[_Panel]]:
    """The panels of each data set, at most `_PANELS_PER_ROW` per row."""
    for (bench, dataset), curves in tables.curves.groupby(["bench", "dataset"], sort=False):
        unit = tables.units.get((str(bench), str(dataset)))
        has_regret = unit is not None and bool(np.isfinite(curves["regret"]).all())
        in_unit = "percentage points" if unit == "%" else unit
        quantity, label = ("regret", f"regret ({in_unit})") if has_regret else ("score", "highest score")
        panels = [
            _Panel(f"{bench} {dataset}", str(objective), of_objective, quantity, label)
            for objective, of_objective in curves.groupby("objective", sort=False)
        ]
        for begin in range(0, len(panels), _PANELS_PER_ROW):
            yield panels[begin : begin + _PANELS_PER_ROW]


def _over_seeds(
    curves: pd.DataFrame, x: str, quantity: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Positions, mean, and ends of the 95 % CI of step functions, from where every seed has a result."""
    seeds = [(of_seed[x].to_numpy(), of_seed[quantity].to_numpy()) for _, of_seed in curves.groupby("seed")]
    begin, end = (max(float(at[place]) for at, _ in seeds) for place in (0, -1))
    begin = max(begin, _LEAST_SECONDS)  # the axis is logarithmic
    grid = (
        np.unique(curves["evaluations"]).astype(float)
        if x == "evaluations"
        else np.geomspace(begin, max(begin, end), _N_SECONDS)
    )
    grid = grid[grid >= begin]
    values = np.array([found[np.searchsorted(at, grid, side="right") - 1] for at, found in seeds])
    finite = np.where(np.isfinite(values), values, np.nan)
    triples = np.array([mean_and_interval(column) for column in finite.T])
    mean, low, high = triples.T
    return grid, mean, np.where(np.isnan(low), mean, low), np.where(np.isnan(high), mean, high)


def front_figure(tables: SearchTables) -> Figure:
    """Each Pareto front, with all candidates in grey, by its first two objectives; costs increase to the right.

    Only a front of two objectives is drawn as a line; with more, a point dominated in this plane may be on the front.
    """
    width, height = _FRONT_INCHES
    figure = Figure(figsize=fitted(width, height * len(tables.fronts)), layout="constrained")
    grid = figure.subplots(len(tables.fronts), 1, squeeze=False)
    for number, front in enumerate(tables.fronts):
        axes: Axes = grid[number, 0]
        y, x = front.objectives[:2]
        sign = -1 if x.startswith("-") else 1
        finite = front.candidates[np.isfinite(front.candidates[[x, y]]).all(axis=1)]
        axes.scatter(sign * finite[x], finite[y], s=8, color=LIGHT, edgecolors=GREY, linewidths=0.3, label="candidates")
        members = front.members.sort_values(x)
        n_objectives = len(front.objectives)
        plotted, label = ("o-", "") if n_objectives == 2 else ("o", f" in {n_objectives} objectives, two shown")
        axes.plot(sign * members[x], members[y], plotted, color=BLUE, ms=4, lw=1.2, label=f"Pareto front{label}")
        axes.set(xlabel=x.removeprefix("-"), ylabel=y)
        axes.set_title(front.title, loc="left")
        axes.legend(frameon=False, fontsize=text_size(8))
    return figure
