"""Facts of benchmarks, found with independent code in the published files, redone by the harness's own."""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from harness.errors import MissingDataError, PlugInError, UnknownNameError
from harness.files.results import write_files
from harness.paths import conf_folder
from harness.report.escape import markdown_line, table_line
from harness.tables.fact_quantities import QUANTITIES, Fact, Found, found_value
from harness.tables.fact_rows import Place
from harness.tables.joined import JoinedTables
from harness.tables.scores import ScoreSources
from harness.tables.spec import TableSpec

YES, DRAWS, NO, LEFT_OUT = "yes", "within the draws", "no", "left out"
VERDICTS = (YES, DRAWS, NO, LEFT_OUT)
NOT_COMPUTED = "not computed"
OPENING = "CPU seconds to open the truth"
_SDS = 2
_LIMIT = "<"
_MANY = 6  # values that are listed
_LARGE = re.compile(r"(?<![\d.])\d{4,}(?![\d.])")
_NAUGHT = re.compile(r"(?<![\d.])0(?=\.\d)")
_LEGEND = (
    "expected: facts of tables that were joined from the published files with code of its own, not this project's; the "
    "source names the table and the data. As they round them: equal to the last digit.",
    "found: by this harness, from its spaces, its networks and its truth, with one digit more.",
    "within the draws: a mean over 20 random draws of pairs, within two standard deviations (after ±) of the one draw "
    "that is expected.",
    "beside `FILE:COLUMN`: that column of the joined tables, `oracles=FOLDER`, which are no part of this project.",
    "CPU s to open its truth: its file checked, and the default column read for all architectures.",
    "over: the rows that it is about; the words are those of `harness.tables.fact_rows`. Nothing: all.",
)
_FIELDS = ("source", "bench", "dataset", "rows", "quantity", "subject", "column", "joined", "expected")


@dataclass(frozen=True)
class Redone:
    """A fact with what was found, as text; `equal` is one of `VERDICTS`, and `reason` says why it was left out."""

    fact: Fact
    found: str
    equal: str
    reason: str = ""


def read_facts(path: Path) -> list[Fact]:
    """The facts of a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return [Fact(**row) for row in csv.DictReader(file)]


def redo(facts: Sequence[Fact], joined: JoinedTables) -> list[Redone]:
    """Every fact beside what the harness finds; those of a data set without truth here, and others, are left out.

    Raises:
        OptionError: a fact names what is not known.
    """
    places: dict[tuple[str, str], Place] = {}
    missing: dict[tuple[str, str], str] = {}
    found = []
    for fact in facts:
        key = (fact.bench, fact.dataset)
        if key not in places:
            places[key] = Place(*key, joined)
            try:
                places[key].default_column()
            except MissingDataError as error:
                missing[key] = str(error)
        if fact.quantity == NOT_COMPUTED:
            found.append(Redone(fact, "", LEFT_OUT, fact.note))
        elif key in missing:
            found.append(Redone(fact, "", LEFT_OUT, missing[key]))
        else:
            found.append(_redone(places[key], fact))
    return found


def _redone(place: Place, fact: Fact) -> Redone:
    try:
        found = found_value(place, fact)
    except (MissingDataError, UnknownNameError, PlugInError) as error:
        return Redone(fact, "", LEFT_OUT, str(error))
    return Redone(fact, _text(fact, found), verdict(fact, found))


def verdict(fact: Fact, found: Found) -> str:
    """`yes` if every value is the expected one to its last digit; `within the draws` for means over random draws.

    These are compared with a single draw of others: within two standard deviations of it.
    """
    expected = fact.expected.split("/")
    if len(expected) != len(found.values):
        return NO
    if found.spreads:
        near = zip(found.values, map(float, expected), found.spreads, strict=True)
        return DRAWS if all(abs(value - stated) <= _SDS * spread for value, stated, spread in near) else NO
    return YES if all(map(_is, found.values, expected)) else NO


def _is(value: float, expected: str) -> bool:
    if expected.startswith(_LIMIT):
        return value < float(expected[1:])
    return (
        abs(value - float(expected)) <= 0.5 * 10.0 ** -_decimals(expected) + 1e-9
        if _decimals(expected)
        else (value == float(expected))
    )


def _decimals(text: str) -> int:
    return len(text.partition(".")[2])


def _text(fact: Fact, found: Found) -> str:
    """What was found, with a digit more than expected, and the spread over draws."""
    expected = fact.expected.split("/")
    texts = []
    for at, value in enumerate(found.values[:_MANY]):
        digits = _decimals(expected[min(at, len(expected) - 1)])
        text = (
            f"{value:.0f}" if value == round(value) and (not digits or abs(value) > 1e3) else f"{value:.{digits + 1}f}"
        )
        texts.append(f"{text} ± {found.spreads[at]:.{digits}f}" if found.spreads else text)
    return "/".join(texts) + ("/..." if len(found.values) > _MANY else "")


def write_facts(spec: TableSpec, sources: ScoreSources, out: Path) -> tuple[str, Path]:
    """Write NAME.md and NAME.csv; returns a summary and the path of the page.

    Raises:
        OptionError, HarnessError: a fact names what is not known, or the folder cannot be written.
    """
    redone = redo(read_facts(conf_folder() / "published" / spec.published), JoinedTables(sources.joined))
    frame = pd.DataFrame(
        [
            {name: getattr(one.fact, name) for name in _FIELDS}
            | {"found": one.found, "equal": one.equal, "note": one.reason or one.fact.note}
            for one in redone
        ]
    )
    table = frame.to_csv(index=False, lineterminator="\n")
    page = "\n".join(_page(spec, redone)) + "\n"
    write_files(out, {f"{spec.name}.md": page.encode(), f"{spec.name}.csv": table.encode()})
    return summary(redone), out / f"{spec.name}.md"


def summary(redone: Sequence[Redone]) -> str:
    """One sentence: how many facts are equal, unequal and left out."""
    times = Counter(one.equal for one in redone)
    return (
        f"{len(redone)} facts: {times[YES]} equal to the last digit, {times[DRAWS]} within the spread of random "
        f"draws, {times[NO]} unequal, {times[LEFT_OUT]} left out."
    )


def _page(spec: TableSpec, redone: Sequence[Redone]) -> Iterator[str]:
    yield from (f"# {spec.title}", "", f"    python -m harness.tables table={spec.name}", "", summary(redone), "")
    yield from (f"- {line}" for line in (*_LEGEND, *spec.notes))
    yield from ("", "| benchmark | facts | equal | within the draws | unequal | left out | CPU s to open its truth |")
    yield f"| --- |{' ---: |' * 6}"
    for bench in dict.fromkeys(one.fact.bench for one in redone):
        own = [one for one in redone if one.fact.bench == bench]
        times = Counter(one.equal for one in own)
        opening = next((one.found for one in own if one.fact.quantity == OPENING), "") or "-"
        yield markdown_line([bench, str(len(own)), *(str(times[each]) for each in VERDICTS), _short(opening)])
    unequal = [one for one in redone if one.equal == NO]
    if unequal:
        yield from ("", "## Unequal", "", *_table(unequal, with_place=True))
    for place in dict.fromkeys((one.fact.bench, one.fact.dataset) for one in redone):
        own = [one for one in redone if (one.fact.bench, one.fact.dataset) == place and one.equal != LEFT_OUT]
        if own:
            sources = ", ".join(dict.fromkeys(one.fact.source for one in own))
            yield from ("", f"## {' / '.join(place)}", "", f"Source: {sources}.", "", *_table(own))
    omitted = [one for one in redone if one.equal == LEFT_OUT]
    if omitted:
        yield from ("", "## Left out", "", *_left_out(omitted))


def _table(redone: Sequence[Redone], *, with_place: bool = False) -> Iterator[str]:
    heads = ["fact", "expected", "found", "equal", "note"]
    yield markdown_line(["benchmark", *heads] if with_place else heads)
    yield f"|{' --- |' * (len(heads) + with_place)}"
    for one in redone:
        cells = [said(one.fact), _short(one.fact.expected), _short(one.found), one.equal, one.fact.note]
        yield table_line([f"{one.fact.bench} / {one.fact.dataset}", *cells] if with_place else cells)


def _left_out(omitted: Sequence[Redone]) -> Iterator[str]:
    """Each reason with what is left out for it: a whole data set, or facts."""
    for place in dict.fromkeys((one.fact.bench, one.fact.dataset) for one in omitted):
        own = [one for one in omitted if (one.fact.bench, one.fact.dataset) == place]
        for reason in dict.fromkeys(one.reason for one in own):
            facts = "; ".join(f"{said(one.fact)} ({one.fact.expected})" for one in own if one.reason == reason)
            yield f"- {' / '.join(place)}: {facts}: {reason.rstrip('.')}."


def said(fact: Fact) -> str:
    """A fact in words: the quantity, of what, over which rows."""
    words = [fact.quantity if fact.quantity in QUANTITIES else ""]
    words += [f"`{each}`" for each in (fact.subject, fact.column) if each]
    if fact.rows:
        words.append(f"over `{fact.rows}`")
    if fact.joined:
        words.append(f"beside `{fact.joined}`")
    return " ".join(filter(None, words))


def _short(numbers: str) -> str:
    """Numbers as pages write them: ".218 / .318", "15,625"."""
    return _LARGE.sub(lambda found: f"{int(found[0]):,}", _NAUGHT.sub("", numbers)).replace("/", " / ")
