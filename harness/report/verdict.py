"""Sentences of the verdict: does a proxy beat counting, and does it say more than a count does?"""

import math
from collections.abc import Iterator

from harness import columns
from harness.columns import NO_SEED
from harness.report.baselines import baseline_rows
from harness.report.escape import table_line
from harness.report.evaluation import EvaluationTables
from harness.report.tables import correlation_text, count_text, interval_text, number, proxy_label, records

NAMES = {
    "params": "#Params",
    "params_live": "#Params of live operations",
    "flops_live": "FLOPs of live operations",
    "sum_log_layer_size": "the sum of log layer sizes",
}
MAIN, LIVE = "params", "flops_live"


def verdict_sentences(tables: EvaluationTables, *, baseline: str) -> Iterator[tuple[str, str]]:
    """("bench / data set", "zico beats #Params: no, delta ...") of each proxy that is no baseline."""
    rows = tables.verdicts
    several = len(set(rows[columns.SEED]) - {NO_SEED}) > 1
    for row in records(rows[~baseline_rows(rows) & (rows[columns.BASELINE] == baseline)]):
        sentence = f"{proxy_label(row, with_seed=several)} beats {NAMES.get(baseline, baseline)}: {_verdict(row)}"
        yield f"{row[columns.BENCH]} / {row[columns.DATASET]}", sentence


def more_sentences(tables: EvaluationTables, *, baseline: str) -> Iterator[tuple[str, str]]:
    """("bench / data set", "zico says more than #Params: yes, partial tau ...") of each proxy that is no baseline."""
    rows = tables.verdicts
    several = len(set(rows[columns.SEED]) - {NO_SEED}) > 1
    for row in records(rows[~baseline_rows(rows) & (rows[columns.BASELINE] == baseline)]):
        sentence = f"{proxy_label(row, with_seed=several)} says more than {NAMES.get(baseline, baseline)}: {_more(row)}"
        yield f"{row[columns.BENCH]} / {row[columns.DATASET]}", sentence


def _verdict(row: dict[str, object]) -> str:
    delta = number(row[columns.DELTA])
    if math.isnan(delta):
        return f"undecided, tau is not defined on the {count_text(row[columns.N])} rows finite for both"
    interval = interval_text(number(row[columns.DELTA_LOW]), number(row[columns.DELTA_HIGH]))
    p = p_text(number(row[columns.P_HOLM]))
    return f"{row[columns.BEATS]}, delta tau {signed_text(delta)} {interval}, p {p}"


def _more(row: dict[str, object]) -> str:
    partial, low, high = (number(row[n]) for n in (columns.PARTIAL_TAU, columns.PARTIAL_LOW, columns.PARTIAL_HIGH))
    if math.isnan(partial):
        return "no, they rank alike"
    answer = "yes" if low > 0 else "no" if high < 0 else "undecided"
    return f"{answer}, partial tau {correlation_text(partial)} {interval_text(low, high)}"


def signed_text(value: float) -> str:
    """A difference with its sign: +.042, -.007."""
    text = correlation_text(value)
    return text if value < 0 or math.isnan(value) or text == ".000" else f"+{text}"


def p_text(p: float) -> str:
    """A probability to two digits: .034, < .001, -."""
    if math.isnan(p):
        return "-"
    return "< .001" if p < 0.001 else f"{p:.3f}".replace("0.", ".", 1) if p < 0.9995 else "1"


def verdict_lines(tables: EvaluationTables) -> Iterator[str]:
    """The table of all comparisons, as Markdown lines without a heading."""
    yield table_line(
        (
            "bench",
            "data set",
            "proxy",
            "baseline",
            "n",
            "delta tau",
            "95 %",
            "p (Holm)",
            "beats it",
            "partial tau",
            "95 %",
        )
    )
    yield table_line(("---", "---", "---", "---", "---:", "---:", "---:", "---:", "---", "---:", "---:"))
    rows = tables.verdicts
    several = len(set(rows[columns.SEED]) - {NO_SEED}) > 1
    for row in records(rows):
        yield table_line((
            str(row[columns.BENCH]),
            str(row[columns.DATASET]),
            proxy_label(row, with_seed=several),
            str(row[columns.BASELINE]),
            count_text(row[columns.N]),
            signed_text(number(row[columns.DELTA])),
            interval_text(number(row[columns.DELTA_LOW]), number(row[columns.DELTA_HIGH])),
            p_text(number(row[columns.P_HOLM])),
            str(row[columns.BEATS]),
            correlation_text(number(row[columns.PARTIAL_TAU])),
            interval_text(number(row[columns.PARTIAL_LOW]), number(row[columns.PARTIAL_HIGH])),
        ))  # fmt: skip


LEGEND = (
    "delta tau: the proxy's tau less the baseline's, on rows finite for both, canonical classes drawn together.",
    "p: two-sided, corrected by Holm for all proxies of one seed beside that baseline on that benchmark and data set.",
    "yes or no: the interval leaves 0 out and p is below .05; a proxy that ranks as the baseline does gets no.",
    "partial tau: agreement with the truth given the baseline; near 0, the proxy says no more than the count.",
)
