"""Further sections of the report: top-k selection, seeds, early-epoch accuracy, reliability of the truth."""

import math
from collections.abc import Iterator

from harness import columns
from harness.agreement import TOP
from harness.columns import NO_SEED
from harness.report.escape import table_line
from harness.report.evaluation import EvaluationTables
from harness.report.tables import amount_text, correlation_text, count_text, interval_text, number, proxy_label, records

REFERENCE_TITLE = "Early-epoch accuracy as a reference"
RELIABILITY_TITLE = "Test-retest reliability of the ground truth"


def selection_lines(tables: EvaluationTables) -> Iterator[str]:
    """Top-k selection by each proxy, as a Markdown table, over cells and where they differ over networks."""
    if tables.selection.empty:
        yield "There is no ranking."
        return
    heads = ["weighted tau", "tau, upper half", "tau, top decile", *(f"top {k}" for k in TOP[1:])]
    heads += [*(f"regret of best of {k}" for k in TOP), "tied for first"]
    yield from _heading(heads)
    for row, cells, suffix in _votes(tables):
        names = (columns.WEIGHTED_TAU, columns.TAU_UPPER_HALF, columns.TAU_TOP_DECILE)
        cells += [correlation_text(number(row[name + suffix])) for name in names]
        cells += [_share(number(row[f"top{k}_overlap{suffix}"])) for k in TOP[1:]]
        cells += [amount_text(number(row[f"top{k}_regret{suffix}"])) for k in TOP]
        yield table_line([*cells, _weight(number(row[columns.N_FIRST + suffix]))])
    yield ""
    yield "- weighted tau: `scipy.stats.weightedtau`, in which errors at the top of the ranking weigh more."
    yield "- tau, upper half and top decile: Kendall's tau-b among the best half and tenth by ground truth."
    yield f"- top {' and top '.join(map(str, TOP[1:]))}: share of the top k by score that is in the top k by truth."
    yield "- regret, top k: best ground truth in the sample minus the best among the top k by score, in its unit."
    yield "- tied for first: architectures that share the highest score. Ties are broken at random: each number is the"
    yield "  expectation over tie-breaking."
    if any(map(_differ, records(tables.selection))):
        yield "- networks: each isomorphism class has one vote, so the top k is the architectures that weigh k"
        yield "  together, and a network that is picked has the accuracy of one of its trainings."


def more_selection_lines(tables: EvaluationTables) -> Iterator[str]:
    """NDCG, precision and agreement at equal cost of each proxy, as a Markdown table."""
    yield from _heading([
        *(f"precision@{k}" for k in columns.PRECISION_AT), *(f"nDCG@{k:,}" for k in columns.NDCG_AT),
        *(f"tau at equal {_COST_WORDS[cost]}" for cost in columns.COSTS),
    ])  # fmt: skip
    for row, cells, suffix in _votes(tables):
        cells += [_share(number(row[f"precision{k}{suffix}"])) for k in columns.PRECISION_AT]
        cells += [correlation_text(number(row[f"ndcg{k}{suffix}"])) for k in columns.NDCG_AT]
        yield table_line([*cells, *(correlation_text(number(row[f"tau_equal_{c}{suffix}"])) for c in columns.COSTS)])
    yield ""
    yield "- precision@k: share of the top k by score that belongs to the best tenth by ground truth."
    yield "- nDCG@k: quality of the top k by score relative to the best possible order, from 0 to 1, as in VKDNW"
    yield "  (arXiv:2502.04975): gain 2^accuracy - 1 with the accuracy in percent, discounted by log2(1 + place). One"
    yield "  percent more accuracy doubles the gain, so a few excellent architectures decide."
    yield "- tau at equal FLOPs (parameters): Kendall's tau-b over the pairs of architectures whose counts are within"
    yield "  10 % of each other, as a search under a budget compares them; the count itself says nothing there."


REST_TITLE = "Precision, nDCG and agreement at equal cost"
_COST_WORDS = {"flops": "FLOPs", "params": "parameters"}
_CELLS, _NETWORKS = "cells", "networks"


def _differ(row: dict[str, object]) -> bool:
    """Whether networks have several names here, so that one vote for each finds something else."""
    both = ((number(row[name]), number(row[name + columns.NETWORKS])) for name in columns.FOUND)
    return any(abs(cells - networks) > 1e-9 for cells, networks in both)


def _heading(heads: list[str]) -> Iterator[str]:
    yield table_line(["bench", "data set", "proxy", "one vote per", *heads])
    yield table_line(["---"] * 4 + ["---:"] * len(heads))


def _votes(tables: EvaluationTables) -> Iterator[tuple[dict[str, object], list[str], str]]:
    """Rows of the selection with their first cells and the suffix of their columns: over cells, then over networks."""
    several = len(set(tables.selection[columns.SEED]) - {NO_SEED}) > 1
    for row in records(tables.selection):
        cells = [str(row[columns.BENCH]), str(row[columns.DATASET]), proxy_label(row, with_seed=several)]
        yield row, [*cells, _CELLS], ""
        if _differ(row):
            yield row, [*cells, _NETWORKS], columns.NETWORKS


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
    yield "- SD over seeds: standard deviation of tau over initial weights and batches, on the same architectures."
    yield "- SE over archs: standard error over isomorphism classes for one seed (generalisation interval / 3.92)."
    yield "- tau between seeds: mean Kendall's tau-b between the scores of two seeds."


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
    yield "Rank correlation of the accuracy after a few epochs of training with the ground truth, with 95 % CIs. Not a"
    yield "proxy: it needs training and costs accordingly."


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
        "tau: Kendall's tau-b between two independent trainings of the same network; pairs: how many; upper half "
        "and top decile: tau among the best half and tenth. It shows how much of the ranking is training noise; it is "
        "not an upper bound on a proxy's tau."
    )


_REPEATED = {
    "class": "isomorphic architectures, one pair per class",
    "architecture": "isomorphic architectures, one partner for each",
    "seeds": "training seeds of one architecture",
}


def _share(value: float) -> str:
    return "-" if math.isnan(value) else f"{100 * value:.0f} %"


def _weight(value: float) -> str:
    """How many cells or networks; a part of a network where only some of its cells are counted."""
    return "-" if math.isnan(value) else f"{value:,.1f}".removesuffix(".0")
