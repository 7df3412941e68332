"""The figures of the theory; create and save them within `harness.report.style.style()`."""

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from harness.agreement import correlations
from harness.report.style import BLUE, DENSITY, GREY, ORANGE

PANEL_INCHES = (3.3, 2.8)
_CAPTION_WIDTH = 38  # characters per panel of a row
_CELL_PROXIES = ("zico", "zico_mean", "zico_std")
_MILLI = 1_000
_SIGMA_LABEL = r"1000 $\sigma$, SD of a weight's gradient over batches"
_MARKERS = ("o", "^", "s", "D", "v", "P")


def linear_figure(points: pd.DataFrame, n_images: int, rate: float, source: str) -> Figure:
    """Total loss after the update against both gradient moments before it, and the ratio of losses."""
    figure, axes = _panels(1, 3, source)
    _scatter(axes[0], points, "mean_squares", "loss", xlabel=r"$\sum_j \mu_j^2$")
    _scatter(axes[1], points, "variances", "loss", xlabel=r"$\sum_j \sigma_j^2$")
    at_inverse = np.isclose(rate * n_images, 1)
    if at_inverse:
        ends = np.array([points["variances"].min(), points["variances"].max()])
        axes[1].plot(ends, n_images / 2 * ends, color=ORANGE, label=r"Eq. 6: $\frac{M}{2}\sum_j \sigma_j^2$")
        axes[1].legend(frameon=False, fontsize=8)
    for place in axes[:2]:
        place.set_ylabel("total training loss after the update")
    _scatter(axes[2], points, "mean_to_variance", "loss_ratio", xlabel=r"$\sum_j \mu_j^2 \;/\; \sum_j \sigma_j^2$")
    axes[2].set_ylabel("loss after / loss before")
    if at_inverse:
        ratios = np.linspace(points["mean_to_variance"].min(), points["mean_to_variance"].max(), 100)
        axes[2].plot(ratios, 1 / (1 + ratios), color=ORANGE, label="Eq. 6 over the loss before")
        axes[2].legend(frameon=False, fontsize=8)
    return figure


def bounds_figure(sweep: pd.DataFrame, source: str) -> Figure:
    """Median loss per image after one update and both bounds, over learning rates from far below 1/M to above 2."""
    caption = f"Medians over at most 100 draws of the weights. {source}"
    figure, (axes,) = _panels(1, 1, caption, inches=(6.2, 3.4), characters=88)
    rates = sweep["rate_times_images"]
    axes.plot(rates, sweep["bound"], color=ORANGE, label="corrected bound")
    axes.plot(rates, sweep["loss"], color=BLUE, linewidth=2.2, label="measured loss")
    printed = sweep["bound_as_printed"]
    axes.plot(rates, printed.where(printed > 0), color=GREY, linestyle="--", label="Equation 5 as printed")
    below = rates[printed <= 0]
    if len(below):
        first, bottom = float(below.iloc[0]), float(sweep["loss"].min()) / 3
        axes.text(first, bottom, "Equation 5 is negative from here on", color=GREY, fontsize=8, va="center")
        axes.set_ylim(bottom=bottom / 2)
    axes.axvline(1, color=GREY, linewidth=0.8, linestyle=":")
    axes.text(1, 0.97, r" $\eta = 1/M$", transform=axes.get_xaxis_transform(), color=GREY, fontsize=8, va="top")
    axes.set(xscale="log", yscale="log", xlabel=r"learning rate of the summed gradient, $\eta M$", ylabel="per image")
    axes.set_title("Loss after one update and its bounds", loc="left", fontweight="bold")
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    return figure


def mlp_figure(points: pd.DataFrame, source: str) -> Figure:
    """Training and test loss after the epoch against sigma, a column per batch size, a colour per width."""
    sizes = sorted(points["batch_size"].unique())
    rate = float(points["learning_rate"].iloc[0])
    figure, axes = _panels(3, len(sizes), f"Learning rate {rate:g}. {source}")
    rows = {"train_loss": "training loss", "test_loss": "test loss", "loss_removed": "fraction of loss removed"}
    widths = sorted(points["width"].unique())
    colours = _colours(len(widths))
    for place, (column, label) in enumerate(rows.items()):
        for position, size in enumerate(sizes):
            axis = axes[place * len(sizes) + position]
            of_size = points[points["batch_size"] == size]
            for number, width in enumerate(widths):
                of_width = of_size[of_size["width"] == width]
                rho = correlations(of_width["sigma"], of_width[column]).rho
                axis.scatter(
                    _MILLI * of_width["sigma"], of_width[column], s=12, color=colours[number], linewidths=0, alpha=0.7,
                    marker=_MARKERS[number % len(_MARKERS)], label=f"m = {width}, rho {rho:.2f}",
                )  # fmt: skip
            axis.set(xlabel=_SIGMA_LABEL, ylabel=label)
            axis.set_title(f"batches of {size}", loc="left", fontweight="bold", pad=14)
            axis.legend(frameon=False, fontsize=7, handletextpad=0.2)
            axis.ticklabel_format(axis="y", style="sci", scilimits=(-3, 4), useMathText=True)
    return figure


def random_mlps_figure(points: pd.DataFrame, source: str) -> Figure:
    """Test loss after the epoch against sigma, a column per batch size; the second row corrects sigma for width."""
    sizes = sorted(points["batch_size"].unique())
    rate = float(points["learning_rate"].iloc[0])
    rows = {"sigma": _SIGMA_LABEL}
    several = points["width"].nunique() > 1
    if several:
        rows["sigma_sqrt_width"] = r"1000 $\sigma \sqrt{m}$"
    figure, axes = _panels(len(rows), len(sizes), f"Learning rate {rate:g}. {source}")
    points = points.assign(**{column: _MILLI * points[column] for column in rows})
    drawn: PathCollection | None = None
    for place, (column, label) in enumerate(rows.items()):
        for position, size in enumerate(sizes):
            axis = axes[place * len(sizes) + position]
            rows_of_size = points[points["batch_size"] == size]
            drawn = _scatter(axis, rows_of_size, column, "test_loss", xlabel=label, colour="width" if several else None)
            axis.set_ylabel("test loss")
            axis.set_title(f"batches of {size}", loc="left", fontweight="bold", pad=16)
    if drawn is not None and several:
        figure.colorbar(drawn, ax=axes, label="width m", shrink=0.6)
    return figure


def cells_figure(points: pd.DataFrame, loss: str) -> Figure:
    """ZiCo and its two components against the loss after a few steps, and against the trained accuracy."""
    caption = f"{len(points)} NATS-TSS cells, real CIFAR-10 images; accuracy from the benchmark"
    figure, axes = _panels(2, len(_CELL_PROXIES), caption)
    labels = {
        loss: f"training loss after {loss.rpartition('_')[2]} steps",
        "accuracy": "test accuracy after full training (%)",
    }
    for place, (column, label) in enumerate(labels.items()):
        for position, proxy in enumerate(_CELL_PROXIES):
            axis = axes[place * len(_CELL_PROXIES) + position]
            _scatter(axis, points, proxy, column, xlabel=proxy)
            axis.set_ylabel(label)
    return figure


def _panels(
    n_rows: int, n_columns: int, caption: str, *, inches: tuple[float, float] = PANEL_INCHES, characters: int = 0
) -> tuple[Figure, list[Axes]]:
    """A grid of panels, row by row, with a caption on their source."""
    figure = Figure(figsize=(inches[0] * n_columns, inches[1] * n_rows + 0.4), layout="constrained")
    grid = figure.subplots(n_rows, n_columns, squeeze=False)
    wrapped = textwrap.fill(caption, characters or _CAPTION_WIDTH * n_columns)
    figure.supxlabel(wrapped, fontsize=7, color=GREY)
    return figure, list(grid.flat)


def _scatter(
    axes: Axes, points: pd.DataFrame, x: str, y: str, *, xlabel: str, colour: str | None = None
) -> PathCollection:
    """A scatter plot of two columns, titled with rho; an optional third column gives the colour (log scale)."""
    found = correlations(points[x], points[y])
    axes.text(
        0, 1.02, f"rho {found.rho:.2f}, n = {len(points):,}", transform=axes.transAxes, fontsize=8, color=GREY,
        va="bottom",
    )  # fmt: skip
    axes.set_xlabel(xlabel)
    size = float(np.clip(5_000 / len(points), 5, 28))
    if colour is None:
        return axes.scatter(points[x], points[y], s=size, color=BLUE, alpha=0.5, linewidths=0)
    return axes.scatter(
        points[x], points[y], s=size, c=points[colour], cmap=DENSITY, norm=LogNorm(), alpha=0.7, linewidths=0
    )


def _colours(n: int) -> list[str]:
    return [(BLUE, ORANGE, GREY)[number % 3] for number in range(n)]
