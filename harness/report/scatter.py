"""scatter.png: ground truth against score, one panel per benchmark, data set and proxy, with tau and rho."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from scipy import stats

from harness import columns
from harness.report.evaluation import EvaluationTables
from harness.report.style import BLUE, DENSITY, GREY, ORANGE, grid_of, text_size
from harness.report.tables import amount_text, correlation_text, number, records, with_interval
from harness.report.truth_label import truth_label

MOST_PANELS = 60
PANELS_PER_ROW = 4
PANEL_INCHES = (3.3, 2.9)
# Above this many, points hide one another and a density plot is clearer.
MOST_POINTS = 3_000
# A range of scores this many times that of its middle 80 % squeezes nearly all points into a line.
WILD_RANGE = 25.0
# Truth further below the middle 80 % than this many times their range is drawn on the margin: on NATS-TSS, networks
# that failed to train are at 10 % and would compress all others into a strip.
FAR_BELOW = 1.5
N_BINS = 12
TOP_RANK = 0.9


@dataclass(frozen=True)
class Panel:
    """Scores of a proxy and truth of the same architectures, both (n_rows,), with the panel's title and axis label."""

    title: str
    subtitle: str
    truth_label: str
    scores: NDArray[np.float64]
    truth: NDArray[np.float64]


def scatter(tables: EvaluationTables) -> Figure:
    """The figure; create and save it within `style()`. At most `MOST_PANELS` panels, the best of each data set."""
    panels, n_all = _panels(tables)
    least = 1.4 * PANEL_INCHES[0]
    n_rows, n_columns, size = grid_of(max(1, len(panels)), PANEL_INCHES, PANELS_PER_ROW, least)
    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(n_rows, n_columns, squeeze=False)
    axes: list[Axes] = list(grid.flat)
    for position, panel in enumerate(panels):
        _draw(axes[position], panel)
    for unused in axes[len(panels) :]:
        unused.set_axis_off()
    note = f"; {len(panels)} of {n_all} panels: the best of each data set" if n_all > len(panels) else ""
    figure.supxlabel(
        f"line: median; dotted: top decile by score and by ground truth{note}", fontsize=text_size(8), color=GREY
    )
    return figure


def _panels(tables: EvaluationTables) -> tuple[list[Panel], int]:
    """The panels that are drawn, and the number without the limit."""
    places = [
        (bench, dataset, rows, list(dict.fromkeys(rows[columns.PROXY])))
        for bench, dataset, rows in tables.by_dataset()
        if (bench, dataset) in tables.scores
    ]
    several = len(places) > 1
    per_place = max(1, MOST_PANELS // max(1, len(places)))
    panels, n_all = [], 0
    for bench, dataset, rows, proxies in places:
        table = tables.scores[bench, dataset]
        drawn = [proxy for proxy in proxies if proxy in table.columns]
        n_all += len(drawn)
        for proxy in drawn[:per_place]:
            of_proxy = rows[rows[columns.PROXY] == proxy]
            panels.append(
                Panel(
                    title=str(proxy),
                    subtitle=f"{bench} {dataset}\n" * several + _correlations(of_proxy),
                    truth_label=truth_label(tables, bench, dataset),
                    scores=table[proxy].to_numpy(dtype=np.float64),
                    truth=table[columns.TRUTH].to_numpy(dtype=np.float64),
                )
            )
    return panels[:MOST_PANELS], n_all


def _correlations(rows: pd.DataFrame) -> str:
    """Tau and rho with their intervals; for several rows of one proxy (seeds, options) the means, marked as such."""
    if len(rows) > 1:
        tau, rho = (correlation_text(number(float(rows[name].mean()))) for name in (columns.TAU, columns.RHO))
        return f"tau {tau}, rho {rho}, means of {len(rows)} rows"
    row = records(rows)[0]
    tau = with_interval(row, (columns.TAU, columns.TAU_LOW, columns.TAU_HIGH))
    return f"tau {tau}\nrho {with_interval(row, (columns.RHO, columns.RHO_LOW, columns.RHO_HIGH))}"


def _draw(axes: Axes, panel: Panel) -> None:
    n_lines = panel.subtitle.count("\n") + 1
    axes.set_title(panel.title, loc="left", fontweight="bold", pad=6 + 1.25 * text_size(8) * n_lines)
    axes.text(0, 1.03, panel.subtitle, transform=axes.transAxes, fontsize=text_size(8), color=GREY, va="bottom")
    axes.set_ylabel(panel.truth_label)
    both = ~(np.isnan(panel.scores) | np.isnan(panel.truth))
    finite = both & np.isfinite(panel.scores)
    x, label, log = _axis(panel.scores[finite])
    y = panel.truth[finite]
    # One vertical range for all panels of a data set, including rows without a finite score.
    known = panel.truth[~np.isnan(panel.truth)]
    floor = _floor(known) if known.size else 0.0
    drawn = y >= floor
    axes.set_xlabel(label)
    if log:
        axes.set_xscale("log")
    if not x.size:
        axes.text(0.5, 0.5, "no finite score", transform=axes.transAxes, ha="center", color=GREY)
        axes.set(xticks=[], yticks=[])
    elif x.size > MOST_POINTS:
        axes.hexbin(
            x[drawn], y[drawn], gridsize=42, cmap=DENSITY, norm=LogNorm(), mincnt=1, linewidths=0,
            xscale="log" if log else "linear",
        )  # fmt: skip
    else:
        size = float(np.clip(4_000 / x.size, 4, 28))
        alpha = float(np.clip(150 / x.size, 0.25, 0.8))
        axes.scatter(x[drawn], y[drawn], s=size, color=BLUE, alpha=alpha, linewidths=0)
    if x.size >= 10 * N_BINS:
        axes.plot(*_median_line(x, y), color=ORANGE, linewidth=1.8)
        # The top decile by score lies right of one line, the top decile by truth above the other.
        axes.axvline(float(np.quantile(x, TOP_RANK)), color=GREY, linestyle=":", linewidth=1)
        axes.axhline(float(np.quantile(y, TOP_RANK)), color=GREY, linestyle=":", linewidth=1)
    if known.size:
        margin = 0.05 * (known.max() - floor) or 1.0
        axes.set_ylim(floor - margin, known.max() + margin)
        _mark_far_below(axes, x[~drawn], floor)
    if not log and x.size:
        axes.xaxis.set_major_locator(MaxNLocator(4))
        axes.ticklabel_format(axis="x", style="sci", scilimits=(-3, 4), useMathText=True)
    for infinity, at, side in ((-math.inf, 0.0, "left"), (math.inf, 1.0, "right")):
        rows = both & (panel.scores == infinity)
        if rows.any():
            _mark_infinite(axes, panel.truth[rows], at=at, side=side)


def _axis(scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], str, bool]:
    """The horizontal positions of finite scores, the axis label, and whether the axis is logarithmic."""
    if scores.size < 3:
        return scores, "score", False
    low, high = np.quantile(scores, [0.1, 0.9])
    if np.ptp(scores) <= WILD_RANGE * (high - low) or high == low:
        return scores, "score", False
    if scores.min() > 0:
        return scores, "score (log axis)", True
    percentile = 100 * (stats.rankdata(scores) - 0.5) / scores.size
    return percentile, "rank of score (percentile)", False


def _floor(truth: NDArray[np.float64]) -> float:
    """The lowest truth (n_rows,) that is not far below the others."""
    low, high = np.quantile(truth, [0.1, 0.9])
    return float(truth[truth >= low - FAR_BELOW * (high - low)].min())


def _median_line(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[Sequence[float], Sequence[float]]:
    """Median truth in bins of equal size by score; ties share a bin."""
    ends = np.unique(np.quantile(x, np.linspace(0, 1, N_BINS + 1)))
    bins = np.clip(np.searchsorted(ends, x, side="right") - 1, 0, max(len(ends) - 2, 0))
    medians = pd.DataFrame({"x": x, "y": y}).groupby(bins).median()
    return medians["x"].tolist(), medians["y"].tolist()


def _mark_far_below(axes: Axes, x: NDArray[np.float64], floor: float) -> None:
    """Scores (n_rows,) whose truth is far below the others' as triangles on the lower margin, with their count."""
    if x.size:
        axes.update_datalim(np.column_stack([x, np.full(x.size, floor)]))
        axes.autoscale_view(scaley=False)
        axes.scatter(
            x, np.zeros(x.size), marker="v", s=16, color=ORANGE, alpha=0.6, linewidths=0, clip_on=False,
            transform=axes.get_xaxis_transform(), zorder=4,
        )  # fmt: skip
        _note(axes, 0.97, f"{x.size:,} below {amount_text(floor)}", "right")


def _mark_infinite(axes: Axes, truth: NDArray[np.float64], *, at: float, side: str) -> None:
    """Infinite scores as triangles on the margin, at the height of their truth, with their count."""
    marker, sign = ("<", "-") if side == "left" else (">", "+")
    heights = np.maximum(truth, axes.get_ylim()[0])
    axes.scatter(
        np.full(truth.size, at), heights, marker=marker, s=16, color=ORANGE, alpha=0.6, linewidths=0, clip_on=False,
        transform=axes.get_yaxis_transform(), zorder=4,
    )  # fmt: skip
    _note(axes, at + (0.03 if side == "left" else -0.03), f"{truth.size:,} at {sign}inf", side)


def _note(axes: Axes, x: float, text: str, side: str) -> None:
    """The number of points on a margin, written at `x`, a fraction of the width."""
    halo = [withStroke(linewidth=2, foreground="white")]
    axes.text(
        x, 0.04, text, ha=side, transform=axes.transAxes, fontsize=text_size(8), color=ORANGE, path_effects=halo,
        zorder=5,
    )  # fmt: skip
