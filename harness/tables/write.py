"""The files of a regenerated table: Markdown, LaTeX (booktabs), CSV, JSON. Equal cells give equal bytes."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path

import pandas as pd

from harness.agreement.interval import FEWEST_EFFECTIVE
from harness.figure_options import FigureOptions
from harness.files.results import write_files
from harness.report.escape import csv_text, markdown_line
from harness.report.for_papers import drawn, escaped, folder_of
from harness.report.style import png, style
from harness.report.tables import GENERALISATION, correlation_text, interval_text
from harness.report.verdict import signed_text
from harness.space import BENCHMARKS
from harness.tables.cell import Cell
from harness.tables.picture import FEWEST, compared_cells, picture
from harness.tables.spec import BEST, TableSpec

_GREEK = {"tau": "tau", "rho": "rho", "ndcg": "nDCG", "accuracy": "accuracy"}
_LATEX = {"tau": r"$\tau$", "rho": r"$\rho$", "ndcg": "nDCG", "accuracy": "accuracy"}
MISSING = "-"


def write_table_files(out: Path, spec: TableSpec, cells: Sequence[Cell]) -> list[Path]:
    """Write <name>.md, .tex, .csv, .json and, if there is a picture, .png into a folder; returns their paths.

    Raises:
        OptionError: the folder cannot be created or written.
        HarnessError: the disk is full, or writing failed otherwise.
    """
    contents = {
        "md": markdown(spec, cells),
        "tex": latex(spec, cells),
        "csv": csv_text(_frame(cells)),
        "json": _json(spec, cells),
    }
    files = {f"{spec.name}.{suffix}": text.encode() for suffix, text in contents.items()}
    with style():
        figure = picture(spec, cells)
        if figure is not None:
            files[f"{spec.name}.png"] = png(figure, n_colours=32)
    write_files(out, files)
    if f"{spec.name}.png" not in files:
        (out / f"{spec.name}.png").unlink(missing_ok=True)  # of an earlier run that compared more
    return [out / name for name in files]


def write_figure(out: Path, spec: TableSpec, cells: Sequence[Cell], options: FigureOptions) -> None:
    """Write the figure of a table once more, for a paper or slides; nothing if too few values are compared.

    Raises:
        OptionError: the folder cannot be created or written.
        HarnessError: the disk is full, or writing failed otherwise.
    """
    files = drawn({spec.name: partial(picture, spec, cells)}, options)
    if files:
        write_files(folder_of(out, options), files)


def markdown(spec: TableSpec, cells: Sequence[Cell]) -> str:
    """The table as Markdown: the meaning of its columns, a part per benchmark and data set, what is missing, notes."""
    lines = [f"# {spec.title}", "", f"    python -m harness.tables table={spec.name}", "", summary(cells), ""]
    lines += [f"- {line}" for line in _legend(spec, cells)]
    for bench, dataset in _places(cells):
        own = [cell for cell in cells if (cell.bench, cell.dataset) == (bench, dataset)]
        truths = ", ".join(dict.fromkeys(cell.truth for cell in own))
        population = BENCHMARKS.get(bench).populations.get(spec.population, spec.population)
        lines += [
            "", f"## {bench} / {dataset}", "",
            f"Ground truth: {truths}. Population: {spec.population} ({population}).", "", *_markdown_table(spec, own),
        ]  # fmt: skip
    if len(compared_cells(cells)) >= FEWEST:
        lines += ["", f"![Our values against the published ones]({spec.name}.png)"]
    missing = _missing(cells)
    if missing:
        lead = ["Run these commands, then regenerate the table.", ""]
        lines += ["", "## Missing", "", *lead * any(_COMMAND in line for line in missing), *missing]
    if spec.notes:
        lines += ["", "## Notes", "", *(f"- {note}" for note in spec.notes)]
    return "\n".join(lines) + "\n"


def latex(spec: TableSpec, cells: Sequence[Cell]) -> str:
    """The table for a paper: a tabular with booktabs rules, one block per benchmark and data set."""
    coefficients = _coefficients(cells)
    heads = [f"{_LATEX[name]} published & ours & difference" for name in coefficients]
    lines = [
        f"% {spec.title}",
        f"% python -m harness.tables table={spec.name}; needs \\usepackage{{booktabs}}",
        rf"\begin{{tabular}}{{l{'rlr' * len(coefficients)}r}}",
        r"\toprule",
        f"proxy & {' & '.join(heads)} & $n$ \\\\",
    ]
    for bench, dataset in _places(cells):
        own = [cell for cell in cells if (cell.bench, cell.dataset) == (bench, dataset)]
        lines += [
            r"\midrule",
            rf"\multicolumn{{{3 * len(coefficients) + 2}}}{{l}}{{{escaped(f'{bench}, {dataset}')}}} \\",
        ]
        for proxy, row in _rows(own).items():
            parts = [escaped(proxy)]
            for name in coefficients:
                cell = row.get(name)
                parts += (
                    [MISSING] * 3 if cell is None else [_published(cell), _ours(spec, cell), _difference(spec, cell)]
                )
            lines.append(" & ".join([*parts, _count(row)]) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def summary(cells: Sequence[Cell]) -> str:
    """One sentence: how many published values were compared, and how many lie within our intervals."""
    figures = [cell for cell in cells if cell.published]
    compared = [cell for cell in figures if cell.inside]
    inside = sum(cell.inside == "yes" for cell in compared)
    without = sum(not cell.inside and not math.isnan(cell.ours) for cell in figures)
    partial = sum(cell.n < cell.n_population for cell in compared)
    sampled = f" ({partial} of them on a sample of the space)" if partial else ""
    return (
        f"{len(figures)} published values, {len(compared)} compared{sampled}: {inside} lie within our interval, "
        f"{len(compared) - inside} do not; "
        + (f"{without} have no interval; " if without else "")
        + f"{len(figures) - len(compared) - without} are missing."
    )


def _markdown_table(spec: TableSpec, cells: Sequence[Cell]) -> Iterator[str]:
    coefficients = _coefficients(cells)
    heads = ["proxy"]
    networks = {name: _has_networks(cells, name) for name in coefficients}
    for name in coefficients:
        heads += [f"{_GREEK[name]} published", "ours", "difference", "inside", *["networks"] * networks[name]]
    heads += ["n of N", "protocol, inputs"]
    yield markdown_line(heads)
    yield markdown_line(["---", *["---:"] * (len(heads) - 2), "---"])
    for proxy, row in _rows(cells).items():
        parts = [proxy]
        for name in coefficients:
            cell = row.get(name)
            if cell is None:
                parts += [MISSING] * (4 + networks[name])
            else:
                parts += [_published(cell), _ours(spec, cell), _difference(spec, cell), cell.inside or MISSING]
                parts += [_networks(cell)] * networks[name]
        first = next(iter(row.values()))
        declared = f"{first.protocol}, {first.inputs}" if first.protocol else MISSING
        yield markdown_line([*parts, _count(row), declared])


def _missing(cells: Sequence[Cell]) -> list[str]:
    """What is missing; commands that differ only in the proxy are combined."""
    together: dict[str, list[str]] = {}
    for cell in cells:
        if cell.missing:
            proxies = together.setdefault(cell.missing.replace(f"proxy={cell.proxy} ", "proxy=PROXY "), [])
            if cell.proxy not in proxies:
                proxies.append(cell.proxy)
    lines = []
    for reason, proxies in together.items():
        named = f"proxy={proxies[0]}" if len(proxies) == 1 else f"'proxy=[{','.join(proxies)}]'"
        text = reason.replace("proxy=PROXY", named)
        lines.append(f"- {', '.join(proxies)}: {f'`{text}`' if text.startswith(_COMMAND) else text}")
    return lines


_COMMAND = "python -m harness "


def _legend(spec: TableSpec, cells: Sequence[Cell]) -> list[str]:
    if spec.kind == BEST:
        return [
            "published: as printed, with its standard deviation if the source has one",
            "ours: ground truth of the architecture that the proxy ranks first; for ties, the mean, then [worst, best] "
            "and the number of tied architectures",
            "difference: ours minus published",
            "inside: whether the published value, within its rounding and standard deviation, lies between worst and "
            "best",
            *_SHARED,
        ]
    return [
        "tau, rho: Kendall's tau-b and Spearman's rho between score and ground truth",
        f"ours: our value and [low, high], {GENERALISATION}",
        "difference: ours minus published",
        "inside: whether the published value, within its rounding, lies in that interval, which does not include the "
        f"variation over initial weights and images; no interval (-) below {FEWEST_EFFECTIVE} effective classes",
        *[_NDCG] * any(cell.coefficient == "ndcg" for cell in cells),
        *[_NETWORKS] * any(_has_networks(cells, name) for name in _coefficients(cells)),
        *_SHARED,
        *[_FITTED] * bool(spec.fitted),
    ]


_NETWORKS = "networks: ours with one vote for each network (isomorphism class) instead of each of its names"
_NDCG = (
    "nDCG: of the first 1,000 places, gain 2^accuracy - 1 with the accuracy in percent, expected over random orders of "
    "ties; without an interval, and only where the whole population is scored"
)
_SHARED = (
    "n of N: architectures with a score, of those in the population: all, or of the first of a fixed permutation",
    "protocol, inputs: how the scores were computed",
)
_FITTED = (
    "rows fitted to accuracies: means over draws of trained networks, without an interval; n is the mean number of the "
    "others, which are predicted"
)


def _json(spec: TableSpec, cells: Sequence[Cell]) -> str:
    rows = [{name: None if _is_nan(value) else value for name, value in asdict(cell).items()} for cell in cells]
    contents = {
        "table": spec.name,
        "title": spec.title,
        "source": spec.source,
        "command": f"python -m harness.tables table={spec.name}",
        "summary": summary(cells),
        "notes": list(spec.notes),
        "cells": rows,
    }
    return json.dumps(contents, indent=1, ensure_ascii=False) + "\n"


def _frame(cells: Sequence[Cell]) -> pd.DataFrame:
    return pd.DataFrame([asdict(cell) for cell in cells], columns=[field.name for field in fields(Cell)])


def _places(cells: Sequence[Cell]) -> list[tuple[str, str]]:
    return list(dict.fromkeys((cell.bench, cell.dataset) for cell in cells))


def _coefficients(cells: Sequence[Cell]) -> list[str]:
    return list(dict.fromkeys(cell.coefficient for cell in cells))


def _rows(cells: Sequence[Cell]) -> dict[str, dict[str, Cell]]:
    rows: dict[str, dict[str, Cell]] = {}
    for cell in cells:
        rows.setdefault(cell.published_proxy, {})[cell.coefficient] = cell
    return rows


def _published(cell: Cell) -> str:
    return f"{cell.published}{f' ± {cell.spread}' if cell.spread else ''}" or MISSING


def _ours(spec: TableSpec, cell: Cell) -> str:
    if math.isnan(cell.ours):
        return MISSING
    if spec.kind == BEST:
        several = f" [{cell.low:.1f}, {cell.high:.1f}] ({cell.n_first})" if cell.n_first > 1 else ""
        return f"{cell.ours:.1f}{several}"
    return f"{correlation_text(cell.ours)} {interval_text(cell.low, cell.high)}"


def _has_networks(cells: Sequence[Cell], coefficient: str) -> bool:
    return any(cell.coefficient == coefficient and not math.isnan(cell.networks) for cell in cells)


def _networks(cell: Cell) -> str:
    if math.isnan(cell.networks):
        return MISSING
    return f"{correlation_text(cell.networks)} {interval_text(cell.networks_low, cell.networks_high)}"


def _difference(spec: TableSpec, cell: Cell) -> str:
    if math.isnan(cell.difference):
        return MISSING
    return f"{cell.difference:+.1f}" if spec.kind == BEST else signed_text(cell.difference)


def _count(row: dict[str, Cell]) -> str:
    cell = next(iter(row.values()))
    return f"{cell.n - cell.n_undefined:,} of {cell.n_population:,}" if cell.n else MISSING


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)
