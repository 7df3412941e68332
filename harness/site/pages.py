"""The pages of proxies and of benchmarks: what is measured, what is published, how it was made, how to cite it."""

import inspect
from collections.abc import Mapping, Sequence

from harness.proxy import PROXIES
from harness.records.measured import Correlation
from harness.records.record import Origin, Record
from harness.site.markup import Cell, Safe, element, facts, joined, link, page, table
from harness.site.rows import VOTES, Row, bibtex, without_statistics
from harness.space import BENCHMARKS

_VOTE_WORDS = {"networks": "each isomorphism class has one vote", "cells": "each architecture has one vote"}


def proxy_page(
    name: str, rows: Sequence[Row], published: Sequence[Mapping[str, str]], *, explores: bool = False
) -> bytes:
    """The page of a proxy: its definition, measured rows, published values, provenance and citation of each row."""
    parts = [element("h1", name), _definition(name, rows)]
    for vote in VOTES:
        parts.append(element("h2", f"Measured: {_VOTE_WORDS[vote]}"))
        parts.append(_measured(rows, vote))
    parts.append(element("h2", "Published values"))
    theirs = [one for one in published if one["proxy"] == name]
    if theirs:
        head = ("source", "benchmark", "data set", "tau", "rho", "architectures", "ground truth", "note")
        keys = ("space", "dataset", "kendall", "spearman", "n_archs", "split", "note")
        parts.append(table(head, [[f"{one['source']}, {one['table']}", *(one[key] for key in keys)] for one in theirs]))
        parts.append(
            element(
                "p",
                "They can differ from one another and from ours in ground truth, protocol and sample.",
                class_="note",
            )
        )
    else:
        parts.append(element("p", "No published value is known here."))
    parts.append(element("h2", "Records"))
    parts += [_record(row.record) for row in rows]
    return page(f"{name}: training-free proxies", joined(parts), explores=explores)


def benchmark_page(name: str, rows: Sequence[Row], *, explores: bool = False) -> bytes:
    """The page of a benchmark: what it is, its populations, and the ground truth and proxies of its records."""
    space = BENCHMARKS.get(name)
    parts = [element("h1", name), element("p", _first_paragraph(type(space)))]
    parts.append(element("h2", "Populations"))
    parts.append(table(("population", "architectures"), list(space.populations.items())))
    parts.append(element("h2", "Ground truth of the records"))
    truths = {
        (row.record.data_set, row.record.truth.name, row.record.truth.source, row.record.truth.sha256[:12])
        for row in rows
    }
    parts.append(table(("data set", "column", "source", "sha256"), sorted(truths)))
    parts.append(element("h2", "Records"))
    places: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        places.setdefault(row.place, []).append(row)
    for (_, data_set, population, truth, _, n), together in places.items():
        n_classes = max(next(iter(row.record.statistics.by_seed.values())).n_classes for row in together)
        parts.append(element("h3", f"{data_set}, {population}, {truth}, {int(n):,} architectures"))
        parts.append(
            element(
                "p",
                f"{len(together)} records on {int(n):,} architectures, which are {n_classes:,} networks up to "
                "isomorphism.",
            )
        )
        best = sorted(together, key=lambda row: -(row.tau("networks") or -2.0))
        names = [row.record.proxy.name for row in best]
        links = [link(proxy, f"../proxy/{proxy}.html") for proxy in names]
        taus = [(row.tau("networks"), row.tau("cells")) for row in best]
        parts.append(
            table(("proxy", "tau, networks", "tau, cells"), [(one, *two) for one, two in zip(links, taus, strict=True)])
        )
    return page(f"{name}: training-free proxies", joined(parts), explores=explores)


def _definition(name: str, rows: Sequence[Row]) -> Safe:
    origins = {row.record.proxy.origin for row in rows}
    told: dict[str, Cell] = {"code": ", ".join(sorted(origin.value for origin in origins))}
    text = "Its scores were computed elsewhere; nobody here can compute them again."
    if Origin.built_in in origins and name in PROXIES:
        proxy = PROXIES.get(name)
        text = _first_paragraph(proxy)
        told |= {"paper": proxy.paper, "sees": proxy.sees.value + " operations", "version": str(proxy.version)}
        told |= {"evidence": ", ".join(kind.__name__ for kind in proxy.evidence().values())}
    elif origins != {Origin.elsewhere}:
        text = "Its code is a file of its author, which is part of the record or named by its digest."
    needs = rows[0].record.needs
    words = {"images": needs.images, "labels": needs.labels, "a backward pass": needs.backward}
    told["needs"] = ", ".join(word for word, value in words.items() if value) or "nothing but the architecture"
    if None in words.values():
        told["needs"] = "unknown"
    return joined((element("p", text), facts(told)))


def _measured(rows: Sequence[Row], vote: str) -> Safe:
    baselines = list(dict.fromkeys(name for row in rows for name in row.record.statistics.against))
    head = ["benchmark", "data set", "n", "tau", "rho", *(f"beats {name}" for name in baselines), "CPU s"]
    body: list[Sequence[Cell]] = []
    for row in rows:
        record = row.record
        first = next(iter(record.statistics.by_seed.values()))
        own: Correlation = getattr(first, vote)
        verdicts = [row.verdicts.get(name, {}).get(vote, "") for name in baselines]
        seconds = "" if record.cost.seconds is None else f"{record.cost.seconds:.3g}"
        body.append(
            (
                link(record.bench, f"../benchmark/{record.bench}.html"), link(record.data_set, f"#{record.identity}"),
                f"{first.n:,}", _interval(own.tau, own.tau_low, own.tau_high),
                _interval(own.rho, own.rho_low, own.rho_high),
                *verdicts, seconds,
            )
        )  # fmt: skip
    return table(head, body)


def _record(record: Record) -> Safe:
    told = {name: _told(value) for name, value in without_statistics(record).items()}
    heading = f"{record.bench}, {record.data_set}, {record.population.name}, {record.scores.n:,} architectures"
    mark = "scores computed elsewhere: only their statistics can be verified" if record.is_elsewhere else ""
    inside = (
        element("h3", heading, id=record.identity),
        element("p", mark) if mark else Safe(""),
        element("p", "Verify: ", element("code", f"nas-harness verify results/records/{record.place.as_posix()}")),
        element("details", element("summary", "How to cite this row"), element("pre", bibtex(record))),
        element("details", element("summary", "How it was made"), facts(told)),
    )
    return joined(inside)


def _told(value: object) -> Cell:
    """A value of a record; what it is made of as terms with values."""
    if isinstance(value, Mapping):
        return facts({str(name): _told(own) for name, own in value.items()}) if value else "none"
    if isinstance(value, list | tuple):
        return ", ".join(str(getattr(one, "value", one)) for one in value) or "none"
    return "none" if value is None else str(getattr(value, "value", value))


def _interval(value: float | None, low: float | None, high: float | None) -> Cell:
    if value is None or low is None or high is None:
        return value
    return joined((Safe(f"{value:.3f}"), element("span", f"[{low:.3f}, {high:.3f}]", class_="interval")))


def _first_paragraph(described: type) -> str:
    return " ".join((inspect.getdoc(described) or "").split("\n\n")[0].split())
