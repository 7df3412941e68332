"""Rows of the leaderboard: records with verdicts that are corrected over all proxies of one place."""

import dataclasses
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.agreement.interval import Interval
from harness.agreement.paired import Estimate, holm, verdict
from harness.proxy import is_baseline
from harness.records.files import read_record, record_folders
from harness.records.measured import Against, Difference
from harness.records.record import Origin, Record

VOTES = ("networks", "cells")
"""Each isomorphism class has one vote, or each architecture has."""


@dataclass(frozen=True)
class Row:
    """A record with its verdicts by count and vote, corrected (Holm) over the place; `family` is their number."""

    record: Record
    verdicts: Mapping[str, Mapping[str, str]]
    family: int

    @property
    def place(self) -> tuple[str, ...]:
        """Benchmark, data set, population, ground truth and sample size: rows of one place can be compared."""
        return place_of(self.record)

    @property
    def is_count(self) -> bool:
        """Whether it is a baseline, which gets no verdict."""
        return _is_count(self.record)

    def tau(self, vote: str) -> float | None:
        """Mean tau of the seeds."""
        values = [getattr(one, vote).tau for one in self.record.statistics.by_seed.values()]
        known = [value for value in values if value is not None]
        return sum(known) / len(known) if known else None


def read_rows(root: Path) -> list[Row]:
    """The rows of all records below a folder, by place.

    Raises:
        HarnessError: for a record that cannot be read, and if there is none.
    """
    return corrected([read_record(folder).record for folder in record_folders(root)])


def corrected(records: Sequence[Record]) -> list[Row]:
    """Records with their verdicts, p corrected over all that are no counts and of one place, count and vote."""
    families: dict[tuple[str, ...], list[Record]] = defaultdict(list)
    for record in records:
        families[place_of(record)].append(record)
    rows = []
    for place in sorted(families):
        together = families[place]
        tested = [record for record in together if not _is_count(record)]
        found: dict[int, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
        for baseline in sorted({name for record in tested for name in record.statistics.against}):
            with_it = [record for record in tested if baseline in record.statistics.against]
            for vote in VOTES:
                compared = [record.statistics.against[baseline] for record in with_it]
                for record, one in zip(with_it, _verdicts(compared, vote), strict=True):
                    found[id(record)][baseline][vote] = one
        rows += [Row(record, found[id(record)], len(tested)) for record in together]
    return rows


def place_of(record: Record) -> tuple[str, ...]:
    """Benchmark with version, data set, population, ground truth with its digest, and how many architectures."""
    bench = f"{record.bench}@{record.space_version}"
    return bench, record.data_set, record.population.name, record.truth.name, record.truth.sha256, str(record.scores.n)


def front(rows: Sequence[Row], vote: str) -> set[int]:
    """Positions of the rows to which no other of the same place is better in both cost and tau."""
    kept = set()
    for at, row in enumerate(rows):
        own, cost = row.tau(vote), row.record.cost.seconds
        if own is None or cost is None:
            continue
        others = [
            (other.tau(vote), other.record.cost.seconds)
            for other in rows
            if other is not row and other.place == row.place
        ]
        if not any(
            tau is not None and seconds is not None and tau >= own and seconds <= cost and (tau, seconds) != (own, cost)
            for tau, seconds in others
        ):
            kept.add(at)
    return kept


def _is_count(record: Record) -> bool:
    return record.proxy.origin is Origin.built_in and is_baseline(record.proxy.name)


def _verdicts(compared: Sequence[Against], vote: str) -> Iterator[str]:
    """The verdicts over networks or cells; where nothing was sampled there is no p to correct."""
    contrasts: list[Difference] = [getattr(one, vote) for one in compared]
    pairs = list(zip(contrasts, compared, strict=True))
    p_values = holm([math.nan if one.p is None or against.enumerated else one.p for one, against in pairs])
    for contrast, against, p in ((*pair, p) for pair, p in zip(pairs, p_values, strict=True)):
        if against.enumerated:
            yield contrast.beats or ""
            continue
        value, low, high = (
            math.nan if one is None else one for one in (contrast.delta, contrast.delta_low, contrast.delta_high)
        )
        yield verdict(Estimate(value, Interval(low, high), p), p).value


def bibtex(record: Record) -> str:
    """How to cite a row: the record by its identity and digest, and the source of the ground truth."""
    name = f"{record.proxy.name}-{record.bench}-{record.data_set}-{record.identity}"
    return "\n".join(
        (
            f"@misc{{{name},",
            f"  title = {{{_escaped(record.proxy.name)} on {_escaped(record.bench)}, {_escaped(record.data_set)}: "
            "a record of the leaderboard of training-free proxies},",
            f"  note = {{Record {record.place.as_posix()}, scores sha256 {record.scores.sha256[:16]}, ground truth "
            f"{_escaped(record.truth.name)} sha256 {record.truth.sha256[:16]}}},",
            f"  year = {{{record.run.date[:4]}}}",
            "}",
        )
    )


def _escaped(text: str) -> str:
    return text.replace("_", "\\_")


def without_statistics(record: Record) -> dict[str, object]:
    """What a record says of how it was made, for a page's last section."""
    kept = ("truth", "population", "proxy", "protocol", "inputs", "seeds", "cost", "run", "scores")
    return {
        name: dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value
        for name, value in ((name, getattr(record, name)) for name in kept)
        if value is not None
    }
