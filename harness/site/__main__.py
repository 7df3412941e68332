"""The command `python -m harness.site`: the leaderboard of all records as a folder of static HTML."""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("site"))

import argparse
import json
from collections import defaultdict
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from harness.files.results import write_files
from harness.page.contents import published
from harness.site.pages import benchmark_page, proxy_page
from harness.site.rows import VOTES, Row, bibtex, front, read_rows

STATIC = ("index.html", "site.css", "site.js")


def write_site(records: Path, out: Path) -> None:
    """Write the site of the records below a folder into `out`: open `out`/index.html in a browser.

    Raises:
        HarnessError: if a record cannot be read or the folder cannot be written.
    """
    rows = read_rows(records)
    theirs = published({(row.record.bench, row.record.data_set) for row in rows})
    static = {name: (files("harness.site") / "static" / name).read_bytes() for name in STATIC}
    static["page.css"] = (files("harness.page") / "static" / "page.css").read_bytes()
    # Data as text within a script, as of the page: a page opened from the disk may not read other files.
    text = json.dumps({"rows": _shown(rows), "published": theirs}, separators=(",", ":"), allow_nan=False)
    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    static["data.js"] = f"window.SITE = JSON.parse('{quoted}');\n".encode()
    by_proxy, by_bench = defaultdict(list), defaultdict(list)
    for row in rows:
        by_proxy[row.record.proxy.name].append(row)
        by_bench[row.record.bench].append(row)
    write_files(out, static)
    write_files(out / "proxy", {f"{name}.html": proxy_page(name, own, theirs) for name, own in by_proxy.items()})
    write_files(out / "benchmark", {f"{name}.html": benchmark_page(name, own) for name, own in by_bench.items()})


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
    write_site(arguments.records, arguments.out)
    print(arguments.out / "index.html")
