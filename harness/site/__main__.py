"""The command `python -m harness.site`: the leaderboard of all records as a folder of static HTML."""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("site"))

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from harness.files.results import write_files
from harness.page.__main__ import NAVIGATION, write_page
from harness.page.contents import published
from harness.page.scripts import script
from harness.records.files import read_record, record_folders
from harness.site.compare import compared_places
from harness.site.markup import POLICY, navigation
from harness.site.pages import benchmark_page, proxy_page
from harness.site.rows import VOTES, Row, bibtex, corrected, front

STATIC = ("index.html", "site.css", "site.js", "compare.html", "compare.js")
OF_PAGE = ("page.css", "cell.js", "files.js")
_POLICY = b"<!-- policy -->\n"


def write_site(records: Path, out: Path, runs: Sequence[Path] = ()) -> None:
    """Write the site of the records below a folder into `out`: open `out`/index.html in a browser.

    Args:
        records: folder of records.
        out: folder of the site.
        runs: folders of evaluations, which `explore` shows architecture by architecture.

    Raises:
        HarnessError: if a record cannot be read or the folder cannot be written.
    """
    stored = [read_record(folder) for folder in record_folders(records)]
    rows = corrected([one.record for one in stored])
    places = compared_places(stored)
    theirs = published({(row.record.bench, row.record.data_set) for row in rows})
    static = {name: (files("harness.site") / "static" / name).read_bytes() for name in STATIC}
    static |= {name: (files("harness.page") / "static" / name).read_bytes() for name in OF_PAGE}
    compared = [{"name": str(at), "text": _place_text(one), "ids": list(one["ranks"])} for at, one in enumerate(places)]
    static["data.js"] = script("window.SITE", {"rows": _shown(rows), "published": theirs, "comparisons": compared})
    for at, one in enumerate(places):
        static[f"compare-{at}.js"] = script(f'(window.COMPARED ||= {{}})["{at}"]', one)
    by_proxy, by_bench = defaultdict(list), defaultdict(list)
    for row in rows:
        by_proxy[row.record.proxy.name].append(row)
        by_bench[row.record.bench].append(row)
    explores = bool(runs)
    for name in ("index.html", "compare.html"):
        links = navigation("", explores=explores).encode()
        static[name] = static[name].replace(NAVIGATION, links).replace(_POLICY, POLICY.encode())
    proxies = {f"{name}.html": proxy_page(name, own, theirs, explores=explores) for name, own in by_proxy.items()}
    benches = {f"{name}.html": benchmark_page(name, own, explores=explores) for name, own in by_bench.items()}
    if explores:
        write_page(runs, out / "explore", navigation("../", explores=True))
    write_files(out, static)
    write_files(out / "proxy", proxies)
    write_files(out / "benchmark", benches)


def _place_text(place: Mapping[str, Any]) -> str:
    """The place in words, as the leaderboard names it."""
    named = (place["bench"], place["dataset"], place["population"], place["truth_name"])
    return " / ".join((*named, f"{len(place['indices']):,} architectures"))


def _shown(rows: Sequence[Row]) -> list[dict[str, object]]:
    """The rows as the script shows them."""
    fronts = {vote: front(rows, vote) for vote in VOTES}
    return [_row(row, {vote: at in fronts[vote] for vote in VOTES}) for at, row in enumerate(rows)]


def _row(row: Row, on_front: dict[str, bool]) -> dict[str, object]:
    record = row.record
    first = next(iter(record.statistics.by_seed.values()))
    votes = {}
    for vote in VOTES:
        own = getattr(first, vote)
        main = record.statistics.against.get("params")
        votes[vote] = {
            "tau": row.tau(vote), "low": own.tau_low, "high": own.tau_high, "rho": own.rho,
            "delta": None if main is None else getattr(main, vote).delta,
            "beats": {name: one.get(vote, "") for name, one in row.verdicts.items()},
            "front": on_front[vote],
        }  # fmt: skip
    needs = record.needs
    return {
        "id": record.identity, "proxy": record.proxy.name, "origin": record.proxy.origin.value,
        "version": record.proxy.version, "options": json.dumps(record.proxy.options) if record.proxy.options else "",
        "bench": record.bench, "dataset": record.data_set, "population": record.population.name,
        "truth": record.truth.name, "sample": f"{record.scores.n:,} architectures",
        "n": first.n, "n_classes": first.n_classes, "n_missing": first.n_nan,
        "enumerated": first.n_population == first.n + first.n_nan,
        "count": row.is_count, "family": row.family, "seconds": record.cost.seconds,
        "protocol": "" if record.protocol is None else record.protocol.label,
        "inputs": "" if record.inputs is None else record.inputs.kind.value,
        "needs": {"images": needs.images, "labels": needs.labels, "backward": needs.backward},
        "cite": bibtex(record), **votes,
    }  # fmt: skip


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("site", words)


def run(arguments: argparse.Namespace) -> None:
    """Write the site.

    Raises:
        HarnessError: as `write_site`.
    """
    write_site(arguments.records, arguments.out, arguments.run)
    print(arguments.out / "index.html")
