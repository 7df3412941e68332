"""Which proxy beats counting, and where? All proxies with score tables in one table: a column for each data set."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd

from harness import columns
from harness.agreement import Row
from harness.errors import MissingDataError, OptionError
from harness.files.results import write_files
from harness.inputs import DATA_SETS
from harness.registry import unknown_name
from harness.report.escape import markdown_line, table_cell
from harness.report.tables import correlation_text, number, records, seconds_text
from harness.space import BENCHMARKS
from harness.tables.headline import headline
from harness.tables.scores import FEWEST, ScoreSources
from harness.tables.spec import TableSpec
from harness.tables.verdicts import Judged, judged, rows_of

NAMES = (
    "bench", "dataset", "proxy", "options", "protocol", "inputs", "seed", "n", "n_sample", "n_population", "tau",
    "tau_low", "tau_high", "tau_networks", "tau_networks_low", "tau_networks_high", "counts", "counts_tau",
    "counts_tau_networks", "beaten", "behind", "beaten_networks", "behind_networks", "seconds",
)  # fmt: skip
LETTERS = {"params": "P", "flops_live": "F", "n_convs_live": "C", "depth": "D", "sum_log_layer_size": "S"}
_MARKS = {"beaten": "yes", "behind": "no"}
_COUNTS_ONLY, _NO_TRUTH = "Only counts have scores", "No ground truth here"
_Place = tuple[str, str]


def write_answer(spec: TableSpec, sources: ScoreSources, out: Path) -> tuple[str, Path]:
    """Write NAME.md and NAME.csv; returns a summary and the path of the page.

    Raises:
        MissingDataError: no benchmark of the score tables has its truth here.
        OptionError, HarnessError: the folder cannot be written, or the table names a benchmark that there is not.
    """
    rows: list[Mapping[str, object]] = []
    omitted: dict[str, list[_Place]] = {_COUNTS_ONLY: [], _NO_TRUTH: []}
    missing = "No score table holds a proxy but counts."
    for place in _places(spec, sources):
        try:
            own = judged(sources, *place, spec.population)
        except MissingDataError as error:
            omitted[_NO_TRUTH].append(place)
            missing = str(error)
            continue
        if own is None:
            omitted[_COUNTS_ONLY].append(place)
        else:
            rows += rows_of_place(spec, own, place)
    if not rows:
        raise MissingDataError(missing)
    found = pd.DataFrame(rows, columns=list(NAMES))
    page = "\n".join(page_lines(spec, found, omitted))
    table = found.to_csv(index=False, float_format="%.4g", lineterminator="\n")
    write_files(out, {f"{spec.name}.md": f"{page}\n".encode(), f"{spec.name}.csv": table.encode()})
    return _summary(spec, found), out / f"{spec.name}.md"


def _places(spec: TableSpec, sources: ScoreSources) -> list[_Place]:
    """Those with scores whose benchmark has the population, in the order of `bench:`."""
    for bench in spec.bench:
        if bench not in BENCHMARKS:
            raise OptionError(f"{spec.name}: {unknown_name('benchmark', bench, list(BENCHMARKS))}")
    there = [place for place in sources.places() if spec.population in BENCHMARKS.get(place[0]).populations]
    if not spec.bench:
        return there
    return sorted((place for place in there if place[0] in spec.bench), key=lambda place: spec.bench.index(place[0]))


def rows_of_place(spec: TableSpec, own: Judged, place: _Place) -> Iterator[Mapping[str, object]]:
    """A row per count on the largest sample, and one per proxy: its default options where these were scored.

    Of several columns of scores that of the table's first kind of inputs is taken, then that of its first protocol,
    then that of most architectures.
    """
    for one in own.analyses[0].beside:
        yield {**_row(one, place), "n_sample": own.evaluated[0].index.size}
    chosen: dict[tuple[str, str], tuple[tuple[int, int, int], dict[str, object]]] = {}
    for evaluated, analysis, table in zip(own.evaluated, own.analyses, own.tables, strict=True):
        for one in analysis.rows:
            key = one.row_key
            rank = (_place_in(spec.inputs, key.inputs), _place_in(spec.protocol, key.protocol), -evaluated.index.size)
            before = chosen.get((key.proxy, key.options))
            if before is None or rank < before[0]:
                found = {**_row(one, place), "n_sample": evaluated.index.size, **_marked(rows_of(table, key))}
                chosen[key.proxy, key.options] = rank, found
    defaults = {proxy for proxy, options in chosen if not options}
    for (proxy, options), (_, found) in chosen.items():
        if not options or proxy not in defaults:
            yield found


def _place_in(preferred: Sequence[str], name: str) -> int:
    return preferred.index(name) if name in preferred else len(preferred)


def _row(one: Row, place: _Place) -> dict[str, object]:
    key, agreement = one.row_key, one.agreement
    cells, networks = agreement.cells, agreement.networks
    return {
        **dict(zip(("bench", "dataset"), place, strict=True)),
        **{name: getattr(key, name) for name in ("proxy", "options", "protocol", "inputs", "seed")},
        "n": agreement.counts.n,
        "n_population": agreement.n_population,
        "tau": cells.correlations.tau,
        **dict(zip(("tau_low", "tau_high"), cells.tau_generalisation, strict=True)),
        "tau_networks": networks.correlations.tau,
        **dict(zip(("tau_networks_low", "tau_networks_high"), networks.tau_generalisation, strict=True)),
        "seconds": one.seconds,
    }


def _marked(verdicts: pd.DataFrame) -> dict[str, object]:
    """The counts that vary there, their highest tau, and those that the proxy beats and falls behind, by both votes."""
    there = verdicts[verdicts[columns.BASELINE_TAU].notna()]
    rows = records(there)
    said: dict[str, object] = {
        "counts": " ".join(str(row[columns.BASELINE]) for row in rows),
        "counts_tau": there[columns.BASELINE_TAU].max(),
        "counts_tau_networks": there[columns.BASELINE_TAU_NETWORKS].max(),
    }
    for suffix, beats in (("", columns.BEATS), ("_networks", columns.BEATS_NETWORKS)):
        for name, answer in _MARKS.items():
            said[f"{name}{suffix}"] = " ".join(str(row[columns.BASELINE]) for row in rows if row[beats] == answer)
    return said


def page_lines(spec: TableSpec, found: pd.DataFrame, omitted: Mapping[str, Sequence[_Place]]) -> Iterator[str]:
    """The page, from the rows of the CSV."""
    yield from (f"# {spec.title}", "", f"    python -m harness.tables table={spec.name}", "")
    yield from (_summary(spec, found), "", *headline(found, LETTERS), "", "## All proxies", "")
    letters = ", ".join(f"{letter} {name}" for name, letter in LETTERS.items())
    yield (
        "- tau over cells / over networks (isomorphism classes); given once where tau and marks agree. At the head of "
        f"a column the number of architectures, and the counts that have scores and vary there: {letters}."
    )
    yield (
        "- Marks: the counts that a proxy beats (+) and those it falls behind (&minus;) on its own architectures, by "
        "the rules of `table=counting`: Holm over the columns of scores of a data set that have a p, exact for a "
        "whole space. The others are undecided or no different. **Bold**: beats all of them."
    )
    yield (
        "- In brackets: the number of architectures scored, where it is not that of the head; all: the whole "
        "population. Rows of different samples are not comparable, neither with one another nor with those of counts."
    )
    yield (
        f"- `-`: fewer than {FEWEST} architectures were scored, or tau is undefined. Order: tau over networks in the "
        f"first column that has one, small samples last. {spec.name}.csv has intervals, protocols and inputs."
    )
    yield (
        "- cost: mean CPU time per network in the first column, of runs under different load; a pass that several "
        "proxies share is charged in full to each."
    )
    seeds = {str(seed) for seed in found["seed"]} - {columns.NO_SEED, ""}
    if len(seeds) == 1:
        yield f"- All of seed {seeds.pop()}: how far another seed would move a difference is not included."
    yield from (f"- {line}" for line in spec.notes)
    tokens = pd.Series([DATA_SETS.get(name).has_indices for name in found["dataset"]], index=found.index)
    for heading, own in (("", found[~tokens]), ("Transformers", found[tokens])):
        if len(own):
            yield from (*(["", f"## {heading}"] if heading else []), "", *_table(own))
    for said, places in omitted.items():
        if places:
            yield from ("", f"{said}: {', '.join(map(' / '.join, places))}.")
    without = [bench for bench in spec.bench if bench not in {place[0] for place in _all_places(found, omitted)}]
    if without:
        yield from ("", f"No scores: {', '.join(without)}.")


def _all_places(found: pd.DataFrame, omitted: Mapping[str, Sequence[_Place]]) -> set[_Place]:
    there = set(zip(found["bench"], found["dataset"], strict=True))
    return there.union(*omitted.values())


def _table(found: pd.DataFrame) -> Iterator[str]:
    """A row per proxy and count, a column per data set."""
    places = list(dict.fromkeys(zip(found["bench"], found["dataset"], strict=True)))
    sizes = {place: _usual_size(found, place) for place in places}
    rows: dict[tuple[str, str], dict[_Place, Mapping[str, object]]] = {}
    for row in records(found):
        mine = rows.setdefault((str(row["proxy"]), str(row["options"])), {})
        mine[str(row["bench"]), str(row["dataset"])] = row

    def order(label: tuple[str, str]) -> tuple[int, int, float]:
        for at, place in enumerate(places):
            row = rows[label].get(place)
            if row is not None and not math.isnan(number(row["tau_networks"])):
                return at, int(number(row["n"]) < sizes[place] / 2), -number(row["tau_networks"])
        return len(places), 0, 0.0

    yield markdown_line(["proxy", *(_head(found, place, sizes[place]) for place in places), "cost"])
    yield markdown_line(["---", *["---:"] * (len(places) + 1)])
    for label in sorted(rows, key=order):
        own = [rows[label].get(place) for place in places]
        taus = [_cell(row, sizes[place]) for row, place in zip(own, places, strict=True)]
        proxy, options = label
        name = f"*{proxy}*" if proxy in LETTERS else table_cell(f"{proxy} ({options})" if options else proxy)
        yield markdown_line([name, *taus, seconds_text(number(own[0]["seconds"]) if own[0] else math.nan)])


def _head(found: pd.DataFrame, place: _Place, size: int) -> str:
    """Such as nats_tss / cifar10, 1,000; PFCDS."""
    own = found[(found["bench"] == place[0]) & (found["dataset"] == place[1]) & ~found["proxy"].isin(LETTERS)]
    counts = {name for text in own["counts"] for name in str(text).split()}
    return f"{' / '.join(place)}, {size:,}; {''.join(letter for name, letter in LETTERS.items() if name in counts)}"


def _usual_size(found: pd.DataFrame, place: _Place) -> int:
    """The size of the sample that most proxies of a place were scored on."""
    own = found[(found["bench"] == place[0]) & (found["dataset"] == place[1]) & ~found["proxy"].isin(LETTERS)]
    return int(own["n_sample"].mode().max())


def _cell(row: Mapping[str, object] | None, usual: int) -> str:
    if row is None or math.isnan(number(row["tau"])):
        return "-"
    votes = [f"{correlation_text(number(row[f'tau{vote}']))}{_marks(row, vote)}" for vote in ("", "_networks")]
    n = int(number(row["n"]))
    size = "" if n == usual else " (all)" if n == number(row["n_population"]) else f" ({n:,})"
    return " / ".join(dict.fromkeys(votes)) + size


def _marks(row: Mapping[str, object], vote: str) -> str:
    """Params and depth beaten and convolutions ahead: +PD &minus;C, a space before each; in bold if all are beaten."""
    if row["proxy"] in LETTERS:
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
    own = found[~found["proxy"].isin(LETTERS) & found["tau"].notna()]
    beats = [(own[f"beaten{vote}"] == own["counts"]) & (own["counts"] != "") for vote in ("", "_networks")]
    n_data_sets = own.groupby(["bench", "dataset"]).ngroups
    return (
        f"{own['proxy'].nunique()} proxies on {n_data_sets} data set{'s' if n_data_sets > 1 else ''}, population "
        f"{spec.population}, {len(own)} rows: {int(beats[0].sum())} beat every count over cells, "
        f"{int(beats[1].sum())} over networks."
    )
