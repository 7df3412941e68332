"""Which proxy beats counting, and where? All proxies with score tables in one table: a column for each data set."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from harness import columns
from harness.agreement import Row, RowKey
from harness.errors import MissingDataError
from harness.files.results import write_files
from harness.report.tables import correlation_text, number, records, seconds_text
from harness.space import BENCHMARKS
from harness.tables.scores import ScoreSources
from harness.tables.spec import TableSpec
from harness.tables.verdicts import Judged, judged

NAMES = (
    "bench", "dataset", "proxy", "options", "protocol", "inputs", "n", "n_population", "tau", "tau_low", "tau_high",
    "tau_networks", "tau_networks_low", "tau_networks_high", "counts", "beaten", "behind", "beaten_networks",
    "behind_networks", "seconds",
)  # fmt: skip
LETTERS = {"params": "P", "flops_live": "F", "n_convs_live": "C", "depth": "D", "sum_log_layer_size": "S"}
_MARKS = {"beaten": "yes", "behind": "no"}
_COUNT = "count"
_Place = tuple[str, str]


def write_answer(spec: TableSpec, sources: ScoreSources, out: Path) -> tuple[str, Path]:
    """Write NAME.md and NAME.csv; returns a summary and the path of the page.

    Raises:
        MissingDataError: no benchmark of the score tables has its truth here.
        OptionError, HarnessError: the folder cannot be written.
    """
    rows: list[Mapping[str, object]] = []
    omitted: dict[str, list[_Place]] = {"Only counts have scores": [], "No ground truth here": []}
    for place in _places(spec, sources):
        try:
            own = judged(sources, *place, spec.population)
        except MissingDataError:
            omitted["No ground truth here"].append(place)
            continue
        if own is None:
            omitted["Only counts have scores"].append(place)
        else:
            rows += _of_place(own, place)
    if not rows:
        raise MissingDataError("No score table holds a proxy but counts of a benchmark whose ground truth is here.")
    found = pd.DataFrame(rows, columns=list(NAMES))
    page = "\n".join(_page(spec, found, omitted))
    table = found.to_csv(index=False, float_format="%.4g", lineterminator="\n")
    write_files(out, {f"{spec.name}.md": f"{page}\n".encode(), f"{spec.name}.csv": table.encode()})
    return _summary(spec, found), out / f"{spec.name}.md"


def _places(spec: TableSpec, sources: ScoreSources) -> list[_Place]:
    """Those with scores whose benchmark has the population, in the order of `bench:`."""
    there = [place for place in sources.places() if spec.population in BENCHMARKS.get(place[0]).populations]
    if not spec.bench:
        return there
    return sorted((place for place in there if place[0] in spec.bench), key=lambda place: spec.bench.index(place[0]))


def _of_place(own: Judged, place: _Place) -> Iterator[Mapping[str, object]]:
    """A row per count, and one per proxy: its default options if these were scored, on the most architectures."""
    names = dict(zip(("bench", "dataset"), place, strict=True))
    largest = own.verdicts[own.verdicts[columns.N] == own.verdicts[columns.N].max()]
    for row in records(largest.drop_duplicates(columns.BASELINE)):
        yield {
            **names,
            "proxy": row[columns.BASELINE],
            "options": _COUNT,
            "n": row[columns.N],
            "n_population": own.analyses[0].rows[0].agreement.n_population,
            "tau": row[columns.BASELINE_TAU],
            "tau_networks": row[columns.BASELINE_TAU_NETWORKS],
        }
    chosen: dict[str, Row] = {}
    for analysis in own.analyses:  # the largest sample first
        for one in analysis.rows:
            before = chosen.get(one.row_key.proxy)
            if before is None or (before.row_key.options and not one.row_key.options):
                chosen[one.row_key.proxy] = one
    for one in chosen.values():
        key, agreement = one.row_key, one.agreement
        cells, networks = agreement.cells, agreement.networks
        yield {
            **names,
            **{name: getattr(key, name) for name in ("proxy", "options", "protocol", "inputs")},
            "n": agreement.counts.n,
            "n_population": agreement.n_population,
            "tau": cells.correlations.tau,
            **dict(zip(("tau_low", "tau_high"), cells.tau_generalisation, strict=True)),
            "tau_networks": networks.correlations.tau,
            **dict(zip(("tau_networks_low", "tau_networks_high"), networks.tau_generalisation, strict=True)),
            **_compared(own.verdicts, key, agreement.counts.n),
            "seconds": one.seconds,
        }


def _compared(verdicts: pd.DataFrame, key: RowKey, n: int) -> dict[str, object]:
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


def _page(spec: TableSpec, found: pd.DataFrame, omitted: Mapping[str, Sequence[_Place]]) -> Iterator[str]:
    yield from (f"# {spec.title}", "", f"    python -m harness.tables table={spec.name}", "")
    yield from (_summary(spec, found), "")
    letters = ", ".join(f"{letter} {name}" for name, letter in LETTERS.items())
    yield f"- tau over cells / over networks (isomorphism classes), once where all is equal. Counts: {letters}."
    yield (
        "- After each: the counts that it beats (+) and those it falls behind (&minus;), by the rules of "
        "`table=counting`: Holm over the proxies of a sample, exact for a whole space. The others are undecided or no "
        "different. **Bold**: beats every count that varies there."
    )
    yield (
        "- In brackets: the number of architectures with a score where it is not that at the head of the column; all: "
        "the whole population. Rows of different samples are to be compared with the counts, not with one another."
    )
    yield (
        f"- -: fewer than 100 architectures were scored, or it is undefined. {spec.name}.csv has intervals, protocols "
        "and inputs."
    )
    yield "- cost: mean CPU time per network, of runs under different load; evidence that proxies share counts in full."
    yield from (f"- {line}" for line in spec.notes)
    for at, benches in enumerate(_sharing_proxies(found)):
        heading = ["", f"## {', '.join(benches)}"] if at else []
        yield from (*heading, "", *_table(found[found["bench"].isin(benches)]))
    for said, places in omitted.items():
        if places:
            yield from ("", f"{said}: {', '.join(map(' / '.join, places))}.")


def _sharing_proxies(found: pd.DataFrame) -> list[list[str]]:
    """Benchmarks in groups, each about proxies of its own, in the order of the rows."""
    groups: list[tuple[list[str], set[str]]] = []
    for bench, names in found[found["options"] != _COUNT].groupby("bench", sort=False)["proxy"]:
        proxies = set(names)
        shared = [group for group in groups if group[1] & proxies]
        benches = [*(name for group in shared for name in group[0]), str(bench)]
        groups = [group for group in groups if group not in shared]
        groups.append((benches, proxies.union(*(group[1] for group in shared))))
    order = list(dict.fromkeys(found["bench"]))
    return sorted((benches for benches, _ in groups), key=lambda benches: order.index(benches[0]))


def _table(found: pd.DataFrame) -> Iterator[str]:
    """A row per proxy and count, a column per data set; sorted by the first column, small samples last."""
    places = list(dict.fromkeys(zip(found["bench"], found["dataset"], strict=True)))
    sizes = {place: _usual_size(found, place) for place in places}
    rows = {(str(row["proxy"]), str(row["bench"]), str(row["dataset"])): row for row in records(found)}

    def order(proxy: str) -> tuple[int, int, float]:
        for at, place in enumerate(places):
            row = rows.get((proxy, *place))
            if row is not None and not math.isnan(number(row["tau_networks"])):
                return at, int(number(row["n"]) < sizes[place] / 2), -number(row["tau_networks"])
        return len(places), 0, 0.0

    yield _line(["proxy", *(f"{' / '.join(place)}, {sizes[place]:,}" for place in places), "cost"])
    yield _line(["---", *["---:"] * (len(places) + 1)])
    for proxy in sorted(dict.fromkeys(map(str, found["proxy"])), key=order):
        own = [rows.get((proxy, *place)) for place in places]
        seconds = number(own[0]["seconds"]) if own[0] else math.nan
        taus = [_cell(row, sizes[place]) for row, place in zip(own, places, strict=True)]
        yield _line([_label(found[found["proxy"] == proxy]), *taus, seconds_text(seconds)])


def _label(own: pd.DataFrame) -> str:
    """The proxy, with its options if its defaults were scored nowhere; a count in italics."""
    options, name = set(own["options"]), str(own["proxy"].iloc[0])
    if options == {_COUNT}:
        return f"*{name}*"
    return f"{name} ({options.pop()})" if len(options) == 1 and options != {""} else name


def _usual_size(found: pd.DataFrame, place: _Place) -> int:
    """The number of architectures that most proxies of a place were scored on."""
    own = found[(found["bench"] == place[0]) & (found["dataset"] == place[1]) & (found["options"] != _COUNT)]
    return int(own["n"].mode().max())


def _cell(row: Mapping[str, object] | None, usual: int) -> str:
    if row is None or math.isnan(number(row["tau"])):
        return "-"
    votes = [f"{correlation_text(number(row[f'tau{vote}']))}{_marks(row, vote)}" for vote in ("", "_networks")]
    n = int(number(row["n"]))
    size = "" if n == usual else " (all)" if n == number(row["n_population"]) else f" ({n:,})"
    return " / ".join(dict.fromkeys(votes)) + size


def _marks(row: Mapping[str, object], vote: str) -> str:
    """Params and depth beaten and convolutions ahead: +PD &minus;C, a space before each; in bold if all are beaten."""
    if row["options"] == _COUNT:
        return ""
    beaten, behind = (
        "".join(letter for name, letter in LETTERS.items() if name in str(row[f"{mark}{vote}"]).split())
        for mark in _MARKS
    )
    plus = f" +{beaten}" if beaten else ""
    if beaten and row[f"beaten{vote}"] == row["counts"]:
        plus = f" **+{beaten}**"
    return plus + (f" &minus;{behind}" if behind else "")


def _summary(spec: TableSpec, found: pd.DataFrame) -> str:
    own = found[found["options"] != _COUNT]
    beats = [(own[f"beaten{vote}"] == own["counts"]) & (own["counts"] != "") for vote in ("", "_networks")]
    n_data_sets = own.groupby(["bench", "dataset"]).ngroups
    return (
        f"{own['proxy'].nunique()} proxies on {n_data_sets} data set{'s' if n_data_sets > 1 else ''}, population "
        f"{spec.population}, {len(own)} rows: {int(beats[0].sum())} beat every count over cells, "
        f"{int(beats[1].sum())} over networks."
    )


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
