"""Figures and tables for a paper or slides, in a folder of their own beside the report."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from harness import columns
from harness.figure_options import FigureFormat, FigureOptions, FigureStyle
from harness.report.evaluation import EvaluationTables
from harness.report.style import Look, png, style, vector
from harness.report.tables import correlation_text, number, proxy_label, records

_LOOKS = {FigureStyle.paper: (0.78, 0.55), FigureStyle.slides: (1.55, 1.3)}  # of text and of panels, of a report's


def folder_of(out: Path, options: FigureOptions) -> Path:
    """Where figures of a style lie: `paper` or `slides` below the folder of the results."""
    return out / options.style.value


def drawn(makers: Mapping[str, Callable[[], Figure | None]], options: FigureOptions) -> dict[str, bytes]:
    """Figures as files, by name and suffix; those of which there is nothing to draw are left out.

    Args:
        makers: by name without suffix, what creates a figure within `style()`.
        options: file format, style, width.
    """
    text, panel = _LOOKS[options.style]
    files = {}
    with style(Look(text, panel, options.inches)):
        for name, make in makers.items():
            figure = make()
            if figure is not None:
                is_png = options.file_format is FigureFormat.png
                files[f"{name}.{options.file_format.value}"] = (
                    png(figure, print_dpi=True) if is_png else vector(figure, options.file_format.value)
                )
    return files


def latex_tables(tables: EvaluationTables) -> dict[str, bytes]:
    """agreement.tex, and seeds.tex of an evaluation of several seeds: tabulars with booktabs rules."""
    files = {"agreement.tex": _agreement(tables).encode()}
    if len(tables.seeds):
        files["seeds.tex"] = _seeds(tables).encode()
    return files


def _agreement(tables: EvaluationTables) -> str:
    """A row per proxy and seed: tau and rho with their intervals, n."""
    lines = [
        r"% needs \usepackage{booktabs}; intervals: 95 % CI over isomorphism classes; *: a count that needs no network",
        r"\begin{tabular}{lllr}", r"\toprule", r"proxy & $\tau$ & $\rho$ & $n$ \\",
    ]  # fmt: skip
    several = tables.agreement[columns.SEED].nunique() > 1
    for bench, dataset, rows in tables.by_dataset():
        lines += [r"\midrule", rf"\multicolumn{{4}}{{l}}{{{escaped(f'{bench}, {dataset}')}}} \\"]
        for row in records(rows):
            name = proxy_label(row, with_seed=several)
            tau = _with_interval(row, columns.TAU, columns.TAU_LOW, columns.TAU_HIGH)
            rho = _with_interval(row, columns.RHO, columns.RHO_LOW, columns.RHO_HIGH)
            lines.append(rf"{escaped(name)} & {tau} & {rho} & {int(number(row[columns.N])):,} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _seeds(tables: EvaluationTables) -> str:
    """A line per proxy: the mean of tau over seeds and its standard deviation, as papers print it."""
    lines = [
        r"% needs \usepackage{booktabs}; tau: mean and standard deviation over seeds (ddof 1)",
        r"\begin{tabular}{lrl}", r"\toprule", r"proxy & seeds & $\tau$ \\", r"\midrule",
    ]  # fmt: skip
    for row in records(tables.seeds):
        name = f"{row[columns.PROXY]}, {row[columns.BENCH]} {row[columns.DATASET]}"
        mean, spread = number(row[columns.TAU_MEAN]), number(row[columns.TAU_SEED_SD])
        value = rf"${_signed(mean)} \pm {correlation_text(spread)}$"
        lines.append(rf"{escaped(name)} & {int(number(row[columns.N_SEEDS]))} & {value} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _with_interval(row: Mapping[str, object], value: str, low: str, high: str) -> str:
    middle, ends = number(row[value]), [number(row[end]) for end in (low, high)]
    if pd.isna(middle):
        return "--"
    if any(map(pd.isna, ends)):
        return f"${_signed(middle)}$"
    return f"${_signed(middle)}$ [${_signed(ends[0])}$, ${_signed(ends[1])}$]"


def _signed(value: float) -> str:
    return correlation_text(value).strip()


def escaped(text: str) -> str:
    """A text with the characters that LaTeX gives a meaning written as they are."""
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return "".join(special.get(one, f"\\{one}" if one in "&%$#_{}" else one) for one in text)
