"""Sentences of the verdict: does a proxy beat counting, and does it add information beyond a count?"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import pandas as pd

from harness import columns
from harness.agreement.interval import FEW_EFFECTIVE
from harness.columns import NO_SEED
from harness.report.baselines import baseline_rows
from harness.report.escape import table_line
from harness.report.evaluation import EvaluationTables
from harness.report.tables import (
    correlation_text,
    count_text,
    has_networks,
    interval_text,
    number,
    proxy_label,
    records,
)

NAMES = {
    "params": "#Params",
    "params_live": "#Params of live operations",
    "flops_live": "FLOPs of live operations",
    "n_convs_live": "the number of live convolutions",
    "depth": "depth",
    "sum_log_layer_size": "the sum of log layer sizes",
}
MAIN, LIVE = "params", "flops_live"
NO_DIFFERENCE = "no difference"
_ANSWERS = {NO_DIFFERENCE: "no difference that matters"}
_CELLS = {
    "delta": (columns.DELTA, columns.DELTA_LOW, columns.DELTA_HIGH),
    "partial": (columns.PARTIAL_TAU, columns.PARTIAL_LOW, columns.PARTIAL_HIGH),
    "p": (columns.P, columns.P_HOLM),
    "family": (columns.N_FAMILY,),
    "beats": (columns.BEATS,),
    "effective": (columns.N_EFFECTIVE,),
    "errors": (columns.TRUTH_ERROR, columns.SEED_ERROR),
}
_NETWORKS = {
    "delta": (columns.DELTA_NETWORKS, columns.DELTA_NETWORKS_LOW, columns.DELTA_NETWORKS_HIGH),
    "partial": (columns.PARTIAL_TAU_NETWORKS, columns.PARTIAL_NETWORKS_LOW, columns.PARTIAL_NETWORKS_HIGH),
    "p": (columns.P_NETWORKS, columns.P_HOLM_NETWORKS),
    "family": (columns.N_FAMILY_NETWORKS,),
    "beats": (columns.BEATS_NETWORKS,),
    "effective": (columns.N_EFFECTIVE_NETWORKS,),
    "errors": (columns.TRUTH_ERROR_NETWORKS, columns.SEED_ERROR_NETWORKS),
}
_Row = dict[str, object]
_Names = Mapping[str, tuple[str, ...]]


def verdict_sentences(tables: EvaluationTables, *, baseline: str) -> Iterator[tuple[str, str]]:
    """("bench / data set", "zico beats #Params: over cells no, delta ...") of each proxy that is no baseline."""
    for row, label in _of_proxies(tables.verdicts, baseline):
        yield _place(row), f"{label} beats {NAMES.get(baseline, baseline)}: {_both(row, _verdict, 'beats')}"


def more_sentences(tables: EvaluationTables, *, baseline: str) -> Iterator[tuple[str, str]]:
    """("bench / data set", "zico adds information beyond #Params: yes, partial tau ...") of each proxy."""
    for row, label in _of_proxies(tables.verdicts, baseline):
        name = NAMES.get(baseline, baseline)
        yield _place(row), f"{label} adds information beyond {name}: {_both(row, _more, '')}"


def counting_sentences(tables: EvaluationTables) -> Iterator[tuple[str, str]]:
    """("bench / data set", "zico beats counting: over cells no (not ...); ...") of each proxy that is no baseline."""
    rows = tables.verdicts[~baseline_rows(tables.verdicts)]
    keys = [name for name in (*columns.SUBJECT, columns.COMPONENTS, columns.POPULATION) if name in rows]
    several = _several(tables.verdicts)
    for _, own in rows.groupby(keys, sort=False, dropna=False):
        each = records(own)
        first, text = each[0], _counting(each, networks=False)
        if any(map(has_networks, each)):
            networks = _counting(each, networks=True)
            text = f"over cells {text}; over networks {networks}{_disagreement(text.split()[0], networks.split()[0])}"
        yield _place(first), f"{_label(first, with_seed=several)} beats counting: {text}"


def counting_answer(rows: Sequence[_Row], *, networks: bool) -> tuple[str, list[str]]:
    """Whether one proxy beats counting, from its rows of `verdict.csv`, and the baselines that decide it.

    Yes where every count is beaten; otherwise no, "no difference" or undecided, in this order, with the counts that are
    not. A count whose tau is not defined there, as depth where all networks are equally deep, is none.
    """
    beats = (_NETWORKS if networks else _CELLS)["beats"][0]
    answers = {
        str(row[columns.BASELINE]): str(row[beats]) for row in rows if not math.isnan(number(row[columns.BASELINE_TAU]))
    }
    for answer in ("no", NO_DIFFERENCE, "undecided"):
        names = [name for name, found in answers.items() if found == answer]
        if names:
            return answer, names
    return ("yes" if answers else "undecided"), list(answers)


_SAID = {"no": "no (falls behind ", NO_DIFFERENCE: "no (no better than "}


def _counting(rows: Sequence[_Row], *, networks: bool) -> str:
    """Yes where every count is beaten, no where one is not, with those that are not."""
    answer, names = counting_answer(rows, networks=networks)
    delta = (_NETWORKS if networks else _CELLS)["delta"][0]
    if all(math.isnan(number(row[delta])) for row in rows):
        return f"{answer} (tau is not defined)"
    return f"{_SAID.get(answer, f'{answer} (')}{', '.join(NAMES.get(name, name) for name in names)})"


def _of_proxies(rows: pd.DataFrame, baseline: str) -> Iterator[tuple[_Row, str]]:
    several = _several(rows)
    for row in records(rows[~baseline_rows(rows) & (rows[columns.BASELINE] == baseline)]):
        yield row, _label(row, with_seed=several)


def _several(rows: pd.DataFrame) -> bool:
    return len(set(rows[columns.SEED]) - {NO_SEED}) > 1


def _label(row: _Row, *, with_seed: bool) -> str:
    """The proxy, and of how many seeds it is the mean."""
    n_seeds = number(row[columns.N_DECIDING_SEEDS])
    return f"{proxy_label(row)} (mean of {n_seeds:.0f} seeds)" if n_seeds > 1 else proxy_label(row, with_seed=with_seed)


def _place(row: _Row) -> str:
    return f"{row[columns.BENCH]} / {row[columns.DATASET]}"


def _both(row: _Row, said: Callable[[_Row, _Names], str], answer: str) -> str:
    """What is said over cells and over networks, and whether the two disagree; once where they are the same."""
    cells = said(row, _CELLS)
    if not has_networks(row):
        return cells
    networks = said(row, _NETWORKS)
    firsts = (str(row[_CELLS[answer][0]]), str(row[_NETWORKS[answer][0]])) if answer else (
        cells.partition(",")[0], networks.partition(",")[0]
    )  # fmt: skip
    return f"over cells {cells}; over networks {networks}{_disagreement(*firsts)}"


def _disagreement(cells: str, networks: str) -> str:
    return "" if cells == networks else "; the two disagree"


def _verdict(row: _Row, names: _Names) -> str:
    delta, low, high = (number(row[name]) for name in names["delta"])
    if math.isnan(delta):
        return _undefined(row)
    answer = str(row[names["beats"][0]])
    effective = number(row[names["effective"][0]])
    text = f"{_ANSWERS.get(answer, answer)}, delta tau {signed_text(delta)}"
    if not math.isnan(low):
        text += f" {interval_text(low, high)}"
    elif not math.isnan(effective):
        text += f" (no interval over classes: {effective:.1f} effective classes)"
    if row[columns.ENUMERATED] == "yes":
        errors = [number(row[name]) for name in names["errors"]]
        known = [error for error in errors if not math.isnan(error)]
        return f"{text}, exact for this population" + (
            f", SE of truth {_error_text(math.hypot(*known))}" if known else ""
        )
    p, p_holm = (number(row[name]) for name in names["p"])
    if math.isnan(p):
        return text
    if row[columns.DECLARED] == "yes":
        text += f", p {p_text(p)} (declared beforehand)"
    elif number(n_family := row[names["family"][0]]) > 1:
        text += f", p {p_text(p)}, {p_text(p_holm)} by Holm over {count_text(n_family)} proxies"
    else:
        text += f", p {p_text(p)}"
    return text + (f" (only {effective:.1f} effective classes)" if effective < FEW_EFFECTIVE else "")


def _undefined(row: _Row) -> str:
    return f"undecided, tau is not defined on the {count_text(row[columns.N])} rows that both have"


def _more(row: _Row, names: _Names) -> str:
    partial, low, high = (number(row[name]) for name in names["partial"])
    if math.isnan(partial):
        return _undefined(row) if math.isnan(number(row[names["delta"][0]])) else "no, they rank alike"
    if row[columns.ENUMERATED] == "yes":
        answer = "yes" if partial > number(row[columns.SMALLEST]) else "no"
    else:
        answer = "yes" if low > 0 else "no" if high < 0 else "undecided"
    interval = " (no interval over classes)" if math.isnan(low) else f" {interval_text(low, high)}"
    return f"{answer}, partial tau {correlation_text(partial)}{interval}"


def signed_text(value: float) -> str:
    """A difference with its sign: +.042, -.007."""
    text = correlation_text(value)
    return text if value < 0 or math.isnan(value) or text == ".000" else f"+{text}"


def p_text(p: float) -> str:
    """A probability to two digits: .034, < .001, -."""
    if math.isnan(p):
        return "-"
    return "< .001" if p < 0.001 else f"{p:.3f}".replace("0.", ".", 1) if p < 0.9995 else "1"


def _error_text(error: float) -> str:
    return f"{error:.4f}".replace("0.", ".", 1)


def verdict_lines(tables: EvaluationTables) -> Iterator[str]:
    """The table of all comparisons, as Markdown lines without a heading; a line for networks below that for cells."""
    yield table_line((
        "bench", "data set", "proxy", "baseline", "votes", "n", "delta tau", "95 % CI", "effective classes",
        "p", "p (Holm)", "beats it", "partial tau", "95 % CI",
    ))  # fmt: skip
    yield table_line(("---",) * 5 + ("---:",) * 6 + ("---", "---:", "---:"))
    rows = tables.verdicts
    several = _several(rows)
    for row in records(rows):
        for votes, names in (("cells", _CELLS), ("networks", _NETWORKS))[: 2 if has_networks(row) else 1]:
            delta, low, high = (number(row[name]) for name in names["delta"])
            partial, partial_low, partial_high = (number(row[name]) for name in names["partial"])
            effective = number(row[names["effective"][0]])
            yield table_line((
                str(row[columns.BENCH]),
                str(row[columns.DATASET]),
                _label(row, with_seed=several),
                str(row[columns.BASELINE]),
                votes,
                count_text(row[columns.N]),
                signed_text(delta),
                interval_text(low, high),
                "-" if math.isnan(effective) else f"{effective:,.1f}",
                *(p_text(number(row[name])) for name in names["p"]),
                str(row[names["beats"][0]]),
                correlation_text(partial),
                interval_text(partial_low, partial_high),
            ))  # fmt: skip


def legend(tables: EvaluationTables) -> Iterator[str]:
    """What the columns of `verdict_lines` are and what verdicts ask for."""
    rows = tables.verdicts
    yield "delta tau: the proxy's tau less the baseline's, on the rows that both have, infinite scores at the ends."
    yield (
        "95 % CI: influence functions clustered by isomorphism class, t with Satterthwaite's degrees of freedom; none "
        "below 5 effective classes, a rough one below 20."
    )
    if rows[columns.ENUMERATED].eq("yes").any():
        yield (
            "The whole population was evaluated: the difference is exact for this space, truth and seed, and has no p. "
            f"yes or no: it exceeds {number(rows[columns.SMALLEST].iloc[0]):g} and twice the standard error of truth "
            "and seeds together. An interval over classes would be about a superpopulation: other spaces whose classes "
            "were drawn as those of this one were, of which there is no such thing to draw from."
        )
    if rows[columns.ENUMERATED].eq("no").any():
        yield "p: two-sided, of the same t; by Holm over the proxies that are compared with that baseline there."
        yield "yes or no: the interval leaves 0 out and p is below .05, by Holm unless declared beforehand."
    if any(map(has_networks, records(rows))):
        yield "cells: each architecture has one vote; networks: each isomorphism class has one, whatever its names."
    alone = rows[(rows[columns.N_DECIDING_SEEDS] == 1) & (rows[columns.SEED] != NO_SEED)]
    names = dict.fromkeys(alone[~baseline_rows(alone)][columns.PROXY])
    if names:
        yield f"One seed of {', '.join(names)}: how far another seed would move delta is not included; seeds=K says."
    if rows[columns.TRUTH_ERROR].isna().all() and rows[columns.ENUMERATED].eq("yes").any():
        yield "The noise of the truth is unknown: nothing was trained twice."
    yield "partial tau: agreement with the truth given the baseline; near 0, the proxy adds nothing to the count."
