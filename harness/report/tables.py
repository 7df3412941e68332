"""The agreement table for the terminal, and the texts of its cells, which the Markdown report shares."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd
from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from harness import columns
from harness.agreement.interval import FEW_EFFECTIVE, FEWEST_EFFECTIVE
from harness.agreement.measure import FEWEST_CLUSTERS
from harness.columns import NO_SEED
from harness.ensembles import ENSEMBLES
from harness.report.baselines import baseline_rows, is_baseline_row
from harness.report.evaluation import JSON, EvaluationTables
from harness.truth.table import UNSTATED

TERMINAL_WIDTH = 100
MISSING = "-"
UNUSED = "none"  # in a column of a setting, for a proxy whose value does not depend on it
MOST_NAMED = 3
GENERALISATION = (
    "generalisation: 95 % CI, cluster bootstrap over isomorphism classes: uncertainty for unseen architectures"
)
SAMPLING = "sampling: 95 % CI, finite-population corrected: uncertainty about the whole population's value"


def terminal_table(tables: EvaluationTables) -> RenderableType:
    """The table and the notes below it, for `TERMINAL_WIDTH` columns; best tau first within a data set."""
    with_networks = any(map(has_networks, records(tables.agreement)))
    # One column more has to fit: a single space between columns then.
    padding = (0, 0 if with_networks else 1)
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=padding, collapse_padding=True)
    for name in ("bench", "data set", "proxy"):
        table.add_column(name, overflow="fold")
    heads = ("n", "tau [low, high]", "networks [low, high]", "rho") if with_networks else (
        "n", "tau [low, high]", "rho [low, high]"
    )  # fmt: skip
    for name in (*heads, "s/net"):
        table.add_column(name, justify="right", no_wrap=True)
    for bench, dataset, rows in tables.with_baselines():
        seeds_differ = len(set(rows[columns.SEED]) - {NO_SEED}) > 1
        place = (bench, dataset)
        for row in records(rows):
            style = "dim" if is_baseline_row(row) else ""
            measured = networks_cells(row) if with_networks else measured_cells(row)
            cells = (*place, proxy_label(row, with_seed=seeds_differ), *measured)
            # Text, because rich would interpret "[...]" as markup.
            table.add_row(*(Text(cell) for cell in cells), style=style)
            place = ("", "")
        table.add_section()
    return Group(table, *(Text(line) for line in notes(tables)))


def notes(tables: EvaluationTables) -> list[str]:
    """Notes below the table: what all rows share, what the brackets mean, missing and infinite scores."""
    shared = "; ".join(
        f"{label} {setting_text(tables.agreement, name)}"
        for label, name in (("inputs", columns.INPUTS), ("protocol", columns.PROTOCOL), ("seed", columns.SEED))
    )
    lines = [*truth_lines(tables), shared, f"[low, high] {GENERALISATION}", *network_notes(tables)]
    lines += small_samples(tables.agreement)
    if len(tables.beside) or baseline_rows(tables.agreement).any():
        lines.append("* baseline: a count that needs no network run")
    lines += ensemble_notes(tables)
    for row in records(tables.agreement):
        if row[columns.N_NAN] or row[columns.N_INF]:
            place = (str(row[columns.BENCH]), str(row[columns.DATASET]))
            why = most_frequent(tables.failures.get((*place, str(row[columns.PROXY])), {}))
            lines.append(f"{' '.join(place)} {proxy_label(row)}: {left_out(row)}{why}")
    return lines


def setting_text(table: pd.DataFrame, name: str) -> str:
    """The values of a setting in a table; of inputs, also which rows need none: "real (counts need none)"."""
    used = [value for value in dict.fromkeys(map(str, table[name])) if value != UNUSED]
    if not used:
        return UNUSED
    without = table[table[name] == UNUSED]
    if name != columns.INPUTS or without.empty:
        return ", ".join(used)
    others = list(dict.fromkeys(without[columns.PROXY][~baseline_rows(without)]))
    counts = ["counts"] if baseline_rows(without).any() else []
    who = [*counts, *(others if len(others) <= MOST_NAMED else [f"{len(others)} other proxies"])]
    verb = "need" if len(who) > 1 or counts or len(others) > MOST_NAMED else "needs"
    return f"{', '.join(used)} ({' and '.join([', '.join(who[:-1]), who[-1]] if who[1:] else who)} {verb} none)"


def small_samples(table: pd.DataFrame) -> list[str]:
    """A line on each data set where a row has no interval because too few different architectures have a score."""
    few = table[table[columns.TAU].notna() & (table[columns.N_CLASSES] < FEWEST_CLUSTERS)]
    lines = []
    for (bench, dataset), rows in few.groupby([columns.BENCH, columns.DATASET], sort=False):
        n, n_classes = int(rows[columns.N].max()), int(rows[columns.N_CLASSES].max())
        what = f"n = {n}" if n < FEWEST_CLUSTERS else f"{n_classes} different architectures among {n}"
        lines.append(
            f"no interval on {bench} / {dataset}: {what}; a sample below {FEWEST_CLUSTERS} is too small for one"
        )
    return lines


def truth_lines(tables: EvaluationTables) -> list[str]:
    """A line per truth column with its description from the provenance; one per description if a name has several."""
    described = tables.provenance.get(columns.TRUTH)
    places: dict[tuple[str, str], list[str]] = {}
    for bench, dataset, rows in tables.by_dataset():
        name = str(rows[columns.TRUTH].iloc[0])
        column = described.get(f"{bench}/{dataset}") if isinstance(described, Mapping) else None
        meaning = f" ({truth_meaning(column)})" if isinstance(column, Mapping) else ""
        places.setdefault((name, meaning), []).append(f"{bench} / {dataset}")
    n_meanings = Counter(name for name, _ in places)
    lines = []
    for (name, meaning), found in places.items():
        where = f" on {', '.join(found)}" if n_meanings[name] > 1 else ""
        lines.append(f"truth: {name}{where}{meaning}")
    return lines


def truth_meaning(column: Mapping[str, JSON]) -> str:
    """A truth column in words, from its description: split, metric, epochs, unit, note."""
    split = "" if column.get("split") in (None, "none") else f"{column['split']} "
    split = "split unstated, " if column.get("split") == UNSTATED else split
    metric = "metric unstated" if column.get("metric") == UNSTATED else column.get("metric")
    epochs = f" after {column['epochs']} epochs" if column.get("epochs") else ""
    unit = f", {column['unit']}" if column.get("unit") else ""
    note = f"; {column['note']}" if column.get("note") else ""
    lower = "" if column.get("higher_is_better", True) else "; lower is better, so tau and rho use its negative"
    return f"{split}{metric}{epochs}{unit}{note}{lower}"


def ensemble_notes(tables: EvaluationTables) -> list[str]:
    """The components of each ensemble; one line for all ensembles of the same proxies."""
    names: dict[str, list[str]] = {}
    for row in records(tables.agreement[tables.agreement[columns.COMPONENTS] != ""]):
        names.setdefault(str(row[columns.COMPONENTS]), []).append(str(row[columns.PROXY]))
    notes = [
        f"+ ensemble: {', '.join(dict.fromkeys(ensembles))} over {components.replace('+', ', ')}; s/net is their sum"
        for components, ensembles in names.items()
    ]
    found = dict.fromkeys(name for ensembles in names.values() for name in ensembles)
    learning = [name for name in found if name in ENSEMBLES and ENSEMBLES.get(name).needs_truth]
    if learning:
        notes.append(f"+ {', '.join(learning)} uses the ground truth of the sample's other networks: not training-free")
    return notes


def records(rows: pd.DataFrame) -> list[dict[str, object]]:
    """Each row as a dictionary by column name."""
    return [{str(name): cell for name, cell in row.items()} for row in rows.to_dict("records")]


def left_out(row: dict[str, object]) -> str:
    """The numbers of excluded rows and of infinite scores, as a clause."""
    n_nan, n_inf = count_text(row[columns.N_NAN]), count_text(row[columns.N_INF])
    return f"n_nan {n_nan} (no score or no truth: excluded), n_inf {n_inf} (ranked first or last)"


def most_frequent(reasons: Mapping[str, int]) -> str:
    """The most frequent reason for missing scores, as a clause to append; empty if there is none."""
    if not reasons:
        return ""
    reason, n_times = max(reasons.items(), key=lambda item: item[1])
    return f"; {sum(reasons.values()):,} without a score, most often ({n_times:,}) with: {' '.join(reason.split())}"


def proxy_label(row: dict[str, object], *, with_seed: bool = False) -> str:
    """Proxy with its options, its seed if seeds differ, and a mark: a star for a baseline, a plus for an ensemble."""
    mark = "*" if is_baseline_row(row) else "+" if row[columns.COMPONENTS] else ""
    parts = [f"{row[columns.PROXY]}{mark}"]
    if row[columns.OPTIONS]:
        parts.append(f"({row[columns.OPTIONS]})")
    if with_seed and row[columns.SEED] != NO_SEED:
        parts.append(f"seed {row[columns.SEED]}")
    return " ".join(parts)


def measured_cells(row: dict[str, object]) -> tuple[str, str, str, str]:
    """Texts of n, tau and rho with their generalisation intervals, and seconds per network."""
    return (
        count_text(row[columns.N]),
        with_interval(row, (columns.TAU, columns.TAU_LOW, columns.TAU_HIGH)),
        with_interval(row, (columns.RHO, columns.RHO_LOW, columns.RHO_HIGH)),
        seconds_text(number(row[columns.SECONDS])),
    )


def networks_cells(row: dict[str, object]) -> tuple[str, str, str, str, str]:
    """Texts of n, tau over cells and over networks with their intervals, rho over cells, and seconds per network."""
    n, tau, _, seconds = measured_cells(row)
    names = (columns.TAU_NETWORKS, columns.TAU_NETWORKS_LOW, columns.TAU_NETWORKS_HIGH)
    return n, tau, with_interval(row, names), correlation_text(number(row[columns.RHO])), seconds


_ALL_SEEN = 0.995


def has_networks(row: dict[str, object]) -> bool:
    """Whether networks have several names here, so that one vote for each gives another value."""
    cells, networks = number(row[columns.TAU]), number(row[columns.TAU_NETWORKS])
    return not math.isnan(networks) and abs(cells - networks) > 1e-9


def network_notes(tables: EvaluationTables) -> list[str]:
    """What the votes of networks are, which population was evaluated, and where few classes carry the variance."""
    rows = tables.agreement
    notes = []
    if any(map(has_networks, records(rows))):
        notes.append("tau: each architecture (cell) has one vote; networks: each isomorphism class has one")
    described = tables.provenance.get(columns.POPULATION)
    words = dict.fromkeys(map(str, described.values())) if isinstance(described, Mapping) else {}
    notes += [f"population {line}" for line in words if not line.startswith("all:")]
    notes += coverage_notes(rows)
    effective = rows[columns.N_EFFECTIVE]
    if (effective < FEW_EFFECTIVE).any():
        ends = dict.fromkeys(f"{end:.1f}" for end in (effective.min(), effective.max()))
        notes.append(
            f"few effective classes over cells ({' to '.join(ends)}): intervals over "
            f"classes are rough below {FEW_EFFECTIVE} and left out below {FEWEST_EFFECTIVE}"
        )
    return notes


def coverage_notes(rows: pd.DataFrame) -> list[str]:
    """Which proxies saw only part of a network, in words; nothing where all saw everything."""
    parts = []
    for row in records(rows):
        shares = {what: number(row[f"coverage_{what}"]) for what in ("weights", "activations")}
        parts += [f"{row[columns.PROXY]} {seen:.0%} of the {what}" for what, seen in shares.items() if seen < _ALL_SEEN]
    return [f"of at least one network only a part was seen: {', '.join(dict.fromkeys(parts))}"] if parts else []


def with_interval(row: dict[str, object], names: Sequence[str]) -> str:
    """Text of a value and its interval, ".578 [.546, .605]"; the value alone if there is no interval."""
    value, low, high = (number(row[name]) for name in names)
    interval = "" if math.isnan(low) or math.isnan(high) else f" {interval_text(low, high)}"
    return correlation_text(value) + interval


def interval_text(low: float, high: float) -> str:
    """Text of an interval, "[.546, .605]"; "-" if there is none."""
    if math.isnan(low) or math.isnan(high):
        return MISSING
    return f"[{correlation_text(low)}, {correlation_text(high)}]"


def correlation_text(value: float) -> str:
    """Three decimals without the leading zero: .578, -.035, 1.000."""
    if math.isnan(value):
        return MISSING
    text = f"{value:.3f}"
    return {"-0.000": ".000"}.get(text, text.replace("0.", ".", 1) if abs(value) < 0.9995 else text)


def seconds_text(seconds: float) -> str:
    """CPU seconds per network to two digits, in a readable unit."""
    if math.isnan(seconds):
        return MISSING
    for factor, unit in ((1, "s"), (1e3, "ms"), (1e6, "us")):
        # Rounded first, so that 0.9999 s is "1 s" and not "1000 ms".
        scaled = float(f"{seconds * factor:.2g}")
        if scaled >= 1:
            return f"{scaled:g} {unit}"
    return "<1 us"


def count_text(count: object) -> str:
    """A count with thousands separators; "-" if an old table lacks it."""
    value = number(count)
    return MISSING if math.isnan(value) else f"{int(value):,}"


def amount_text(value: float) -> str:
    """Three significant digits, or all digits before the point with separators; "-" if NaN."""
    return MISSING if math.isnan(value) else f"{value:,.0f}" if 999.5 <= abs(value) < 1e12 else f"{value:.3g}"


def number(cell: object) -> float:
    """A cell of the table as a float; NaN if it is not a number."""
    return float(cell) if isinstance(cell, int | float) else math.nan
