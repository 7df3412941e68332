"""Which proxy beats counting, and where? All proxies with score tables in one table: a column for each data set."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from harness import columns
from harness.agreement import Row, RowKey
from harness.errors import MissingDataError
from harness.files.results import write_files
from harness.report.tables import correlation_text, number, records, seconds_text
from harness.settings import ALL
from harness.space import BENCHMARKS
from harness.tables.scores import ScoreSources
from harness.tables.spec import TableSpec
from harness.tables.verdicts import Judged, judged

REACHABLE = "reachable"
NAMES = (
    "bench", "dataset", "population", "proxy", "options", "protocol", "inputs", "n", "tau", "tau_networks",
    "counts", "beaten", "behind", "beaten_networks", "behind_networks", "seconds",
)  # fmt: skip
_MARKS = {"beaten": "yes", "behind": "no"}


@dataclass(frozen=True)
class Place:
    """A benchmark, one of its data sets, and the part of its architectures that correlations are about."""

    bench: str
    dataset: str
    population: str


def write_answer(spec: TableSpec, sources: ScoreSources, out: Path) -> tuple[str, Path]:
    """Write NAME.md and NAME.csv; returns a summary and the path of the page.

    Raises:
        MissingDataError: no benchmark of the score tables has its truth here.
        OptionError, HarnessError: the folder cannot be written.
    """
    found = pd.DataFrame(list(_rows(spec, sources)), columns=list(NAMES))
    if found.empty:
        raise MissingDataError("No score table holds a proxy but counts of a benchmark whose ground truth is here.")
    page = "\n".join(_page(spec, found))
    table = found.to_csv(index=False, float_format="%.4g", lineterminator="\n")
    write_files(out, {f"{spec.name}.md": f"{page}\n".encode(), f"{spec.name}.csv": table.encode()})
    return _summary(found), out / f"{spec.name}.md"


def _rows(spec: TableSpec, sources: ScoreSources) -> Iterator[Mapping[str, object]]:
    for bench, dataset in sources.places():
        if spec.bench and bench not in spec.bench:
            continue
        for population in (ALL, REACHABLE):
            if population not in BENCHMARKS.get(bench).populations:
                continue
            try:
                own = judged(sources, bench, dataset, population)
            except MissingDataError:
                continue
            if own is not None:
                yield from _of_place(own, Place(bench, dataset, population))


def _of_place(own: Judged, place: Place) -> Iterator[Mapping[str, object]]:
    """A row per proxy: its default options if these were scored, on the most architectures."""
    chosen: dict[str, Row] = {}
    for analysis in own.analyses:  # the largest sample first
        for row in analysis.rows:
            before = chosen.get(row.row_key.proxy)
            if before is None or (before.row_key.options and not row.row_key.options):
                chosen[row.row_key.proxy] = row
    for row in chosen.values():
        key, agreement = row.row_key, row.agreement
        yield {
            **vars(place),
            **{name: getattr(key, name) for name in ("proxy", "options", "protocol", "inputs")},
            "n": agreement.counts.n,
            "tau": agreement.cells.correlations.tau,
            "tau_networks": agreement.networks.correlations.tau,
            **_beside(own.verdicts, key, agreement.counts.n),
            "seconds": row.seconds,
        }


def _beside(verdicts: pd.DataFrame, key: RowKey, n: int) -> dict[str, object]:
    """The counts that vary there, and those which the proxy beats and falls behind, over cells and over networks."""
    names = ("proxy", "options", "protocol", "inputs", "seed")
    own = verdicts[np.logical_and.reduce([verdicts[name] == getattr(key, name) for name in names])]
    own = own[own[columns.BASELINE_TAU].notna() & (own[columns.N] <= n)]
    rows = records(own[own[columns.N] == own[columns.N].max()])
    said: dict[str, object] = {"counts": " ".join(str(row[columns.BASELINE]) for row in rows)}
    for suffix, beats in (("", columns.BEATS), ("_networks", columns.BEATS_NETWORKS)):
        for name, answer in _MARKS.items():
            said[f"{name}{suffix}"] = " ".join(str(row[columns.BASELINE]) for row in rows if row[beats] == answer)
    return said


def _page(spec: TableSpec, found: pd.DataFrame) -> Iterator[str]:
    yield from (f"# {spec.title}", "", f"    python -m harness.tables table={spec.name}", "", _summary(found), "")
    yield "- tau over cells / over networks (isomorphism classes); one number where the two are equal."
    yield (
        "- After each: how many counts it beats (+) and falls behind (&minus;), by the rules of `table=counting`: "
        "Holm over the proxies of a sample, exact for a whole space. The others are undecided or no different."
    )
    yield "- **Bold**: beats every count that varies there. -: not scored on 100 architectures, or undefined."
    yield f"- {spec.name}.csv names the counts, and the protocol, inputs and number of architectures of each row."
    yield from (f"- {line}" for line in spec.notes)
    for population, heading in _HEADINGS.items():
        own = found[found["population"] == population]
        for at, benches in enumerate(_sharing_proxies(own)):
            title = heading if at == 0 else f"{heading}: {', '.join(benches)}"
            yield from ("", f"## {title}", "", *_table(own[own["bench"].isin(benches)]))


_HEADINGS = {ALL: "All architectures", REACHABLE: "Architectures without unreachable operations"}


def _sharing_proxies(found: pd.DataFrame) -> list[list[str]]:
    """Benchmarks in groups, each about proxies of its own; the group and the benchmark with most proxies first."""
    groups: list[tuple[list[str], set[str]]] = []
    for bench, proxies in found.groupby("bench", sort=False)["proxy"].agg(set).items():
        shared = [group for group in groups if group[1] & proxies]
        groups = [group for group in groups if group not in shared]
        groups.append(
            ([name for group in shared for name in group[0]] + [str(bench)], proxies.union(*(own for _, own in shared)))
        )
    n_proxies = found.groupby("bench")["proxy"].nunique()
    ordered = [sorted(benches, key=lambda bench: -n_proxies[bench]) for benches, _ in groups]
    return sorted(ordered, key=lambda benches: -n_proxies[benches[0]])


def _table(found: pd.DataFrame) -> Iterator[str]:
    """A row per proxy, a column per data set, the one with most proxies first; the best in that one first."""
    sizes = found.groupby(["bench", "dataset"], sort=False)["proxy"].size().sort_values(ascending=False, kind="stable")
    benches = list(dict.fromkeys(bench for bench, _ in sizes.index))
    places = sorted(sizes.index, key=lambda place: benches.index(place[0]))
    main = found[(found["bench"] == places[0][0]) & (found["dataset"] == places[0][1])].set_index("proxy")
    elsewhere = found.groupby("proxy")["tau_networks"].max() - 2  # below every proxy of the first column
    order = main["tau_networks"].reindex(elsewhere.index).fillna(elsewhere).sort_values(ascending=False).index
    first = " / ".join(places[0])
    yield _line(["proxy", *(f"{' / '.join(place)} ({_sizes(found, place)})" for place in places), f"CPU s, {first}"])
    yield _line(["---", *["---:"] * (len(places) + 1)])
    rows = {(row["proxy"], row["bench"], row["dataset"]): row for row in records(found)}
    for proxy in order:
        own = [rows.get((proxy, *place)) for place in places]
        seconds = float(main["seconds"].get(proxy, math.nan))
        yield _line([_label(found[found["proxy"] == proxy]), *map(_cell, own), seconds_text(seconds)])


def _label(own: pd.DataFrame) -> str:
    """The proxy, with its options if its defaults were scored nowhere."""
    options = set(own["options"])
    name = str(own["proxy"].iloc[0])
    return f"{name} ({options.pop()})" if len(options) == 1 and options != {""} else name


def _sizes(found: pd.DataFrame, place: tuple[str, str]) -> str:
    """How many architectures the rows of a place are about: 1,000, or 100 to 15,625."""
    sizes = found[(found["bench"] == place[0]) & (found["dataset"] == place[1]) & (found["n"] > 0)]["n"]
    low, high = f"{sizes.min():,}", f"{sizes.max():,}"
    return low if low == high else f"{low} to {high}"


def _cell(row: Mapping[str, object] | None) -> str:
    if row is None or math.isnan(number(row["tau"])):
        return "-"
    votes = ("",) if row["tau"] == row["tau_networks"] else ("", "_networks")
    return " / ".join(f"{correlation_text(number(row[f'tau{vote}']))}{_marks(row, vote)}" for vote in votes)


def _marks(row: Mapping[str, object], vote: str) -> str:
    """Three counts beaten and one ahead: +3 &minus;1, a space before each; in bold where all are beaten."""
    n_beaten, n_behind = (len(str(row[f"{name}{vote}"]).split()) for name in _MARKS)
    beaten = f" +{n_beaten}" if n_beaten else ""
    if n_beaten and row[f"beaten{vote}"] == row["counts"]:
        beaten = f" **+{n_beaten}**"
    return beaten + (f" &minus;{n_behind}" if n_behind else "")


def _summary(found: pd.DataFrame) -> str:
    own = found[found["population"] == ALL]
    beats = [(own[f"beaten{vote}"] == own["counts"]) & (own["counts"] != "") for vote in ("", "_networks")]
    n_data_sets = own.groupby(["bench", "dataset"]).ngroups
    return (
        f"{own['proxy'].nunique()} proxies on {n_data_sets} data set{'s' if n_data_sets > 1 else ''}, {len(own)} rows: "
        f"{int(beats[0].sum())} beat every count over cells, {int(beats[1].sum())} over networks."
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
