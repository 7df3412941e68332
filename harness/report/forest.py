"""forest.png: tau of the best `MOST_ROWS` proxies minus that of the baselines, with 95 % CIs, coloured by the verdict.

Where networks have several names: a disc over cells, and a diamond below it over networks.
"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness import columns
from harness.columns import NO_SEED
from harness.report.baselines import baseline_rows
from harness.report.evaluation import EvaluationTables
from harness.report.style import BLUE, GREEN, GREY, ORANGE, fitted, legend_below, text_size
from harness.report.tables import has_networks, number, proxy_label, records
from harness.report.verdict import LIVE, MAIN, NAMES

MOST_ROWS = 40
ROW_INCHES = 0.27
_VOTES = {
    "cells": (columns.DELTA, columns.DELTA_LOW, columns.DELTA_HIGH, columns.BEATS),
    "networks": (
        columns.DELTA_NETWORKS, columns.DELTA_NETWORKS_LOW, columns.DELTA_NETWORKS_HIGH, columns.BEATS_NETWORKS
    ),
}  # fmt: skip
_MARKERS = {"cells": ("o", 0.0), "networks": ("D", -0.3)}
_COLOURS = {"yes": BLUE, "no": ORANGE, "no difference": GREEN, "undecided": GREY}


def forest(tables: EvaluationTables) -> Figure | None:
    """The figure, one panel per benchmark, data set and baseline; None if nothing was compared."""
    rows = tables.verdicts[tables.verdicts[columns.DELTA].notna()]
    rows = rows[~baseline_rows(rows)]
    baselines = [name for name in (MAIN, LIVE) if (rows[columns.BASELINE] == name).any()]
    places = list(dict.fromkeys(zip(rows[columns.BENCH], rows[columns.DATASET], strict=True)))
    if not baselines or not places:
        return None
    several = len(set(rows[columns.SEED]) - {NO_SEED}) > 1
    panels = []
    for bench, dataset in places:
        own = rows[(rows[columns.BENCH] == bench) & (rows[columns.DATASET] == dataset)]
        order = own[own[columns.BASELINE] == baselines[0]].sort_values(columns.DELTA, kind="stable")
        labels = [proxy_label(row, with_seed=several) for row in records(order)][-MOST_ROWS:]
        panels.append((f"{bench} / {dataset}", own, labels))
    votes = list(_VOTES) if any(map(has_networks, records(rows))) else ["cells"]
    heights = [max(len(labels) * (1 + 0.4 * (len(votes) - 1)), 2) for _, _, labels in panels]
    size = fitted(2.2 + 3.1 * len(baselines), 1.2 + ROW_INCHES * sum(heights) + 0.75 * len(panels))
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(len(panels), len(baselines), squeeze=False, sharex="all", height_ratios=heights)
    for line, (title, own, labels) in zip(grid, panels, strict=True):
        for axes, baseline in zip(line, baselines, strict=True):
            for vote in votes:
                _draw(axes, own[own[columns.BASELINE] == baseline], labels, vote, several=several)
            axes.set_title(f"{title}\nminus {NAMES[baseline]}", loc="left", fontsize=text_size(8.5))
            if axes is not line[0]:
                axes.tick_params(labelleft=False)
    for axes in grid[-1]:
        axes.set_xlabel("difference in tau")
    given = {str(row[_VOTES[vote][3]]) for vote in votes for row in records(rows)}
    handles = [
        Line2D([], [], color=colour, marker="o", linewidth=1.6, label=f"beats the baseline: {verdict}")
        for verdict, colour in _COLOURS.items()
        if verdict in given
    ]
    if len(votes) > 1:
        handles += [
            Line2D([], [], color="black", marker=_MARKERS[vote][0], linestyle="", label=f"one vote for each {one}")
            for vote, one in (("cells", "cell"), ("networks", "network"))
        ]
    legend_below(figure, handles, 8)
    return figure


def _draw(axes: Axes, rows: pd.DataFrame, labels: list[str], vote: str, *, several: bool) -> None:
    """The differences of one weighting; networks a little below the cells of the same proxy."""
    places = {label: height for height, label in enumerate(labels)}
    delta, low, high, beats = _VOTES[vote]
    marker, lower = _MARKERS[vote]
    axes.axvline(0, color="black", linewidth=0.9)
    for row in records(rows):
        label = proxy_label(row, with_seed=several)
        if label not in places:
            continue
        colour, height = _COLOURS[str(row[beats])], places[label] + lower
        ends = [number(row[low]), number(row[high])]
        axes.plot(ends, [height] * 2, color=colour, linewidth=1.6, solid_capstyle="butt")
        axes.plot(number(row[delta]), height, marker, color=colour, markersize=4.5 if marker == "o" else 3.2)
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(-0.7, len(labels) - 0.3)
    axes.grid(axis="y", visible=False)
