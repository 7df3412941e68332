"""Does each proxy beat counting, and each count? All score tables, every benchmark, over cells and over networks."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from harness import columns
from harness.agreement import Row
from harness.agreement.interval import FEWEST_EFFECTIVE
from harness.errors import MissingDataError
from harness.files.results import write_files
from harness.report.escape import markdown_line
from harness.report.tables import correlation_text, interval_text, number, proxy_label, records
from harness.report.verdict import counting_answer, signed_text
from harness.settings import SMALLEST
from harness.space import BENCHMARKS
from harness.tables.scores import ScoreSources
from harness.tables.spec import TableSpec
from harness.tables.verdicts import Judged, judged, rows_of

_WORDS = {"no difference": "no better"}
_SIGNS = {"no difference": "=", "undecided": "?"}
_SAME = (*columns.SUBJECT, columns.N)


def write_counting(spec: TableSpec, sources: ScoreSources, out: Path) -> tuple[str, Path]:
    """Write NAME.md and NAME.csv; returns a summary and the path of the page.

    Raises:
        MissingDataError: no benchmark of the score tables has its truth here.
        OptionError, HarnessError: the folder cannot be written.
    """
    found: dict[tuple[str, str], Judged] = {}
    counts_only, without_truth = [], []
    for place in sources.places():
        if spec.bench and place[0] not in spec.bench:
            continue
        try:
            own = judged(sources, *place, spec.population)
        except MissingDataError as error:
            without_truth.append((place, str(error)))
            continue
        if own is None:
            counts_only.append(place)
        else:
            found[place] = own
    if not found:
        raise MissingDataError(without_truth[0][1] if without_truth else "No score table holds a proxy but counts.")
    table = pd.concat([one.verdicts for one in found.values()], ignore_index=True)
    kept = [name for name in columns.VERDICT if name not in (columns.COMPONENTS, columns.P_PARTIAL)]
    shown = table[kept].to_csv(index=False, float_format="%.4g", lineterminator="\n")
    omitted = {"Only counts have scores": counts_only, "No ground truth here": [place for place, _ in without_truth]}
    page = "\n".join(_page(spec, found, omitted))
    write_files(out, {f"{spec.name}.md": f"{page}\n".encode(), f"{spec.name}.csv": shown.encode()})
    return _summary(table), out / f"{spec.name}.md"


def _summary(table: pd.DataFrame) -> str:
    answers = [
        tuple(_answer(records(own), networks).split(":")[0] for networks in (False, True))
        for _, own in table.groupby(list(_SAME), sort=False)
    ]
    over_cells, over_networks = (sum(one[at] == "yes" for one in answers) for at in (0, 1))
    disagree = sum(cells != networks for cells, networks in answers)
    return (
        f"{len(answers)} columns of scores: {over_cells} beat counting over cells, {over_networks} over networks; "
        f"the two disagree on {disagree}."
    )


def _page(
    spec: TableSpec, found: Mapping[tuple[str, str], Judged], omitted: Mapping[str, Sequence[tuple[str, str]]]
) -> Iterator[str]:
    table = pd.concat([one.verdicts for one in found.values()], ignore_index=True)
    yield from (f"# {spec.title}", "", f"    python -m harness.tables table={spec.name}", "", _summary(table), "")
    yield from (f"- {line}" for line in (*_legend(spec), *spec.notes))
    for (bench, dataset), own in found.items():
        words = BENCHMARKS.get(bench).populations[spec.population]
        yield from ("", f"## {bench} / {dataset}", "")
        yield (
            f"Ground truth: {own.evaluated[0].truth.name}. Population: {spec.population} ({words}). "
            f"Counts with scores: {', '.join(own.counts)}."
        )
        yield from ("", *_table(own))
    for said, places in omitted.items():
        if places:
            yield from ("", f"{said}: {', '.join(map(' / '.join, places))}.")


def _legend(spec: TableSpec) -> Iterator[str]:
    yield "delta: tau of the proxy less that of the count, on the rows that both have; cells / networks."
    yield (
        "Whole space: exact for this space, truth and seed. yes or no if delta exceeds "
        f"{SMALLEST:g} and twice the standard error of the truth; `=` is no difference that matters."
    )
    yield (
        "Sample: yes or no if p, by Holm over the columns of the data set that have one, is below .05; otherwise "
        f"`?`, undecided. `-`: fewer than {FEWEST_EFFECTIVE} effective classes, so neither interval nor p."
    )
    yield (
        "beats counting: yes if it beats every count, otherwise those that it does not beat. no: falls behind them; no "
        "better: no difference that matters; undecided. A count that is equal for all architectures is none."
    )
    yield f"{spec.name}.csv has every comparison with intervals, p, effective classes, standard errors and partial tau."


def _table(own: Judged) -> Iterator[str]:
    has_networks = bool((own.verdicts[columns.TAU_NETWORKS] != own.verdicts[columns.TAU]).any())
    taus = ["tau", "networks"] if has_networks else ["tau"]
    beats = ["beats counting, cells", "networks"] if has_networks else ["beats counting"]
    heads = ["proxy", "protocol, inputs", "n", *taus, *(f"- {name}" for name in own.counts), *beats]
    yield markdown_line(heads)
    yield markdown_line(["---", "---", *["---:"] * (len(heads) - 2 - len(beats)), *["---"] * len(beats)])
    for evaluated, analysis, table in zip(own.evaluated, own.analyses, own.tables, strict=True):
        for row in sorted(analysis.rows, key=lambda one: -np.nan_to_num(one.agreement.correlations.tau, nan=-2)):
            rows = records(rows_of(table, row.row_key))
            yield markdown_line(list(_cells(row, rows, own.counts, (evaluated.index.size, has_networks))))


def _cells(
    row: Row, rows: Sequence[dict[str, object]], counts: Sequence[str], shown: tuple[int, bool]
) -> Iterator[str]:
    key, agreement, (n, has_networks) = row.row_key, row.agreement, shown
    by_count = {str(one[columns.BASELINE]): one for one in rows}
    yield f"{proxy_label(rows[0])}" if rows else key.proxy
    yield f"{key.protocol}, {key.inputs}"
    yield f"{agreement.counts.n:,}" + ("" if n == agreement.n_population else f" of {agreement.n_population:,}")
    for found in (agreement.cells, agreement.networks)[: 2 if has_networks else 1]:
        interval = found.tau_generalisation
        yield f"{correlation_text(found.correlations.tau)} {interval_text(*interval)}"
    for name in counts:
        one = by_count.get(name)
        yield (
            "-" if one is None else " / ".join(_delta(one, networks) for networks in (False, True)[: 1 + has_networks])
        )
    for networks in (False, True)[: 1 + has_networks]:
        yield _answer(rows, networks)


def _answer(rows: Sequence[dict[str, object]], networks: bool) -> str:
    """Yes, or what it is with the counts that are not beaten: "no: flops_live"."""
    answer, names = counting_answer(rows, networks=networks)
    return answer if answer == "yes" else f"{_WORDS.get(answer, answer)}: {', '.join(names)}"


def _delta(row: dict[str, object], networks: bool) -> str:
    delta, beats, p = (
        (columns.DELTA_NETWORKS, columns.BEATS_NETWORKS, columns.P_NETWORKS)
        if networks
        else (columns.DELTA, columns.BEATS, columns.P)
    )
    value, answer = number(row[delta]), str(row[beats])
    if math.isnan(value):
        return "-"
    if row[columns.ENUMERATED] == "no" and math.isnan(number(row[p])):
        answer = "-"
    return f"{signed_text(value)} {_SIGNS.get(answer, answer)}"
