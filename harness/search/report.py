"""The table of a search for the terminal, and its report for a reader."""

import math
from collections.abc import Hashable, Iterator, Sequence

import pandas as pd
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness.report.escape import code, code_block, table_line
from harness.report.markdown import provenance_lines
from harness.report.tables import MISSING, amount_text, count_text, number, records, seconds_text
from harness.search.paths import path_lines
from harness.search.tables import SUBJECT, SearchTables

_MOST_FRONT_ROWS = 20
_SCORE_WIDTH = 14  # minimum width of the column of objectives, which is folded if the table is too wide
_INTERVAL = "[low, high]: 95 % CI of the mean over seeds, Student's t"
_FOUND = (
    "accuracy, regret (best accuracy in the space minus accuracy) and median rank: of the architecture with the "
    "highest score"
)
_COLUMNS = (
    "params, flops: medians over seeds of that architecture. networks: distinct networks scored per seed (mean). CPU: "
    "CPU time of the proxies per seed (mean)"
)
_SEED_COLUMNS = (
    "score, accuracy, rank: of the architecture with the highest score; rank by ground truth, among all within budget",
    "steps: proposals; networks: distinct networks scored; repeated, over budget, failed: proposals without new score",
)


def terminal_table(tables: SearchTables) -> RenderableType:
    """A table per benchmark and data set, one row per search task: means over seeds; below, published values."""
    parts = [_terminal_part(f"{bench} {dataset}", rows) for bench, dataset, rows in tables.by_place()]
    found = [_FOUND] if tables.units else []
    lines = [_seeds_line(tables), _INTERVAL, *found, *tables.restricted, *_published_beside(tables)]
    return Group(*parts, *map(Text, lines))


def found_lines(tables: SearchTables) -> Iterator[str]:
    """The result of each search task: the architecture with the highest score over all seeds (ties: first seed)."""
    for subject, rows in tables.found.groupby(list(SUBJECT), sort=False):
        bench, dataset, search, objective = subject
        best = records(rows.sort_values("score", ascending=False, kind="stable"))[0]
        yield f"found, {bench} {dataset}, {search} {objective}, seed {best['seed']}: {best['arch']}"
        yield from _not_trained_lines(tables, subject, best)


def _not_trained_lines(tables: SearchTables, subject: tuple[Hashable, ...], best: dict[str, object]) -> Iterator[str]:
    """Of a result without ground truth, the accuracies of the trained architectures that are nearest to it."""
    if not len(tables.nearest):
        return
    own = (tables.nearest[list(SUBJECT)] == list(subject)).all(axis=1) & (tables.nearest["seed"] == best["seed"])
    rows = records(tables.nearest[own])
    if rows:
        beside = ", ".join(f"{plain(row['accuracy'])} ({row['distance']} choices differ)" for row in rows)
        yield f"    not trained, so without ground truth; the nearest trained networks: {beside}"


def _terminal_part(title: str, rows: pd.DataFrame) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("search", no_wrap=True)
    longest = int(rows["objective"].str.len().max())
    table.add_column("score", overflow="fold", min_width=min(longest, _SCORE_WIDTH))
    rows = rows.dropna(axis="columns", how="all")
    has_truth = "accuracy" in rows
    measured = ("accuracy [low, high]", "regret", "rank") if has_truth else ("highest score", "params", "flops")
    for name in (*measured, "networks", "CPU"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in records(rows):
        cells = _accuracy_cells(row) if has_truth else _score_cells(row)
        spent = (count_text(round(number(row["evaluations"]))), seconds_text(number(row["seconds"])))
        table.add_row(*map(Text, (str(row["search"]), str(row["objective"]), *cells, *spent)))
    return table


def markdown_report(tables: SearchTables) -> str:
    """The report as Markdown text, with links to the figures in the same folder."""
    notes = (_FOUND, *tables.restricted, _INTERVAL, _COLUMNS)
    sections: list[tuple[str, Sequence[str]]] = [
        ("Results", [*_summary_lines(tables), "", *(f"- {line}." for line in notes)]),
        ("Results by seed", [*_seed_lines(tables), "", *(f"- {line}." for line in _SEED_COLUMNS)]),
        ("Progress", ["![Best found against evaluations and CPU seconds](regret.png)", "", *_curve_legend(tables)]),
    ]
    if len(tables.nearest):
        sections.append(("Nearest trained networks", list(_nearest_lines(tables))))
    if len(tables.paths):
        sections.append(("Paths of removed edges", list(path_lines(tables.paths))))
    if tables.fronts:
        sections.append(("Pareto fronts", ["![Candidates and Pareto fronts](front.png)", *_front_lines(tables)]))
    if len(tables.published):
        sections.append(("Published values", list(_published_lines(tables))))
    sections.append(("Provenance", list(provenance_lines(tables.provenance))))
    text = ["# Search", "", *code_block(str(tables.provenance.get("command", "")))]
    for title, lines in sections:
        text += ["", f"## {title}", "", *lines]
    return "\n".join(text) + "\n"


def _summary_lines(tables: SearchTables) -> Iterator[str]:
    header = (
        "bench",
        "data set",
        "search",
        "score",
        "accuracy",
        "regret",
        "median rank",
        "params",
        "flops",
        "networks",
        "CPU",
    )
    yield table_line(header)
    yield table_line(["---"] * 4 + ["---:"] * (len(header) - 4))
    for row in records(tables.summary):
        yield table_line((
            str(row["bench"]), str(row["dataset"]), str(row["search"]), str(row["objective"]),
            with_interval(row, "accuracy"), with_interval(row, "regret"), _rank(row),
            _large(row["params_median"]), _large(row["flops_median"]),
            count_text(round(number(row["evaluations"]))), seconds_text(number(row["seconds"])),
        ))  # fmt: skip


def _seed_lines(tables: SearchTables) -> Iterator[str]:
    header = (
        "search",
        "score",
        "seed",
        "architecture",
        "score",
        "accuracy",
        "rank",
        "steps",
        "networks",
        "repeated",
        "over budget",
        "failed",
    )
    yield table_line(header)
    yield table_line(["---"] * 4 + ["---:"] * (len(header) - 4))
    for row in records(tables.found):
        counts = ("rank", "steps", "evaluations", "n_repeated", "n_infeasible", "n_failed")
        place = f"{row['bench']} {row['dataset']}, {row['search']}"
        measured = (plain(row["score"]), plain(row.get("accuracy")), *(count_text(row.get(name)) for name in counts))
        yield table_line((place, str(row["objective"]), str(row["seed"]), code(str(row["arch"])), *measured))


def _curve_legend(tables: SearchTables) -> list[str]:
    lines = [
        "Thick lines are means over seeds, bands 95 % CIs; with fewer than five seeds, thin lines are the single "
        "searches. A finished search keeps its result. Seconds are the CPU time of "
        "the proxies, as measured when the scores were computed, in this run or an earlier one.",
    ]
    if tables.units:
        lines.append(
            "Regret can increase, because a higher score does not imply a better network. It is relative to the best "
            "architecture within budget."
        )
    return lines


def _nearest_lines(tables: SearchTables) -> Iterator[str]:
    yield (
        "These results were never trained. Beside each are the trained networks that differ from it in the fewest "
        "choices: evidence about its surroundings, not its accuracy."
    )
    yield ""
    yield table_line(
        ("search", "score", "seed", "trained network", "choices that differ", "accuracy", "params", "flops")
    )
    yield table_line(["---"] * 4 + ["---:"] * 4)
    for row in records(tables.nearest):
        place = f"{row['bench']} {row['dataset']}, {row['search']}"
        cells = (str(row["distance"]), plain(row["accuracy"]), _large(row["params"]), _large(row["flops"]))
        yield table_line((place, str(row["objective"]), str(row["seed"]), code(str(row["trained"])), *cells))


def _front_lines(tables: SearchTables) -> Iterator[str]:
    for front in tables.fronts:
        columns = [*front.objectives, *(["accuracy"] if "accuracy" in front.members else [])]
        shown = front.members.head(_MOST_FRONT_ROWS)
        yield ""
        yield f"{front.title}: {len(shown)} of the {len(front.members)} non-dominated candidates (all in front.csv)."
        yield ""
        yield table_line(("architecture", *columns))
        yield table_line(["---"] + ["---:"] * len(columns))
        for row in records(shown):
            yield table_line((code(str(row["arch"])), *(plain(row[name]) for name in columns)))


def _published_lines(tables: SearchTables) -> Iterator[str]:
    yield "Published test accuracy of the architecture that a proxy ranks first in the whole space."
    yield ""
    yield table_line(("source", "bench", "data set", "proxy", "test accuracy"))
    yield table_line(("---", "---", "---", "---", "---:"))
    for row in records(tables.published):
        source = f"{row['source']}, {row['table']}"
        yield table_line((source, str(row["bench"]), str(row["dataset"]), str(row["proxy"]), _plus_minus(row)))


def _published_beside(tables: SearchTables) -> Iterator[str]:
    """Published values for the proxies of the search and for the optimum; a line per data set and source."""
    searched = {name for objective in tables.found["objective"] for name in str(objective).split(", ")}
    rows = tables.published[tables.published["proxy"].isin(searched | {"ground_truth"})]
    for (bench, dataset, source, table), of_table in rows.groupby(["bench", "dataset", "source", "table"], sort=False):
        cells = ", ".join(f"{row['proxy']} {_plus_minus(row)}" for row in records(of_table))
        yield f"published, {source}, {table}, {bench} {dataset}: {cells}"


def _seeds_line(tables: SearchTables) -> str:
    seeds = ", ".join(str(n) for n in dict.fromkeys(tables.summary["n_seeds"]))
    truth = ", ".join(dict.fromkeys(tables.found["truth"])) if "truth" in tables.found else "none"
    return f"seeds: {seeds}; ground truth: {truth}"


def _accuracy_cells(row: dict[str, object]) -> tuple[str, str, str]:
    return with_interval(row, "accuracy"), plain(row["regret"]), count_text(row["rank_median"])


def _score_cells(row: dict[str, object]) -> tuple[str, str, str]:
    return plain(row["score"]), _large(row["params_median"]), _large(row["flops_median"])


def with_interval(row: dict[str, object], name: str) -> str:
    """A mean and its interval, "71.10 [70.82, 71.38]"; the mean alone for one seed; "-" for none."""
    value, low, high = (number(row.get(key)) for key in (name, f"{name}_low", f"{name}_high"))
    if math.isnan(low):
        return plain(value)
    return f"{plain(value)} [{plain(low)}, {plain(high)}]"


def plain(value: object) -> str:
    """A number to two decimals, large ones with separators, tiny ones to three digits; "-" if missing."""
    found = number(value)
    if math.isnan(found):
        return MISSING
    if found and abs(found) < 0.01:
        return f"{found:.3g}"
    return f"{found:,.2f}" if abs(found) < 1e5 else f"{found:,.0f}" if abs(found) < 1e12 else f"{found:.4g}"


def _rank(row: dict[str, object]) -> str:
    if "rank_median" not in row or math.isnan(number(row["rank_median"])):
        return MISSING
    return f"{number(row['rank_median']):,.0f} of {count_text(row['n_ranked'])}"


def _large(value: object) -> str:
    """A count in millions."""
    found = number(value)
    return MISSING if math.isnan(found) else f"{amount_text(found / 1e6)} M"


def _plus_minus(row: dict[str, object]) -> str:
    spread = number(row["std"])
    return f"{number(row['test_accuracy']):.1f}" + ("" if math.isnan(spread) else f" ± {spread:.1f}")
