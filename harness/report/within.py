"""Agreement within groups: the combined values and the verdict, in the terminal and in the report."""

from collections.abc import Iterator

import pandas as pd
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness import columns
from harness.agreement.within import SMALLEST_GROUP
from harness.report.baselines import is_baseline_row
from harness.report.escape import table_line
from harness.report.evaluation import EvaluationTables
from harness.report.tables import correlation_text, count_text, number, proxy_label, records, with_interval
from harness.report.verdict import MAIN, NAMES

WITHIN_TITLE = "Rank correlation within groups"
_TAU = (columns.TAU, columns.TAU_LOW, columns.TAU_HIGH)
_RHO = (columns.RHO, columns.RHO_LOW, columns.RHO_HIGH)
_DELTA = (columns.DELTA, columns.DELTA_LOW, columns.DELTA_HIGH)
_HEADS = ("bench", "data set", "proxy", "groups", "n", "tau [low, high]", "rho [low, high]")
_MOST_NAMED = 8
_Row = dict[str, object]


def within_terminal(tables: EvaluationTables) -> RenderableType:
    """The combined values of each proxy, best tau first, and whether it beats counting within groups."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 0), collapse_padding=True, title=None)
    for at, name in enumerate(_HEADS):
        table.add_column(name, justify="left" if at < 3 else "right", overflow="fold")
    for row in _summaries(tables.within):
        table.add_row(*(Text(cell) for cell in _cells(row)), style="dim" if is_baseline_row(row) else "")
    return Group(table, *(Text(line) for line in (*_notes(tables), *_sentences(tables.within))))


def within_lines(tables: EvaluationTables) -> Iterator[str]:
    """The same as Markdown, with every group."""
    yield table_line(("bench", "data set", "proxy", "groups", "n", "tau [95 % CI]", "rho [95 % CI]"))
    yield table_line(("---", "---", "---", "---", "---:", "---:", "---:"))
    for row in _summaries(tables.within):
        yield table_line(_cells(row))
    yield ""
    yield from (f"- {line}." for line in (*_sentences(tables.within), *_notes(tables)))
    rows = tables.within[tables.within[columns.GROUP] != ""]
    yield ""
    yield table_line(("group", "proxy", "n", "tau [95 % CI]", "rho [95 % CI]"))
    yield table_line(("---", "---", "---:", "---:", "---:"))
    for row in records(rows.sort_values([columns.GROUP, columns.TAU], ascending=[True, False], kind="stable")):
        values = (count_text(row[columns.N]), with_interval(row, _TAU), with_interval(row, _RHO))
        yield table_line((str(row[columns.GROUP]), proxy_label(row), *values))


def combined_places(tables: EvaluationTables) -> set[str]:
    """The "bench / data set" of which the verdict is that within groups, of which there are several."""
    several = tables.within[tables.within[columns.N_GROUPS] > 1]
    return {f"{row[columns.BENCH]} / {row[columns.DATASET]}" for row in records(several)}


def _summaries(within: pd.DataFrame) -> list[_Row]:
    """The combined row of each proxy, or its only group; best tau first."""
    values = within[within[columns.BASELINE] == ""]
    keys = [*columns.SUBJECT, columns.COMPONENTS, columns.POPULATION]
    last = values.groupby(keys, sort=False, dropna=False).tail(1)
    return records(last.sort_values([columns.BENCH, columns.DATASET, columns.TAU], ascending=[True, True, False]))


def _cells(row: _Row) -> tuple[str, ...]:
    groups = str(row[columns.GROUP]) or count_text(row[columns.N_GROUPS])
    place = (str(row[columns.BENCH]), str(row[columns.DATASET]), proxy_label(row), groups)
    return (*place, count_text(row[columns.N]), with_interval(row, _TAU), with_interval(row, _RHO))


def _sentences(within: pd.DataFrame) -> Iterator[str]:
    """Whether each proxy beats #Params within groups, and of all baselines which ones it does not beat."""
    rows = within[within[columns.BASELINE] != ""]
    keys = [*columns.SUBJECT, columns.COMPONENTS, columns.POPULATION]
    for _, own in rows.groupby(keys, sort=False, dropna=False):
        each = records(own)
        if is_baseline_row(each[0]):
            continue
        label = proxy_label(each[0])
        main = next((row for row in each if row[columns.BASELINE] == MAIN), each[0])
        name = NAMES.get(str(main[columns.BASELINE]), str(main[columns.BASELINE]))
        yield (
            f"within groups {label} beats {name}: {main[columns.BEATS]}, delta tau {with_interval(main, _DELTA)}, "
            f"{_p_text(main)}; beats counting: {_counting(each)}"
        )


def _counting(rows: list[_Row]) -> str:
    """Yes where every count is beaten, no where one ranks better, otherwise undecided; with the counts."""
    for answer, said in (("no", "no (falls behind "), ("undecided", "undecided (")):
        names = [str(row[columns.BASELINE]) for row in rows if row[columns.BEATS] == answer]
        if names:
            return f"{said}{', '.join(NAMES.get(name, name) for name in names)})"
    return "yes"


def _p_text(row: _Row) -> str:
    p, corrected = (number(row[name]) for name in (columns.P, columns.P_HOLM))
    return f"p {correlation_text(p)}, {correlation_text(corrected)} by Holm over the proxies"


def _notes(tables: EvaluationTables) -> Iterator[str]:
    """Which groups were large enough, how many networks are in none of them, and how groups were combined."""
    within = tables.within
    groups = within[within[columns.GROUP] != ""]
    sizes = groups.drop_duplicates([columns.BENCH, columns.DATASET, columns.GROUP])
    named = ", ".join(f"{row[columns.GROUP]} {row[columns.N]}" for row in records(sizes)[:_MOST_NAMED])
    more = len(sizes) - _MOST_NAMED
    for bench, dataset, rows in tables.by_dataset():
        own = sizes[(sizes[columns.BENCH] == bench) & (sizes[columns.DATASET] == dataset)]
        n = int(rows[columns.N].max())
        if len(own) and n > own[columns.N].sum():
            yield f"{n - int(own[columns.N].sum()):,} of {n:,} networks are in groups of fewer than {SMALLEST_GROUP}"
    yield f"groups of {SMALLEST_GROUP} networks or more: {named}{f' and {more} more' if more > 0 else ''}"
    if combined_places(tables):
        yield (
            "combined: random effects, Fisher's z, variance between groups by Paule and Mandel, CI by Hartung and "
            "Knapp; what is said over all networks mixes differences between groups with those between networks"
        )
