"""The figure of a regenerated table: our values against the published ones, one panel per benchmark and data set."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from harness.report.names import name_points
from harness.report.style import BLUE, GREY, ORANGE, grid_of, legend_below, text_size
from harness.tables.cell import Cell
from harness.tables.spec import TableSpec

FEWEST = 15
PANELS_PER_ROW = 3
PANEL_INCHES = (4.2, 4.2)
_COLOURS = {"yes": BLUE, "no": ORANGE}
_MARKERS = {"tau": "o", "rho": "s", "ndcg": "^", "accuracy": "D"}


def compared_cells(cells: Sequence[Cell]) -> list[Cell]:
    """Those with both values."""
    return [cell for cell in cells if cell.published and not math.isnan(cell.ours)]


def picture(spec: TableSpec, cells: Sequence[Cell]) -> Figure | None:
    """Ours with its interval against the published value; the dotted line is equality.

    None if fewer than `FEWEST` values are compared, of which a picture shows no more than the table.
    """
    compared = compared_cells(cells)
    places = list(dict.fromkeys((cell.bench, cell.dataset) for cell in compared))
    if len(compared) < FEWEST:
        return None
    n_rows, n_columns, (width, height) = grid_of(len(places), PANEL_INCHES, PANELS_PER_ROW, 4.4)
    figure = Figure(figsize=(width, height + text_size(29) / 72), layout="constrained")
    grid = list(figure.subplots(n_rows, n_columns, squeeze=False).flat)
    for axes, place in zip(grid, places, strict=False):
        _draw(axes, [cell for cell in compared if (cell.bench, cell.dataset) == place], height / n_rows)
        axes.set_title(" / ".join(place), loc="left", fontsize=text_size(9))
    for unused in grid[len(places) :]:
        unused.set_axis_off()
    figure.suptitle(spec.title, fontsize=text_size(10), wrap=True)
    used = dict.fromkeys(cell.coefficient for cell in compared)
    handles = [Line2D([], [], color=GREY, marker=_MARKERS[name], linestyle="", label=name) for name in used]
    inside = {"yes": "published value within our interval", "no": "published value outside"}
    handles += [Line2D([], [], color=_COLOURS[name], linewidth=1.6, label=text) for name, text in inside.items()]
    legend_below(figure, handles, 8)
    return figure


def _draw(axes: Axes, cells: Sequence[Cell], height: float) -> None:
    ends = [
        value
        for cell in cells
        for value in (cell.low, cell.high, cell.ours, float(cell.published))
        if not math.isnan(value)
    ]
    low, high = min(ends), max(ends)
    axes.plot([low, high], [low, high], color=GREY, linewidth=0.8, linestyle=":")
    for cell in cells:
        colour = _COLOURS.get(cell.inside, GREY)
        x = float(cell.published)
        if not math.isnan(cell.low):
            axes.plot([x, x], [cell.low, cell.high], color=colour, linewidth=1.2)
        axes.plot(x, cell.ours, _MARKERS[cell.coefficient], color=colour, markersize=4)
    axes.set(xlabel="published", ylabel="ours")
    axes.margins(x=0.18)
    axes.autoscale_view()
    places = [(cell.published_proxy, float(cell.published), cell.ours) for cell in cells]
    name_points(axes, places, height=height - 0.7)
