"""predictor.csv, summary.csv, chosen.csv, references.csv, worth.csv, predict.md and predict.png."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from harness.files.results import write_files
from harness.predict.settings import SHGO
from harness.report.escape import code, code_block, csv_text, table_line
from harness.report.style import GREY, LINES, MARKERS, png, style
from harness.report.tables import correlation_text, number, records

_MOST_LINES = 8
_LEARNS = (
    "Every predictor here is learned from ground truth: from the `n` trained networks of a draw, which cost n "
    "trainings. None is training-free; proxies and counts, which learn from nothing, stand beside them."
)


@dataclass(frozen=True, eq=False)
class Prediction:
    """What is written.

    Attributes:
        title: benchmark, data set, truth and its unit.
        notes: sentences on how it was done.
        drawn: one row per number, draw and model.
        summary: over draws.
        chosen: choices within budget.
        references: proxies, counts and published predictors.
        worth: trained networks that reach each of these.
    """

    title: str
    notes: Sequence[str]
    drawn: pd.DataFrame
    summary: pd.DataFrame
    chosen: pd.DataFrame
    references: pd.DataFrame
    worth: pd.DataFrame


def write_prediction(out: Path, found: Prediction, command: str) -> None:
    """Write all files.

    Raises:
        OptionError: if the folder cannot be written.
    """
    tables = {
        "predictor.csv": found.drawn,
        "summary.csv": found.summary,
        "chosen.csv": found.chosen,
        "references.csv": found.references,
        "worth.csv": found.worth,
    }
    files = {name: csv_text(table).encode() for name, table in tables.items() if len(table)}
    with style():
        files["predict.png"] = png(_figure(found), n_colours=64)
    files["predict.md"] = ("\n".join([*_lines(found, command)]) + "\n").encode()
    write_files(out, files)


def terminal_lines(found: Prediction) -> Iterator[str]:
    """The summary and the choices in short."""
    yield found.title
    yield f"  {'learned from':>12}  {'model':32} {'R2':>6} {'RMSE':>8} {'tau':>6} {'rho':>6}"
    for row in records(found.summary):
        name = f"{row['predictor']}:{row['features']}"
        yield (
            f"  {row['n']:>12}  {name:32} {_plain(row['r2']):>6} {_plain(row['rmse']):>8} "
            f"{correlation_text(number(row['tau'])):>6} {correlation_text(number(row['rho'])):>6}"
        )
    for row in records(found.references):
        learned = "0" if row["learned_from"] == 0 else "truth"
        taus = f"{correlation_text(number(row['tau'])):>6} {correlation_text(number(row['rho'])):>6}"
        yield f"  {learned:>12}  {row['name']!s:32} {'-':>6} {'-':>8} {taus}"
    yield "chosen within budget, regret: mean over draws"
    for row in records(choices(found.chosen)):
        yield f"  {row['n']:>12}  {row['chooser']!s:32} {row['search']!s:10} {_plain(row['regret'])}"


def choices(chosen: pd.DataFrame) -> pd.DataFrame:
    """Per number, chooser and search: means over draws of truth and regret, and how often SHGO found the exact one."""
    rows = []
    for (n, chooser, search), own in chosen.groupby(["n", "chooser", "search"], sort=False):
        row: dict[str, object] = {"n": n, "chooser": chooser, "search": search, "draws": len(own)}
        row |= {name: own[name].mean() for name in ("truth", "regret")}
        row["regret_high"] = own["regret"].quantile(0.95)
        for name in ("is_exact", "evaluations", "seconds"):
            row[name] = own[name].astype("float64").mean() if name in own else np.nan
        rows.append(row)
    return pd.DataFrame(rows)


def _lines(found: Prediction, command: str) -> Iterator[str]:
    yield from ("# Few-shot prediction", "", *code_block(command), "", f"{found.title}.", "", _LEARNS, "")
    yield from (f"- {note}" for note in found.notes)
    yield from ("", "![tau against the number of trained networks](predict.png)", "")
    yield from _summary_lines(found.summary)
    if len(found.references):
        yield from _reference_lines(found.references)
    if len(found.worth):
        yield from _worth_lines(found.worth)
    yield from _choice_lines(found.chosen)


def _summary_lines(summary: pd.DataFrame) -> Iterator[str]:
    yield from ("## Prediction", "")
    heads = ["learned from", "predictor", "features", "R2 [5, 95 %]", "RMSE", "tau [5, 95 %]", "rho", "networks"]
    yield table_line(heads)
    yield table_line(["---:", "---", "---", *["---:"] * 5])
    for row in records(summary):
        tau, low, high, rho, networks = (
            correlation_text(number(row[name])) for name in ("tau", "tau_low", "tau_high", "rho", "tau_networks")
        )
        cells = [str(row["n"]), str(row["predictor"]), str(row["features"]), _r2(row), _plain(row["rmse"])]
        yield table_line([*cells, f"{tau} [{low}, {high}]", rho, networks])
    yield ""
    yield (
        "R2, RMSE: median over draws. tau, rho: mean over draws, one vote per architecture; networks: tau with one "
        "vote per isomorphism class."
    )
    yield ""


def _r2(row: dict[str, object]) -> str:
    if np.isnan(number(row["r2"])):
        return "-"
    return f"{_plain(row['r2'])} [{_plain(row['r2_low'])}, {_plain(row['r2_high'])}]"


def _reference_lines(references: pd.DataFrame) -> Iterator[str]:
    yield from ("## Beside them", "")
    yield table_line(["name", "kind", "learned from", "architectures", "tau", "rho"])
    yield table_line(["---", "---", "---:", "---:", "---:", "---:"])
    for row in records(references):
        learned = "0" if row["learned_from"] == 0 else "not stated here"
        taus = [correlation_text(number(row[name])) for name in ("tau", "rho")]
        yield table_line([code(str(row["name"])), str(row["kind"]), learned, f"{number(row['n_archs']):,.0f}", *taus])
    yield ""
    yield from (f"`{row['name']}`: {row['source']}." for row in records(references) if row["source"])
    yield ""


def _choice_lines(chosen: pd.DataFrame) -> Iterator[str]:
    yield from ("## Choice within budget", "")
    heads = ["learned from", "chosen by", "search", "truth", "regret", "95 %", "exact", "evaluations", "seconds"]
    yield table_line(heads)
    yield table_line(["---:", "---", "---", *["---:"] * 6])
    for row in records(choices(chosen)):
        measured = [_plain(row[name]) for name in ("truth", "regret", "regret_high")]
        exact = "-" if row["search"] != SHGO else f"{number(row['is_exact']):.0%}"
        n_evaluations = number(row["evaluations"])
        evaluations = "-" if np.isnan(n_evaluations) else f"{n_evaluations:,.0f}"
        place = [str(row["n"]), str(row["chooser"]), str(row["search"])]
        yield table_line([*place, *measured, exact, evaluations, _short(row["seconds"])])
    yield ""
    yield (
        "regret: the best truth within budget less that of the choice, mean and 95 % quantile over draws. exact: share "
        "of draws in which what SHGO found is predicted as well as the best of all within budget. evaluations: of the "
        "prediction, which runs no network; seconds: of wall time. `best of the trained` is what a random search of n "
        "trainings would choose."
    )


def _worth_lines(worth: pd.DataFrame) -> Iterator[str]:
    yield from ("## How many trainings is a proxy worth?", "")
    models = list(dict.fromkeys(zip(worth["predictor"], worth["features"], strict=True)))
    yield table_line(["name", "tau", *(f"{predictor}:{features}" for predictor, features in models)])
    yield table_line(["---", "---:", *["---:"] * len(models)])
    smallest = worth["n"].min()
    for (name, tau), own in worth.groupby(["name", "tau"], sort=False):
        cells = []
        for row in records(own):
            n = f"{number(row['n']):,.0f}"
            cells.append(f"above {n}" if not row["reached"] else f"at most {n}" if row["n"] == smallest else n)
        yield table_line([code(str(name)), correlation_text(number(tau)), *cells])
    yield ""
    yield (
        "Trained networks from which the predictor's mean tau reaches that of the proxy, linear in log n between the "
        "numbers that were fitted."
    )
    yield ""


def _figure(found: Prediction) -> Figure:
    """Tau against the number of trained networks, with bands from 5 to 95 % of the draws; proxies as level lines."""
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.subplots()
    for (colour, marker), ((predictor, features), own) in zip(
        zip(LINES, MARKERS, strict=True), found.summary.groupby(["predictor", "features"], sort=False), strict=False
    ):
        axes.plot(own["n"], own["tau"], color=colour, marker=marker, markersize=4, label=f"{predictor}, {features}")
        axes.fill_between(own["n"], own["tau_low"], own["tau_high"], color=colour, alpha=0.12, linewidth=0)
    numbers = sorted(found.summary["n"].unique())
    low, high = axes.get_ylim()
    shown = sorted(records(found.references.head(_MOST_LINES)), key=lambda row: number(row["tau"]))
    for row, place in zip(shown, _apart([number(row["tau"]) for row in shown], (high - low) / 28), strict=True):
        tau = number(row["tau"])
        axes.axhline(tau, color=GREY, linewidth=0.8, linestyle="--" if row["learned_from"] == 0 else ":")
        name = str(row["name"]) if row["learned_from"] == 0 else f"{row['name']} (published, fitted)"
        axes.annotate(name, (1.01, place), xycoords=("axes fraction", "data"), fontsize=7, va="center", color=GREY)
    axes.set(xscale="log", xlabel="trained networks that it learned from", ylabel="tau on the others")
    axes.set_title(found.title)
    axes.xaxis.set_major_locator(FixedLocator(numbers))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.legend(frameon=False, fontsize=8, loc="lower right")
    return figure


def _apart(values: Sequence[float], gap: float) -> list[float]:
    """Places for labels of ascending values, at least `gap` apart: those too near are spread around their mean."""
    blocks = [[value] for value in values]
    at = 0
    while at + 1 < len(blocks):
        upper, lower = blocks[at + 1], blocks[at]
        ends = np.mean(lower) + gap * (len(lower) - 1) / 2, np.mean(upper) - gap * (len(upper) - 1) / 2
        if ends[1] - ends[0] < gap:
            blocks[at : at + 2] = [lower + upper]
            at = max(at - 1, 0)
        else:
            at += 1
    return [
        float(np.mean(block) + gap * (place - (len(block) - 1) / 2)) for block in blocks for place in range(len(block))
    ]


def _plain(value: object) -> str:
    found = number(value)
    return "-" if np.isnan(found) else f"{found:.2f}" if abs(found) < 1e4 else f"{found:,.0f}"


def _short(value: object) -> str:
    found = number(value)
    return "-" if np.isnan(found) else f"{found:.2g}"
