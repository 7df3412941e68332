"""report.md: the command, the agreement table with both intervals, missing scores, the verdicts, provenance."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import chain

from harness import columns
from harness.report.baselines import baseline_rows
from harness.report.escape import code, code_block, prose, table_line
from harness.report.evaluation import JSON, EvaluationTables
from harness.report.sections import (
    REFERENCE_TITLE,
    RELIABILITY_TITLE,
    REST_TITLE,
    more_selection_lines,
    reference_lines,
    reliability_lines,
    seeds_lines,
    selection_lines,
)
from harness.report.tables import (
    GENERALISATION,
    SAMPLING,
    correlation_text,
    count_text,
    ensemble_notes,
    has_networks,
    interval_text,
    left_out,
    most_frequent,
    network_notes,
    number,
    proxy_label,
    records,
    seconds_text,
    setting_text,
    small_samples,
    truth_lines,
)
from harness.report.verdict import (
    LIVE,
    MAIN,
    counting_sentences,
    legend,
    more_sentences,
    verdict_lines,
    verdict_sentences,
)
from harness.report.within import WITHIN_TITLE, within_lines

_COMMAND, _CONFIG = "command", "config"


# Captions of the figures, in the order of the report.
PICTURES = {
    "forest.png": "Tau of each proxy minus that of the baselines, with 95 % CIs",
    "heatmap.png": "Tau of each proxy on each benchmark and data set",
    "cost.png": "Tau against CPU seconds per network",
    "topk.png": "Regret of top-k selection",
    "scatter.png": "Ground truth against the score of each proxy",
}


def markdown_report(tables: EvaluationTables, *, pictures: Collection[str] = ("scatter.png",)) -> str:
    """The report as Markdown text; `pictures` are those of `PICTURES` that are in the same folder."""
    sections = (
        *([(WITHIN_TITLE, list(within_lines(tables)))] if len(tables.within) else []),
        ("Rank correlation with the ground truth", [*_table(tables), "", *_legend(tables)]),
        *([("Unfinished", _bullets(_unfinished(tables)))] if "unfinished" in tables.provenance else []),
        *([("Scores computed elsewhere", _bullets(_how_read(tables)))] if "scores" in tables.provenance else []),
        ("Missing and infinite scores", _bullets(_left_out(tables))),
        ("Comparison with the baselines", list(_verdicts(tables))),
        ("Top-k selection", list(selection_lines(tables))),
        *([(REST_TITLE, list(more_selection_lines(tables)))] if len(tables.selection) else []),
        *([("Variation over seeds", list(seeds_lines(tables)))] if len(tables.seeds) else []),
        *([(REFERENCE_TITLE, list(reference_lines(tables)))] if len(tables.reference) else []),
        *([(RELIABILITY_TITLE, list(reliability_lines(tables)))] if len(tables.reliability) else []),
        ("Figures", _pictures(pictures)),
        ("Provenance", list(provenance_lines(tables.provenance))),
    )
    text = ["# Evaluation", "", *_request(tables)]
    for title, lines in sections:
        text += ["", f"## {title}", "", *(line if _is_made(line) else _shown(line) for line in lines)]
    return "\n".join(text) + "\n"


def _is_made(line: str) -> bool:
    """Whether a line is one of a table, whose cells are escaped already, or a picture of `PICTURES`."""
    return line.startswith(("| ", "![")) or not line


def _shown(line: str) -> str:
    bullet = "- " if line.startswith("- ") else ""
    return bullet + prose(line.removeprefix("- "))


def _pictures(names: Collection[str]) -> list[str]:
    lines = [line for name, shown in PICTURES.items() if name in names for line in (f"![{shown}]({name})", "")]
    return lines[:-1]


def _request(tables: EvaluationTables) -> Iterator[str]:
    command = tables.provenance.get(_COMMAND)
    if command is not None:
        yield from code_block(" ".join(map(str, command)) if isinstance(command, list | tuple) else str(command))
        yield ""
    places = ", ".join(f"{bench} / {dataset}" for bench, dataset, _ in tables.by_dataset())
    proxies = ", ".join(code(str(name)) for name in dict.fromkeys(tables.agreement[columns.PROXY]))
    yield f"{proxies} on {places}."


def _table(tables: EvaluationTables) -> Iterator[str]:
    with_networks = any(map(has_networks, records(tables.agreement)))
    header = [
        "bench", "data set", "proxy", "seed", "n of N", "classes",
        "tau", "generalisation", "sampling", "rho", "generalisation", "sampling",
    ]  # fmt: skip
    header += [f"{name}, networks" for name in ("tau", "generalisation", "rho", "generalisation")] * with_networks
    header.append("s/net")
    yield table_line(header)
    yield table_line(["---"] * 4 + ["---:"] * (len(header) - 4))
    for bench, dataset, rows in tables.by_dataset():
        for row in records(rows):
            yield table_line((
                bench,
                dataset,
                proxy_label(row),
                str(row[columns.SEED]),
                f"{count_text(row[columns.N])} of {count_text(row[columns.N_POPULATION])}",
                count_text(row[columns.N_CLASSES]),
                correlation_text(number(row[columns.TAU])),
                _interval(row, columns.TAU_LOW, columns.TAU_HIGH),
                _interval(row, columns.TAU_SAMPLING_LOW, columns.TAU_SAMPLING_HIGH),
                correlation_text(number(row[columns.RHO])),
                _interval(row, columns.RHO_LOW, columns.RHO_HIGH),
                _interval(row, columns.RHO_SAMPLING_LOW, columns.RHO_SAMPLING_HIGH),
                *(_of_networks(row) if with_networks else ()),
                seconds_text(number(row[columns.SECONDS])),
            ))  # fmt: skip


def _of_networks(row: dict[str, object]) -> tuple[str, str, str, str]:
    return (
        correlation_text(number(row[columns.TAU_NETWORKS])),
        _interval(row, columns.TAU_NETWORKS_LOW, columns.TAU_NETWORKS_HIGH),
        correlation_text(number(row[columns.RHO_NETWORKS])),
        _interval(row, columns.RHO_NETWORKS_LOW, columns.RHO_NETWORKS_HIGH),
    )


def _legend(tables: EvaluationTables) -> list[str]:
    lines = [f"{GENERALISATION}.", f"{SAMPLING}; no width where the sample is the population."]
    if baseline_rows(tables.agreement).any():
        lines.append("A star marks a baseline: a count that needs no network run.")
    lines += [f"`+` {note.removeprefix('+ ')}." for note in ensemble_notes(tables)]
    lines += [f"{note}." for note in network_notes(tables)]
    lines += [f"{line}." for line in truth_lines(tables)]
    cautions = tables.provenance.get("cautions", ())
    assert isinstance(cautions, Sequence)
    lines += [f"{caution}." for caution in cautions]
    for name in (columns.INPUTS, columns.PROTOCOL):
        lines.append(f"{name}: {setting_text(tables.agreement, name)}.")
    lines += [f"{line}." for line in small_samples(tables.agreement)]
    return [f"- {line}" for line in lines]


def _unfinished(tables: EvaluationTables) -> Iterator[str]:
    """What budget_s= left, which these results are not about."""
    told = tables.provenance["unfinished"]
    assert isinstance(told, Mapping)
    yield from map(str, told.values())


def _how_read(tables: EvaluationTables) -> Iterator[str]:
    """How the files of scores= were read."""
    told = tables.provenance["scores"]
    assert isinstance(told, Mapping)
    yield from (f"{name}, sha256 {digest}." for name, digest in _flat({"": told["files"]}))
    notes = told["notes"]
    assert isinstance(notes, Sequence)
    yield from (f"{note}." for note in notes)


def _left_out(tables: EvaluationTables) -> Iterator[str]:
    for bench, dataset, rows in tables.by_dataset():
        for row in records(rows):
            reasons = tables.failures.get((bench, dataset, str(row[columns.PROXY])), {})
            if not (row[columns.N_NAN] or row[columns.N_INF] or reasons):
                continue
            yield f"{code(str(row[columns.PROXY]))} on {bench} / {dataset}: {left_out(row)}{most_frequent(reasons)}."


def _verdicts(tables: EvaluationTables) -> Iterator[str]:
    """Whether each proxy beats counting, the sentences beside the two main counts, then every comparison."""
    beside = (verdict_sentences(tables, baseline=MAIN), verdict_sentences(tables, baseline=LIVE))
    for place, sentence in chain(counting_sentences(tables), *beside, more_sentences(tables, baseline=LIVE)):
        yield f"- {place}: {sentence}."
    if tables.verdicts.empty:
        yield "There is nothing to compare."
        return
    yield ""
    yield from verdict_lines(tables)
    yield ""
    yield from (f"- {line}" for line in legend(tables))


def provenance_lines(provenance: Mapping[str, JSON]) -> Iterator[str]:
    """Provenance as a Markdown table, without the command and the configuration."""
    entries = {name: value for name, value in provenance.items() if name not in (_COMMAND, _CONFIG)}
    if not entries:
        yield "Not recorded."
        return
    yield table_line(("entry", "value"))
    yield table_line(("---", "---"))
    for name, value in _flat(entries):
        yield table_line((name, value))
    yield ""
    yield "All of this and the resolved configuration are in `run.json`."


def _flat(entries: Mapping[str, JSON], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in entries.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, Sequence) and not isinstance(value, str):
            yield f"{prefix}{name}", ", ".join(map(str, value))
        else:
            yield f"{prefix}{name}", str(value)


def _interval(row: dict[str, object], low: str, high: str) -> str:
    return interval_text(number(row[low]), number(row[high]))


def _bullets(lines: Iterator[str]) -> list[str]:
    return [f"- {line}" for line in lines] or ["None."]
