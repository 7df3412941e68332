"""The table, sentences and figure of the study of coverage."""

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from harness.agreement.interval import FEW_EFFECTIVE, FEWEST_EFFECTIVE, LEVEL
from harness.report.style import BLUE, GREY, ORANGE
from harness.theory.finding import Listing

SPACES = "redrawn spaces"
LOWEST, HIGHEST = 0.93, 0.97
LEVELS = (0.05, 0.001)
_GROUP = ["design", "coefficient", "interval", "votes", "subject"]
_COLOURS = {"cells": ORANGE, "networks": BLUE}
_MOST_NAMED = 6
_BANDS = (5, 6, 7, 8, 10, 15, 20, math.inf)  # of the effective number of classes
NAN = float("nan")


def coverage_table(points: pd.DataFrame) -> pd.DataFrame:
    """One row per design, coefficient, interval, weighting and subject, from one row per repetition.

    Columns: value on all cells (`expected`), mean and sd of the repetitions, n of them, n_empty without an interval;
    `coverage` of the others and its simulation error, that of a share of .95; median n_effective; `type_1_05` and
    `type_1_001`, rejections of the expected value where there is a p, `normal_...` by a normal p in all repetitions.
    `aimed` says whether the interval is about what the design varies: `sampling` about samples, `generalisation` about
    redrawn spaces, the interval of a difference about both.
    """
    rows = []
    for key, own in points.groupby(_GROUP, sort=False):
        row = dict(zip(_GROUP, key, strict=True))
        if row["design"] == SPACES and row["interval"] == "sampling":
            continue  # which is about another sample of the same space
        given = own[own["low"].notna()]
        covers = (given["low"] <= given["expected"]) & (given["expected"] <= given["high"])
        row |= {
            "aimed": "yes" if (row["interval"] == "generalisation") <= (row["design"] == SPACES) else "no",
            "expected": own["expected"].iloc[0],
            "mean": own["value"].mean(),
            "sd": own["value"].std(ddof=1),
            "n": len(own),
            "n_empty": len(own) - len(given),
            "coverage": covers.mean() if len(given) else NAN,
            "coverage_error": _error(LEVEL, len(given)),
            "n_effective": own["n_effective"].median(),
        }
        tested = {"type_1": own[own["p"].notna()], "normal": own[own["p_normal"].notna()]}
        for level in LEVELS:
            for name, of_p in tested.items():
                p = of_p["p" if name == "type_1" else "p_normal"]
                row[_at(name, level)] = (p < level).mean() if len(p) else NAN
            row[f"{_at('type_1', level)}_error"] = _error(level, len(tested["type_1"]))
        rows.append(row)
    return _with_effective(pd.DataFrame(rows))


def _with_effective(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the effective classes of tau beside rho, of which agreements do not say its own."""
    same = ["design", "interval", "votes", "subject"]
    of_tau = table[table["coefficient"] == "tau"].set_index(same)["n_effective"]
    known = [tuple(row[name] for name in same) for row in table.to_dict("records")]
    found = [of_tau.get(key, NAN) for key in known]
    return table.assign(n_effective=table["n_effective"].fillna(pd.Series(found, index=table.index)))


def _at(name: str, level: float) -> str:
    return f"{name}_{level:g}".replace("0.", "")


def _error(share: float, n: int) -> float:
    """Simulation error: standard error of a share of n repetitions."""
    return math.sqrt(share * (1 - share) / n) if n else NAN


def coverage_listing(points: pd.DataFrame) -> Listing:
    """The table of the page: the subjects of a design, coefficient, interval and weighting in one row."""
    table = coverage_table(points)
    kinds = table.groupby(["design", "coefficient", "interval", "votes"], sort=False)
    return Listing(
        frame=table,
        heading="Coverage and type I error",
        shown=pd.DataFrame([_shown(tuple(map(str, key)), own) for key, own in kinds]),
        legend=(
            f"coverage: share of the intervals at {LEVEL:.2f} that contain the value on all 15,625 cells: mean over "
            "subjects, then the lowest and highest; simulation error: of one subject. coverage.csv has every subject.",
            f"empty: repetitions without an interval. effective classes: medians; below {FEWEST_EFFECTIVE} there is "
            f"no interval over classes, below {FEW_EFFECTIVE} reports warn.",
            "type I error: share of the repetitions with a p in which the value on all cells is rejected at .05 and "
            "at .001, by t with Satterthwaite's degrees of freedom; normal: the same by a normal distribution, as "
            "verdicts were found before, in all repetitions, those with too few effective classes for a p among them.",
            "sampling, generalisation: the intervals of agreement.csv; difference: that of verdict.csv. (wider): a "
            "generalisation interval allows for other classes too, which a sample of the same space does not vary.",
        ),
    )


def _shown(key: tuple[str, ...], own: pd.DataFrame) -> dict[str, str]:
    design, coefficient, interval, votes = key
    wider = "" if own["aimed"].eq("yes").all() else " (wider)"
    return {
        "design": design,
        "interval": f"{coefficient}, {interval}{wider}",
        "votes": votes,
        "subjects": str(len(own)),
        "repetitions": f"{own['n'].max():,}",
        "empty": f"{own['n_empty'].sum() / own['n'].sum():.0%}",
        "coverage": _spread(own["coverage"], 3),
        "simulation error": _text(own["coverage_error"].median(), 3),
        "effective classes": _range(own["n_effective"], 0),
        "type I error .05": _spread(own["type_1_05"], 3),
        ".001": _spread(own["type_1_001"], 4),
        "normal .05": _spread(own["normal_05"], 3),
        "normal .001": _spread(own["normal_001"], 4),
    }


def _text(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return "-" if math.isnan(value) else text.replace("0.", ".", 1) if value < 1 else text


def _spread(values: "pd.Series[float]", digits: int) -> str:
    known = values.dropna()
    return f"{_text(known.mean(), digits)} ({_range(known, digits)})" if len(known) else "-"


def _range(values: "pd.Series[float]", digits: int) -> str:
    known = values.dropna()
    return f"{_text(known.min(), digits)} to {_text(known.max(), digits)}" if len(known) else "-"


def coverage_notes(points: pd.DataFrame) -> Iterator[str]:
    """Whether the aims are met: which rows of the table miss them, and what the whole took."""
    table = coverage_table(points)
    over_classes = points[(points["n_effective"] < FEWEST_EFFECTIVE) & (points["interval"] != "sampling")]
    yield (
        f"Of {len(over_classes):,} intervals over classes with fewer than {FEWEST_EFFECTIVE} effective classes, "
        f"{int(over_classes['low'].notna().sum()):,} were given."
    )
    aimed = table[table["coverage"].notna() & (table["aimed"] == "yes")]
    margin = 2 * aimed["coverage_error"]
    low = aimed[aimed["coverage"] < LOWEST]
    yield (
        f"Coverage below {LOWEST}: {_named(low, aimed)}; by more than two simulation errors: "
        f"{_named(aimed[aimed['coverage'] + margin < LOWEST], aimed)}."
    )
    high = aimed[(aimed["coverage"] - margin > HIGHEST) & ~(aimed["n_effective"] < FEW_EFFECTIVE)]
    yield (
        f"Coverage above {HIGHEST} by more than two simulation errors with {FEW_EFFECTIVE} effective classes or more: "
        f"{_named(high, aimed)}."
    )
    tested = table[table["type_1_05"].notna()]
    for level in LEVELS:
        own, error = tested[_at("type_1", level)], tested[f"{_at('type_1', level)}_error"]
        yield (
            f"Type I error at {level:g}: {_range(own, 4)}; above nominal by more than two simulation errors: "
            f"{_named(tested[own > level + 2 * error], tested)}. By a normal distribution: "
            f"{_range(tested[_at('normal', level)], 4)}."
        )
    yield from _by_effective(points)
    seconds = points.groupby(["design", "repetition"])["cpu_s"].first().sum()
    yield f"All repetitions together took {seconds:,.0f} CPU seconds, interrupted runs included."


def _by_effective(points: pd.DataFrame) -> Iterator[str]:
    """Whether intervals fail where many or where few classes seem to carry a difference over cells of a new space."""
    drawn = (points["design"] == SPACES) & (points["interval"] == "difference") & (points["votes"] == "cells")
    given = points[drawn & points["low"].notna()].sort_values("n_effective", ignore_index=True)
    if given.empty:
        return
    covers = (given["low"] <= given["expected"]) & (given["expected"] <= given["high"])
    labels = [f"{low} to {high}" for low, high in pairwise(_BANDS[:-1])] + [f"{_BANDS[-2]} and more"]
    bands = pd.cut(given["n_effective"], list(_BANDS), right=False, labels=labels).astype(str)
    named = [f"{_text(own.mean(), 3)} at {band} ({len(own):,})" for band, own in covers.groupby(bands, sort=False)]
    yield (
        f"Coverage of the {len(given):,} intervals of differences over cells of {SPACES} by the effective number of "
        f"classes that was found there: {', '.join(named)}."
    )


def _named(rows: pd.DataFrame, among: pd.DataFrame) -> str:
    if rows.empty:
        return f"none of {len(among)} rows"
    names = [
        f"{row['coefficient']} of {row['subject']}, {row['design']}, {row['votes']}: "
        f"{_text(float(row['coverage']), 3)} with {row['n_effective']:.0f} effective classes"
        for row in rows.to_dict("records")
    ]
    more = f"; and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{len(rows)} of {len(among)} rows ({'; '.join(names[:_MOST_NAMED])}{more})"


def coverage_figure(points: pd.DataFrame) -> Figure:
    """Coverage with twice its simulation error, a panel per design, a line per coefficient, interval and weighting."""
    table = coverage_table(points)
    table = table[table["aimed"] == "yes"]
    designs = list(dict.fromkeys(table["design"]))
    kinds = [(coefficient, votes) for coefficient in ("tau", "rho", "delta") for votes in _COLOURS]
    figure = Figure(figsize=(2.9 * len(designs) + 1.2, 0.42 * len(kinds) + 1.1), layout="constrained")
    grid = figure.subplots(1, len(designs), sharey=True, sharex=True, squeeze=False)[0]
    for axes, design in zip(grid, designs, strict=True):
        axes.axvspan(LOWEST, HIGHEST, color=GREY, alpha=0.15, linewidth=0)
        axes.axvline(LEVEL, color=GREY, linewidth=0.8)
        for height, (coefficient, votes) in enumerate(reversed(kinds)):
            own = table[(table["design"] == design) & (table["coefficient"] == coefficient) & (table["votes"] == votes)]
            own = own[own["coverage"].notna()]
            heights = height + np.linspace(-0.3, 0.3, max(len(own), 2))[: len(own)]
            axes.errorbar(
                own["coverage"], heights, xerr=2 * own["coverage_error"], fmt="o", markersize=3, elinewidth=0.7,
                color=_COLOURS[votes],
            )  # fmt: skip
        axes.set_title(design, loc="left", fontsize=9)
        axes.set_xlabel("coverage at nominal .95")
    grid[0].set_yticks(range(len(kinds)), [f"{coefficient}, {votes}" for coefficient, votes in reversed(kinds)])
    return figure
