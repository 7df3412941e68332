"""Sections of the report beside the table of agreement: what a ranking finds, seeds, reliability of the truth."""

import math
from collections.abc import Iterator

from harness import columns
from harness.agreement import TOP
from harness.columns import NO_SEED
from harness.report.escape import table_line
from harness.report.evaluation import EvaluationTables
from harness.report.tables import correlation_text, count_text, interval_text, number, proxy_label, records


def selection_lines(tables: EvaluationTables) -> Iterator[str]:
    """What each ranking finds, as a Markdown table."""
    rows = tables.selection
    if rows.empty:
        yield "Nothing."
        return
    several = len(set(rows[columns.SEED]) - {NO_SEED}) > 1
    heads = ["bench", "data set", "proxy", "weighted tau", "tau, upper half", "tau, top decile"]
    heads += [f"top {k}" for k in TOP[1:]] + [f"regret of best of {k}" for k in TOP] + ["share the first place"]
    yield table_line(heads)
    yield table_line(["---"] * 3 + ["---:"] * (len(heads) - 3))
    for row in records(rows):
        cells = [str(row[columns.BENCH]), str(row[columns.DATASET]), proxy_label(row, with_seed=several)]
        names = (columns.WEIGHTED_TAU, columns.TAU_UPPER_HALF, columns.TAU_TOP_DECILE)
        cells += [correlation_text(number(row[name])) for name in names]
        cells += [_share(number(row[f"top{k}_overlap"])) for k in TOP[1:]]
        cells += [_amount(number(row[f"top{k}_regret"])) for k in TOP]
        yield table_line([*cells, count_text(row[columns.N_FIRST])])
    yield ""
    yield f"- top {' and '.join(map(str, TOP[1:]))}: share of the k best by score that are among the k best by truth."
    yield "- regret: the best truth of the sample less the best truth among the k best by score, in the truth's unit."
    yield "- Ties are in random order: each number is the expectation, for the best of 1 the mean of all that share it."


def seeds_lines(tables: EvaluationTables) -> Iterator[str]:
    """Spread over the proxies' own seeds beside that over architectures, as a Markdown table."""
    yield table_line(
        ("bench", "data set", "proxy", "seeds", "mean tau", "sd over seeds", "error over archs", "tau of two seeds")
    )
    yield table_line(("---", "---", "---", "---:", "---:", "---:", "---:", "---:"))
    for row in records(tables.seeds):
        cells = [str(row[columns.BENCH]), str(row[columns.DATASET]), proxy_label(row), count_text(row[columns.N_SEEDS])]
        names = (columns.TAU_MEAN, columns.TAU_SEED_SD, columns.TAU_ARCH_SE, columns.TAU_BETWEEN_SEEDS)
        yield table_line([*cells, *(correlation_text(number(row[name])) for name in names)])
    yield ""
    yield "- sd over seeds: other initial weights and batches, the same architectures."
    yield "- error over archs: the same seed, other canonical classes (generalisation interval / 3.92)."


def reference_lines(tables: EvaluationTables) -> Iterator[str]:
    """Shorter trainings as if they were proxies, as a Markdown table."""
    yield table_line(
        ("bench", "data set", "truth", "reference", "epochs", "n", "tau", "generalisation", "rho", "generalisation")
    )
    yield table_line(("---", "---", "---", "---", "---:", "---:", "---:", "---:", "---:", "---:"))
    for row in records(tables.reference):
        names = (columns.BENCH, columns.DATASET, columns.TRUTH, columns.REFERENCE_COLUMN)
        cells = [str(row[name]) for name in names] + [count_text(row[columns.EPOCHS]), count_text(row[columns.N])]
        for name, low, high in _COEFFICIENTS:
            cells += [correlation_text(number(row[name])), interval_text(number(row[low]), number(row[high]))]
        yield table_line(cells)
    yield ""
    yield "What some epochs of real training tell of the truth: no proxy, and at another cost."


_COEFFICIENTS = (
    (columns.TAU, columns.TAU_LOW, columns.TAU_HIGH),
    (columns.RHO, columns.RHO_LOW, columns.RHO_HIGH),
)


def reliability_lines(tables: EvaluationTables) -> Iterator[str]:
    """How far the truth agrees with itself, as a Markdown table."""
    yield table_line(("bench", "data set", "truth", "repeated", "pairs", "tau", "upper half", "top decile"))
    yield table_line(("---", "---", "---", "---", "---:", "---:", "---:", "---:"))
    for row in records(tables.reliability):
        cells = [str(row[name]) for name in (columns.BENCH, columns.DATASET, columns.TRUTH)]
        cells += [_REPEATED[str(row[columns.BETWEEN])], count_text(row[columns.N])]
        names = (columns.TAU, columns.TAU_UPPER_HALF, columns.TAU_TOP_DECILE)
        yield table_line([*cells, *(correlation_text(number(row[name])) for name in names)])
    yield ""
    yield (
        "Tau between separate trainings of one network. It shows how much of the order is training noise; it is no "
        "bound on a proxy's tau."
    )


_REPEATED = {
    "class": "canonical-equal architectures, one pair per class",
    "architecture": "canonical-equal architectures, a partner for each",
    "seeds": "seeds of one architecture",
}


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.0f} %"


def _amount(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3g}"
