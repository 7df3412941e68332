"""The files of a finding: figures, table of trends, points, a Markdown page, provenance."""

import io
import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from harness.files.results import write_files
from harness.report import JSON
from harness.report.escape import markdown_line
from harness.report.style import png, style
from harness.theory.finding import Finding, Listing
from harness.theory.trends import trend_table


def write_finding(out: Path, finding: Finding, provenance: Mapping[str, JSON]) -> list[Path]:
    """Write NAME.md, NAME.csv, NAME.parquet (points), NAME.json and the figures; existing files are replaced.

    NAME.csv holds the trends, or the listing of a finding without trends; further listings are NAME_LISTING.csv.

    Raises:
        OptionError: if the folder cannot be written.
    """
    table = trend_table(finding.trends) if finding.listing is None else finding.listing.frame
    points = io.BytesIO()
    finding.points.to_parquet(points, index=False)
    files = {
        f"{finding.name}.csv": table.to_csv(index=False, float_format="%.6g", lineterminator="\n").encode(),
        f"{finding.name}.parquet": points.getvalue(),
        f"{finding.name}.json": (json.dumps(provenance, indent=2, ensure_ascii=False, default=str) + "\n").encode(),
        f"{finding.name}.md": _page(finding, table, provenance).encode(),
    }
    for listing in finding.further:
        text = listing.frame.to_csv(index=False, float_format="%.6g", lineterminator="\n")
        files[f"{finding.name}_{listing.name}.csv"] = text.encode()
    for name, make in finding.pictures.items():
        with style(own_text=True):
            files[f"{name}.png"] = png(make())
    write_files(out, files)
    return [out / name for name in files]


def _page(finding: Finding, table: pd.DataFrame, provenance: Mapping[str, JSON]) -> str:
    """The finding as Markdown."""
    seconds = f"{provenance['wall_s']} s, {provenance['cpu_s']} CPU seconds of this process"
    lines = [
        f"# {finding.title}",
        "",
        f"    {provenance['command']}",
        "",
        f"{finding.data}: {finding.source}. Seed {provenance['seed']}. Took {seconds}.",
        "",
        *[f"- {note}" for note in finding.notes],
        "",
        *[line for name in finding.pictures for line in (f"![{finding.title}]({name}.png)", "")],
        *(_trends(table) if finding.listing is None else _listed(finding.listing)),
        *(line for listing in finding.further for line in ("", *_listed(listing))),
        "",
    ]
    return "\n".join(lines)


def _trends(table: pd.DataFrame) -> list[str]:
    return [
        "## Trends",
        "",
        *_table(table),
        "",
        "rho, tau: Spearman's rho and Kendall's tau-b between x and y, with 95 % bootstrap CIs. claim: direction of",
        "y with increasing x according to the paper. verdict: whether rho's interval confirms it (holds), contradicts",
        "it (reversed) or includes 0 (open).",
    ]


def _listed(listing: Listing) -> list[str]:
    heads = list(map(str, listing.shown.columns))
    rows = [markdown_line(list(map(str, row))) for row in listing.shown.itertuples(index=False)]
    return [
        f"## {listing.heading}", "", markdown_line(heads), markdown_line(["---"] * len(heads)), *rows, "",
        *(f"- {line}" for line in listing.legend),
    ]  # fmt: skip


def _table(table: pd.DataFrame) -> list[str]:
    named = table.drop(columns="setting") if not table["setting"].any() else table
    kept = [name for name in ("setting", "x", "y") if name in named]
    heads = [*kept, "n", "rho", "tau", "claim", "verdict"]
    rows = [
        [
            *[f"`{row[name]}`" if name in "xy" else str(row[name]) for name in kept],
            f"{row['n']:,}",
            _with_interval(row, "rho"),
            _with_interval(row, "tau"),
            str(row["claim"]),
            str(row["verdict"]),
        ]
        for row in named.to_dict("records")
    ]
    return [markdown_line(heads), markdown_line(["---"] * len(heads)), *map(markdown_line, rows)]


def _with_interval(row: Mapping[object, object], name: str) -> str:
    value, low, high = (row[key] for key in (name, f"{name}_low", f"{name}_high"))
    return f"{value:.3f} [{low:.3f}, {high:.3f}]"
