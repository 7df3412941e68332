"""heatmap.png: tau of each proxy on each benchmark and data set; also correlation matrices between proxies."""

import math
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from numpy.typing import NDArray

from harness import columns
from harness.report.baselines import baselines_among
from harness.report.evaluation import EvaluationTables
from harness.report.style import DIVERGING, GREY, SEQUENTIAL, fitted, text_size
from harness.report.tables import correlation_text


def heat_map(tables: EvaluationTables) -> Figure | None:
    """Tau by proxy (best mean first) and data set, averaged over seeds and options; None for a single data set."""
    rows = tables.agreement.assign(place=tables.agreement[columns.BENCH] + "\n" + tables.agreement[columns.DATASET])
    if rows["place"].nunique() < 2:
        return None
    wide = rows.pivot_table(index=columns.PROXY, columns="place", values=columns.TAU, sort=False)
    wide = wide.reindex(columns=list(dict.fromkeys(rows["place"])))
    wide = wide.loc[wide.mean(axis=1).sort_values(ascending=False, kind="stable").index]
    baselines = baselines_among(rows)
    labels = [f"{name}*" if name in baselines else str(name) for name in wide.index]
    return matrix(wide.to_numpy(dtype=np.float64), labels, list(wide.columns), title="tau (* baseline)")


def matrix(
    values: NDArray[np.float64], rows: Sequence[str], names: Sequence[str], *, title: str, lines: Sequence[int] = ()
) -> Figure:
    """An annotated heat map of correlations (n_rows, n_columns); undefined cells are blank.

    Args:
        values: in [-1, 1].
        rows: labels of the rows.
        names: labels of the columns.
        title: what the numbers are.
        lines: rows below which a line separates two groups.
    """
    cell = 0.46 if max(values.shape) <= 20 else 0.34
    width, height = 1.9 + cell * 1.25 * values.shape[1], 1.9 + cell * 0.72 * values.shape[0]
    figure = Figure(figsize=fitted(max(width, 3.4), max(height, 2.6)), layout="constrained")
    axes = figure.subplots()
    least, most, colours = _colours(values)
    image = axes.imshow(np.ma.masked_invalid(values), cmap=colours, vmin=least, vmax=most, aspect="auto")
    axes.set_xticks(range(len(names)), names, rotation=45 if max(map(len, names)) > 6 else 0, ha="right")
    axes.set_yticks(range(len(rows)), rows)
    axes.grid(visible=False)
    # The title of a narrow map is wrapped: about 11 characters per inch.
    axes.set_title(textwrap.fill(title, int(11 * (figure.get_figwidth() - 1))), loc="left")
    for line in lines:
        axes.axhline(line + 0.5, color="black", linewidth=0.8)
        if len(rows) == len(names):
            axes.axvline(line + 0.5, color="black", linewidth=0.8)
    _numbers(axes, values, image, font=6.5 if cell > 0.4 else 5.0)
    bar = figure.colorbar(image, ax=axes, shrink=0.7, pad=0.02)
    bar.outline.set_edgecolor(GREY)
    return figure


def _colours(values: NDArray[np.float64]) -> tuple[float, float, str]:
    """Ends and name of a map of colours that the values use: from 0 where none is negative, otherwise about 0."""
    finite = values[np.isfinite(values)]
    most = min(1.0, max(0.1, math.ceil(10 * float(np.abs(finite).max(initial=0)) - 1e-9) / 10))
    if finite.size and finite.min() >= 0:
        return 0.0, most, SEQUENTIAL
    return -most, most, DIVERGING


def _numbers(axes: Axes, values: NDArray[np.float64], colours: ScalarMappable, *, font: float) -> None:
    for (row, column), value in np.ndenumerate(values):
        if np.isnan(value):
            continue
        red, green, blue, _ = colours.to_rgba(np.array([value]))[0]
        # White text on dark cells, by Rec. 601 luma.
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        text = correlation_text(round(float(value), 2)).removesuffix("0")
        axes.text(
            column, row, text, ha="center", va="center", fontsize=text_size(font), color="white" if dark else "black"
        )  # fmt: skip
