"""The tables, sentences and figure of the study of validation sizes."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure

from harness.report.style import GREY, LINES, MARKERS, legend_below
from harness.theory.finding import Listing
from harness.theory.validation_pool import Pool

ALL_NETWORKS, RANDOM = "(all)", "(random)"
_PLACE = ["bench", "dataset", "truth", "correlation"]
_FAMILY = [*_PLACE, "first", "k"]
_MOST_LINES = 7


def with_savings(needed: pd.DataFrame) -> pd.DataFrame:
    """The images needed beside those without a shortlist (`m_without`); images, trainings and epochs that are saved."""
    same = [*_PLACE, "wanted"]
    of_all = needed[needed["first"] == ALL_NETWORKS].set_index(same)
    without = of_all[["m_needed", "epochs"]].set_axis(["m_without", "epochs_without"], axis=1)
    found = needed.join(without, on=same)
    return found.assign(
        images_saved=found["m_without"] - found["m_needed"],
        trainings_saved=found["n_networks"] - found["k"],
        epochs_saved=found["epochs_without"] - found["epochs"],
    ).drop(columns="epochs_without")


def regret_listing(points: pd.DataFrame) -> Listing:
    """Regret without a shortlist, one row per size."""
    own = points[points["first"] == ALL_NETWORKS].drop(columns=["first", "floor"])
    return Listing(
        frame=own,
        heading="All networks",
        shown=pd.DataFrame([_shown(row) for row in own.to_dict("records")]),
        legend=(
            "regret: best accuracy of the space minus that of the chosen network, in percentage points; mean, then "
            "median, .9 and .95 quantiles. P(best): that the chosen network is a best one.",
            "gap: share of the m images that the chosen network has right minus its accuracy, mean and standard "
            "deviation: how much choosing flatters the chosen.",
            "Hoeffding: the bound 2 sqrt(log(2 N / .05) / (2 m)) on the regret, which holds with probability .95 for "
            "any N networks; it is loose, and is to be compared with the .95 quantile.",
            "correlation 0: images are drawn anew for each network, exact by summation, ties averaged. Above 0: all "
            "networks see the same images, whose difficulty has this correlation between networks; simulation error "
            "in parentheses.",
        ),
    )


def _shown(row: dict[Any, Any]) -> dict[str, str]:
    error = f" ({row['regret_error']:.3f})" if row["regret_error"] > 0 else ""
    return {
        "networks of": f"{row['bench']} / {row['dataset']}",
        "correlation": f"{row['correlation']:g}",
        "m": f"{row['m']:,}",
        "regret": f"{row['regret']:.3f}{error}",
        "median": f"{row['regret_q50']:.2f}",
        ".9": f"{row['regret_q90']:.2f}",
        ".95": f"{row['regret_q95']:.2f}",
        "P(best)": f"{row['p_best']:.3f}",
        "gap": f"{row['gap']:.2f} +- {row['gap_sd']:.2f}",
        "Hoeffding, loose": f"{row['hoeffding']:.1f}",
    }


def shortlist_listing(points: pd.DataFrame) -> Listing:
    """Regret with a shortlist, a column per size on the page."""
    own = points[points["first"] != ALL_NETWORKS]
    rows = []
    for key, family in own.groupby(_FAMILY, sort=False):
        bench, dataset, _, correlation, first, k = key
        by_size = {f"m = {row['m']:,}": f"{row['regret']:.2f}" for row in family.to_dict("records")}
        rows.append(
            {
                "networks of": f"{bench} / {dataset}", "correlation": f"{correlation:g}", "shortlist by": str(first),
                "k": f"{k:,}", **by_size, "m without end": f"{family['floor'].iloc[0]:.2f}",
            }
        )  # fmt: skip
    return Listing(
        frame=own,
        heading="A shortlist first",
        shown=pd.DataFrame(rows),
        legend=(
            "Mean regret in percentage points against the best network of the whole space, where the k best by a "
            f"proxy or count are validated alone; {RANDOM}: k drawn at random. m without end: that of the best of the "
            "shortlist.",
            "Where the k-th network is tied with others, the mean over several equally likely shortlists; "
            "regret_error in the file is the standard error over them.",
        ),
        name="shortlists",
    )


def needed_listing(needed: pd.DataFrame) -> Listing:
    """Images needed per wanted regret, a column per regret on the page."""
    rows = []
    for key, family in needed.groupby(_FAMILY, sort=False):
        bench, dataset, _, correlation, first, k = key
        by_regret = {f"regret {row['wanted']:g}": _images(row) for row in family.to_dict("records")}
        rows.append(
            {
                "networks of": f"{bench} / {dataset}", "correlation": f"{correlation:g}", "first": str(first),
                "trained": f"{k:,}", "epochs": _epochs(family["epochs"].iloc[0]), **by_regret,
            }
        )  # fmt: skip
    return Listing(
        frame=needed,
        heading="Images needed",
        shown=pd.DataFrame(rows),
        legend=(
            "The smallest number of validation images with a mean regret of at most 1, .5, ... percentage points (to "
            "2 %; interpolated between sizes where images are correlated), and in parentheses how many fewer than "
            f"without a shortlist. {ALL_NETWORKS}: all networks are trained and validated.",
            "trained: networks that are trained to the end. epochs: of all training, that of the shorter training of "
            "every network included where it draws up the shortlist; -: the truth does not state its epochs.",
            "never: the best of the shortlist costs more on average. more: the largest size is not enough.",
        ),
        name="needed",
    )


def _epochs(epochs: float) -> str:
    return "-" if math.isnan(epochs) else f"{epochs:,.0f}"


def _images(row: dict[Any, Any]) -> str:
    if math.isnan(row["m_needed"]):
        return "more" if row["reachable"] == "yes" else "never"
    saved = row["images_saved"]
    beside = "" if row["first"] == ALL_NETWORKS or math.isnan(saved) else f" ({-saved:+,.0f})"
    return f"{row['m_needed']:,.0f}{beside}"


def notes_of(pools: Sequence[Pool], points: pd.DataFrame, needed: pd.DataFrame) -> Iterator[str]:
    """What was found, the noise of the truth, and what was left out."""
    for pool in pools:
        where = f"{pool.bench} / {pool.dataset}"
        own = points[(points["bench"] == pool.bench) & (points["dataset"] == pool.dataset)]
        of_all = own[own["first"] == ALL_NETWORKS]
        wide = of_all["hoeffding"] / of_all["regret"].where(of_all["regret"] > 0)
        if wide.notna().any():
            low, high = f"{wide.min():.0f}", f"{wide.max():.0f}"
            yield f"{where}: the bound is {low if low == high else f'{low} to {high}'} times the mean regret."
        mine = needed[(needed["bench"] == pool.bench) & (needed["dataset"] == pool.dataset)]
        yield from _saved(where, mine, pool)
        what = "unknown, as the table has no single trainings"
        if pool.noise is not None:
            what = f"{pool.noise:.2f} points (standard deviation of a training among the best tenth)"
        yield (
            f"{where}: accuracies are estimates, {pool.truth.metric} on the {pool.truth.split} split, "
            f"{pool.truth.seeds}; noise {what}. Regrets below the noise are differences between estimates."
        )
        yield from pool.notes


def _saved(where: str, needed: pd.DataFrame, pool: Pool) -> Iterator[str]:
    """Per correlation and wanted regret, the shortlist that needs fewest images for the least training.

    Where shorter trainings draw up shortlists, the one of them that needs least training too.
    """
    for (correlation, _), rows in needed.groupby(["correlation", "wanted"], sort=False):
        wanted = float(rows["wanted"].iloc[0])
        of_all = rows[rows["first"] == ALL_NETWORKS].iloc[0]
        listed = rows[~rows["first"].isin([ALL_NETWORKS]) & rows["m_needed"].notna()]
        said = "more than the largest size" if math.isnan(of_all["m_needed"]) else _n(of_all["m_needed"], "image")
        training = _training(len(pool.accuracies), of_all["epochs"])
        text = f"{where}, correlation {correlation:g}: a regret of {_n(wanted, 'point')} takes {said} and {training}"
        if listed.empty:
            yield f"{text}; no shortlist gets there."
            continue
        yield f"{text}; {_least(listed)}."
        after = listed[listed["first"].isin(list(pool.shorter))]
        if len(after):
            yield f"{where}, correlation {correlation:g}: after a shorter training of every network, {_least(after)}."


def _least(listed: pd.DataFrame) -> str:
    """In words, the shortlist that takes the least training, of those the one that needs fewest images."""
    cost = listed["epochs"].fillna(listed["k"])
    best = listed.loc[listed.loc[cost == cost.min(), "m_needed"].idxmin()]
    training = _training(int(best["k"]), best["epochs"])
    return f"with the {best['k']:,} best by {best['first']} {_n(best['m_needed'], 'image')} and {training}"


def _training(n_networks: int, epochs: float) -> str:
    return _n(n_networks, "training") + ("" if math.isnan(epochs) else f" of {_n(epochs, 'epoch')} altogether")


def _n(number: float, what: str) -> str:
    """A number of things: 1 image, 2 images, 0.5 points."""
    return f"1 {what}" if number == 1 else f"{number:{',.0f' if number > 1 else 'g'}} {what}s"


def validation_figure(points: pd.DataFrame) -> Figure:
    """Mean regret against images, both logarithmic, a panel per data set, a line per proxy at the middle length."""
    places = list(dict.fromkeys(zip(points["bench"], points["dataset"], strict=True)))[:6]
    n_columns = min(3, len(places))
    n_rows = math.ceil(len(places) / n_columns)
    figure = Figure(figsize=(3.1 * n_columns + 0.3, 2.9 * n_rows + 0.9), layout="constrained")
    grid = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True).ravel()
    correlation = points["correlation"].iloc[0]
    lengths = sorted(points.loc[points["first"] != ALL_NETWORKS, "k"].unique())
    k = lengths[len(lengths) // 2] if lengths else 0
    names = [str(name) for name in dict.fromkeys(points["first"]) if name != ALL_NETWORKS]
    for axes, (bench, dataset) in zip(grid, places, strict=False):
        own = points[(points["bench"] == bench) & (points["dataset"] == dataset)]
        of_all = own[own["first"] == ALL_NETWORKS]
        for number, (value, rows) in enumerate(of_all.groupby("correlation", sort=False)):
            dashes = "-" if number == 0 else (0, (2, 1 + number))
            label = "all networks" if number == 0 and value == 0 else f"all, correlation {value:g}"
            axes.plot(rows["m"], rows["regret"], color="black", linestyle=dashes, linewidth=2, label=label)
        first = of_all[of_all["correlation"] == correlation]
        axes.plot(first["m"], first["hoeffding"], color=GREY, linestyle=":", label="Hoeffding's bound (loose)")
        listed = own[(own["k"] == k) & (own["first"] != ALL_NETWORKS) & (own["correlation"] == correlation)]
        for name, rows in listed.groupby("first", sort=False):
            number = names.index(str(name))  # one colour per proxy in all panels
            if number >= _MOST_LINES:
                continue
            axes.plot(
                rows["m"], rows["regret"], color=LINES[number % len(LINES)], marker=MARKERS[number % len(MARKERS)],
                markersize=3.5, linewidth=1.1, label=f"{k:,} best by {name}" if name != RANDOM else f"{k:,} at random",
            )  # fmt: skip
        axes.set(xscale="log", yscale="log", title=f"{bench} / {dataset}")
        axes.set_xlabel("validation images m")
    for axes in grid[len(places) :]:
        axes.set_visible(False)
    for axes in grid[::n_columns]:
        axes.set_ylabel("mean regret (percentage points)")
    shown: dict[str, Artist] = {}
    for axes in grid[: len(places)]:
        shown = {label: handle for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)} | shown
    legend_below(figure, list(shown.values()), 8)
    return figure
