"""`study=effects`: what each operation, width or number of operations does to the scores and to the truth."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import rankdata

from harness import columns
from harness.cli.config import EvaluationRequest
from harness.errors import HarnessError, MissingDataError, OptionError
from harness.evaluation.evaluation_set import EvaluationSet, open_evaluation_set
from harness.evaluation.external_scores import ExternalScores, open_scores
from harness.evaluation.pairs import attempted, pairs
from harness.evaluation.population import open_population, restricted_population
from harness.evaluation.proxy_columns import external_columns, proxy_columns, scores_table
from harness.evaluation.request import defined_proxies, scoring_runs
from harness.evaluation.restriction import Restriction, open_restriction
from harness.evaluation.sampling import sample_index
from harness.files.out_folder import out_folder
from harness.files.results import write_files
from harness.inputs import DataSet
from harness.lens.bias import TRUTH, names_of
from harness.lens.effects import effects_table, is_factorial, variance_shares
from harness.report.escape import csv_text
from harness.report.style import DIVERGING, png, style
from harness.scoring.proxy_spec import ProxySpec, parse_proxies
from harness.settings import ALL
from harness.space import SearchSpace
from harness.truth import Truth
from harness.truth.table import TruthColumn

_MOST_SHOWN = 12


def effects_study(request: EvaluationRequest) -> Path:
    """Write effects.csv, variance.csv for full factorials, a picture per column and lens.md; returns the folder.

    Scores are those of `scores=` and of the proxies that are named; without either the truth alone is looked at, and
    where there is no truth the scores alone.

    Raises:
        OptionError: for a space without positions, or with nothing to look at.
        HarnessError: for a user's mistake or missing data.
    """
    settings = request.settings
    specs = parse_proxies(request.proxies or (), settings.options)
    specs = defined_proxies(specs, settings, asked_for_all=ALL in (request.proxies or ()))
    paths, chosen = settings.scores, settings.scores_columns or ()
    names = [spec.name for spec in specs]
    external = None if paths is None else open_scores(paths, chosen, names, settings.scores_notation)
    has_scores = bool(specs) or external is not None
    named = pairs(request.benches, request.data_sets, settings)

    def opened(space: SearchSpace, data_set: DataSet) -> EvaluationSet:
        if not space.enumerable or not space.positions:
            raise OptionError(
                f"bench={space.name} is invalid for study=effects: its architectures cannot be listed, or have no "
                "positions that are named; nats_tss, nats_sss, nasbench101, nasbench_macro and both transnas have."
            )
        restriction = open_restriction(space, data_set, settings)  # before what lacks alone is tolerated
        try:
            archs = None if external is None else external.on(space, data_set.name).archs
            return open_evaluation_set(space, data_set, settings, archs)
        except MissingDataError:
            if not has_scores:
                raise
            return _without_truth(space, data_set, request, restriction)

    found, skipped = attempted(opened, named, "studied")
    with out_folder(settings.out, "study-effects") as out:
        lines = ["# Effects of positions", "", *_LEGEND, ""]
        lines += [f"- skipped: {one.bench} / {one.data_set}. {one.reason}" for one in skipped]
        tables, shares = [], []
        for evaluated in found:
            made, of_variance, text = _effects(evaluated, (specs, external), request, out)
            tables.append(made)
            shares.append(of_variance)
            lines += text
        write_files(out, {"effects.csv": csv_text(pd.concat(tables, ignore_index=True)).encode()})
        known = [one for one in shares if len(one)]
        if known:
            write_files(out, {"variance.csv": csv_text(pd.concat(known, ignore_index=True)).encode()})
        write_files(out, {"lens.md": ("\n".join(lines).rstrip() + "\n").encode()})
    return out


_LEGEND = (
    "Mean: over the architectures that hold the value. Best with it: the best architecture that holds it, and how many",
    "are better, plus 1. The value with the best mean need not be that of the best architecture: look at both. In the",
    "pictures: the mean rank (0 worst, 1 best) of the architectures with the value, and beside it the best one's rank.",
)


def _without_truth(
    space: SearchSpace, data_set: DataSet, request: EvaluationRequest, restriction: Restriction | None
) -> EvaluationSet:
    """An evaluation set of which no truth is known."""
    whole = open_population(space, request.settings.population or space.default_population)
    population = restricted_population(whole, restriction)
    index = sample_index(space, request.settings, population, None)
    none = TruthColumn("none", data_set.name, "none", "", "none", None, "none", True, "none", "")
    archs = tuple(space.architectures[row] for row in index)
    values = np.full(index.size, np.nan)
    return EvaluationSet(space, data_set, archs, index, values, none, population, Truth(space.name, []))


def _effects(
    evaluated: EvaluationSet,
    asked: tuple[list[ProxySpec], ExternalScores | None],
    request: EvaluationRequest,
    out: Path,
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Tables of one evaluation set, and its part of the page."""
    specs, external = asked
    space, settings = evaluated.space, request.settings
    there = [] if external is None else external_columns(evaluated, external.on(*_named(evaluated)).columns)
    if specs:
        there += proxy_columns(evaluated, scoring_runs(evaluated, specs, settings)[:1], settings)
    scores = scores_table(evaluated, there)
    values = {name: scores[name].to_numpy(dtype=np.float64) for name in names_of(scores)}
    if np.isfinite(evaluated.values).any():
        values = {TRUTH: evaluated.accuracies} | values
    positions, held = space.positions, space.values_held(evaluated.archs)
    whole = is_factorial(positions, held)
    labels = np.unique(np.array(evaluated.classes), return_inverse=True)[1].astype(np.intp)
    place = " / ".join(evaluated.name)
    lines = [f"## {place}", ""]
    tables, shares = [], []
    for name, own in values.items():
        exact = whole and bool(np.isfinite(own).all())
        table = effects_table(own, positions, held, None if exact else labels)
        if table.empty:
            raise HarnessError(f"{name} has no finite value on {place}, so that there are no effects.")
        table["best_arch"] = [evaluated.archs[at] for at in table.pop("best_at")]
        needs = "yes" if name == TRUTH else "no"
        about = {columns.BENCH: space.name, columns.DATASET: evaluated.data_set.name, "column": name}
        tables.append(_headed(table, about | {"needs_truth": needs}))
        title = f"{place}: {name}" + (f" ({evaluated.truth.name}, needs truth)" if name == TRUTH else "")
        picture = f"effects-{space.name}-{evaluated.data_set.name}-{len(tables)}.png"
        with style():
            write_files(out, {picture: png(effects_figure(table, title))})
        lines += [f"### {title}", "", *_sentences(table, int(np.isfinite(own).sum())), ""]
        if exact:
            ranks = np.asarray(rankdata(own), dtype=np.float64)
            for scale, scaled in (("value", own), ("rank", ranks)):
                share = variance_shares(scaled, positions, held)
                if len(share):
                    shares.append(_headed(share, about | {"needs_truth": needs, "scale": scale}))
                    lines += [_shares_text(share, scale)]
        else:
            lines += ["- not a full factorial: no shares of variance; intervals are over canonical classes."]
        lines += ["", f"![Effects on {name}]({picture})", ""]
    return pd.concat(tables, ignore_index=True), pd.concat(shares) if shares else pd.DataFrame(), lines


def _named(evaluated: EvaluationSet) -> tuple[SearchSpace, str]:
    return evaluated.space, evaluated.data_set.name


def _headed(table: pd.DataFrame, about: dict[str, str]) -> pd.DataFrame:
    """The table with columns before its own that are the same in all rows."""
    return pd.concat([pd.DataFrame(about, index=table.index), table], axis=1)


def _sentences(table: pd.DataFrame, n: int) -> list[str]:
    """Where the value with the best mean is not the best architecture's, by position."""
    lines = []
    for position, rows in table.groupby("position", sort=False):
        by_mean, by_best = rows.iloc[int(rows["mean"].argmax())], rows.iloc[int(rows["best"].argmax())]
        text = f"- {position}: best mean with {by_mean['value']} ({by_mean['mean']:.4g}"
        if np.isfinite(by_mean["mean_low"]):
            text += f" [{by_mean['mean_low']:.4g}, {by_mean['mean_high']:.4g}]"
        text += f", best with it {by_mean['best']:.4g}, rank {by_mean['best_rank']:,} of {n:,})"
        if by_best["best"] > by_mean["best"]:
            text += f"; the best architecture has {by_best['value']} ({by_best['best']:.4g})"
        lines.append(f"{text}.")
    return lines


def _shares_text(shares: pd.DataFrame, scale: str) -> str:
    orders = shares.groupby("order")["share"].sum()
    main = ", ".join(
        f"{row['positions']} {row['share']:.3f}" for row in shares[shares["order"] == 1].to_dict("records")
    )
    return (
        f"- shares of the variance of {scale}s: single positions {orders[1]:.3f} ({main}), pairs {orders[2]:.3f}, "
        f"larger sets {orders[3]:.3f}."
    )


def effects_figure(table: pd.DataFrame, title: str) -> Figure:
    """Two heat maps, a column per position and a row per value: mean rank, and rank of the best with the value."""
    names = list(dict.fromkeys(table["position"]))
    values = list(dict.fromkeys(table["value"]))
    wide = table.set_index(["value", "position"])
    means, bests = (
        wide[name].unstack().reindex(index=values, columns=names).to_numpy(dtype=np.float64)
        for name in ("mean_rank", "best_rank")
    )
    width = 2.2 + 1.1 * len(names)
    figure = Figure(figsize=(min(width, 16), 1.4 + 0.32 * len(values)), layout="constrained")
    grid = figure.subplots(1, 2, sharey=True)
    _map(grid[0], means, means, "mean rank")
    _map(grid[1], -np.log10(bests), bests, "rank of the best with it")
    for axes in grid:
        axes.set_xticks(range(len(names)), names, rotation=45, ha="right")
    grid[0].set_yticks(range(len(values)), values)
    figure.suptitle(title, x=0.01, ha="left", fontsize=10, wrap=True)
    return figure


def _map(axes: Axes, colour: NDArray[np.float64], text: NDArray[np.float64], title: str) -> None:
    axes.imshow(np.ma.masked_invalid(colour), cmap=DIVERGING, aspect="auto", alpha=0.7)
    axes.grid(visible=False)
    axes.set_title(title, loc="left")
    if text.shape[1] <= _MOST_SHOWN:
        for (row, column), value in np.ndenumerate(text):
            if not np.isnan(value):
                said = f"{value:,.0f}" if value >= 1 else f"{value:.2f}".lstrip("0")
                axes.text(column, row, said, ha="center", va="center", fontsize=6.5)
