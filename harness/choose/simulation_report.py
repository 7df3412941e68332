"""simulation.md, its tables and its figure."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from harness.choose.simulation import CHOICE, calibration, summary
from harness.files.results import write_files
from harness.report.escape import csv_text, table_line
from harness.report.style import LINES, MARKERS, legend_below, png, style
from harness.report.tables import correlation_text, number, records

_DRAWN = (CHOICE, "always params", "always zico", "always az_nas", "always positive_ridge", "random order")
MISSING = "-"


def write_simulation(out: Path, draws: pd.DataFrame, notes: Mapping[str, str]) -> None:
    """Write draws.csv, simulation.csv, calibration.csv, simulation.png and simulation.md.

    Args:
        out: folder.
        draws: of `simulate`.
        notes: by benchmark and data set, what was simulated.
    """
    found, foretold = summary(draws), calibration(draws)
    with style():
        picture = png(_figure(found))
    files = {
        "draws.csv": csv_text(draws).encode(),
        "simulation.csv": csv_text(found).encode(),
        "calibration.csv": csv_text(foretold).encode(),
        "simulation.png": picture,
        "simulation.md": ("\n".join(_lines(found, foretold, notes)) + "\n").encode(),
    }
    write_files(out, files)


def verdicts(found: pd.DataFrame) -> Iterator[str]:
    """A sentence for each place, number and method without truth: whether choosing helps, by tau and by regret."""
    for row in records(found):
        method = str(row["method"])
        if method not in ("always params", "always zico", "always az_nas"):
            continue
        place = f"{row['bench']} / {row['dataset']}, {row['n']} trained"
        name = method.removeprefix("always ")
        tau = _said("tau", row, "choice_less_tau", higher_is_better=True)
        first = _said("regret of the first", row, "choice_less_regret_1", higher_is_better=False)
        top = _said("regret of the best of ten", row, "choice_less_regret_10", higher_is_better=False)
        yield f"{place}: choosing instead of {name}: {tau}; {first}; {top}"


def _said(what: str, row: Mapping[str, object], name: str, *, higher_is_better: bool) -> str:
    value, low, high = (number(row[key]) for key in (name, f"{name}_low", f"{name}_high"))
    better = low > 0 if higher_is_better else high < 0
    worse = high < 0 if higher_is_better else low > 0
    answer = "better" if better else "worse" if worse else "equal" if low == high else "undecided"
    return f"{what} {answer}, {value:+.2f} [{low:.2f}, {high:.2f}]"


def _lines(found: pd.DataFrame, foretold: pd.DataFrame, notes: Mapping[str, str]) -> Iterator[str]:
    yield from ("# Choosing what to train next: simulation", "")
    yield (
        "The truth of a benchmark is hidden but for `n` architectures drawn at random; `nas-harness choose` ranks the "
        "others, and the truth says how well. tau and regret (accuracy, in points) are those of the untrained "
        "networks, means over draws; in brackets the 95 % t interval, over draws, of choosing less the other method. "
        "The predictors and `choose` have seen n accuracies, the other rankings none."
    )
    yield ""
    for place, note in notes.items():
        yield f"- {place}: {note}"
    yield from ("", "![tau and regret by number of trained architectures](simulation.png)", "")
    for (bench, dataset), group in found.groupby(["bench", "dataset"], sort=False):
        yield from (f"## {bench} / {dataset}", "")
        yield table_line(
            ["n", "ranking", "tau", "choose less it", "regret of the first", "choose less it",
             "regret of the best of 10", "choose less it"]
        )  # fmt: skip
        yield table_line(["---:", "---", "---:", "---:", "---:", "---:", "---:", "---:"])
        for row in records(group):
            cells = [str(row["n"]), str(row["method"])]
            for name, text in (("tau", correlation_text), ("regret_1", _points), ("regret_10", _points)):
                cells += [text(number(row[name])), _bracket(row, f"choice_less_{name}")]
            yield table_line(cells)
        yield ""
    yield from ("## Does choosing help?", "")
    yield from (f"- {sentence}" for sentence in verdicts(found))
    yield from ("", "## Is it what was foretold?", "")
    yield (
        "`expected` is the nested cross-validated tau of the choice, `came` its tau on the untrained networks; "
        "`inside` the share of draws whose 95 % interval held it; `decided` the share in which the data decided "
        "against #Params, `rightly` the share of these with the right sign."
    )
    yield ""
    yield table_line(
        ["bench", "n", "expected", "came", "inside", "gain expected", "came", "decided", "rightly", "chosen (times)"]
    )
    yield table_line(["---", *["---:"] * 8, "---"])
    for row in records(foretold):
        taus = [correlation_text(number(row[name])) for name in ("tau_expected", "tau_on_the_rest")]
        gains = [correlation_text(number(row[name])) for name in ("gain_expected", "gain_on_the_rest")]
        shares = [_share(number(row[name])) for name in ("inside", "decided", "decided_rightly")]
        yield table_line([str(row["bench"]), str(row["n"]), *taus, shares[0], *gains, *shares[1:], str(row["chosen"])])


def _share(value: float) -> str:
    return MISSING if value != value else f"{value:.0%}"


def _points(value: float) -> str:
    return f"{value:.2f}"


def _bracket(row: Mapping[str, object], name: str) -> str:
    value, low, high = (number(row.get(key)) for key in (name, f"{name}_low", f"{name}_high"))
    return MISSING if value != value else f"{value:+.2f} [{low:.2f}, {high:.2f}]"


def _figure(found: pd.DataFrame) -> Figure:
    places = list(dict.fromkeys(zip(found["bench"], found["dataset"], strict=True)))
    figure = Figure(figsize=(3.0 * len(places) + 0.6, 5.2), layout="constrained")
    grid = figure.subplots(2, len(places), squeeze=False, sharex="col")
    for column, (bench, dataset) in enumerate(places):
        own = found[(found["bench"] == bench) & (found["dataset"] == dataset)]
        for line, name in enumerate(("tau", "regret_1")):
            axes = grid[line][column]
            for colour, marker, method in zip(LINES, MARKERS, _DRAWN, strict=False):
                rows = own[own["method"] == method].sort_values("n")
                if len(rows) and not (name == "tau" and method == "random order"):
                    width = 2.2 if method == CHOICE else 1.2
                    axes.plot(rows["n"], rows[name], color=colour, marker=marker, linewidth=width, label=method)
            if line == 0:
                axes.set_title(f"{bench} / {dataset}", fontsize=9)
            else:
                axes.set_xlabel("trained architectures")
                axes.set_yscale("symlog", linthresh=0.5)  # regrets are 0, too
                axes.set_ylim(bottom=0)
                axes.yaxis.set_major_formatter("{x:g}")
            if column == 0:
                axes.set_ylabel("tau on the untrained" if line == 0 else "regret of the first (points)")
    handles, labels = grid[1][0].get_legend_handles_labels()
    for axes in grid[1]:  # a method may lack on one benchmark
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            if label not in labels:
                handles, labels = [*handles, handle], [*labels, label]
    legend_below(figure, handles, 8)
    return figure
