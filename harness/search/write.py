"""The files of a search."""

import io
import json
from functools import partial
from pathlib import Path

import pandas as pd

from harness.figure_options import FigureOptions
from harness.files.results import write_files
from harness.report.escape import csv_text
from harness.report.for_papers import drawn, folder_of
from harness.report.style import png, style
from harness.search.paths import path_figure
from harness.search.picture import front_figure, regret_figure
from harness.search.report import markdown_report
from harness.search.tables import SearchTables


def write_search(out: Path, tables: SearchTables, figures: FigureOptions | None = None) -> None:
    """Write search.csv, summary.csv, curves.csv, candidates.parquet, report.md, run.json and pictures into `out`.

    Also nearest.csv if networks without ground truth were found, front.csv of a multi-objective search, and path.csv
    with path.png of one that removes edges.

    Raises:
        OptionError: the folder cannot be written.
        HarnessError: the disk is full.
    """
    files = {
        "search.csv": _csv(tables.found),
        "summary.csv": _csv(tables.summary),
        "curves.csv": _csv(tables.curves),
        "candidates.parquet": _parquet(tables.candidates),
        "report.md": markdown_report(tables).encode(),
        "run.json": (json.dumps(tables.provenance, indent=2, ensure_ascii=False, default=str) + "\n").encode(),
    }
    with style():
        files["regret.png"] = png(regret_figure(tables))
        if len(tables.nearest):
            files["nearest.csv"] = _csv(tables.nearest)
        if len(tables.paths):
            files["path.csv"] = _csv(tables.paths)
            files["path.png"] = png(path_figure(tables.paths))
        if tables.fronts:
            files["front.csv"] = _csv(pd.concat([front.members for front in tables.fronts], ignore_index=True))
            files["front.png"] = png(front_figure(tables))
    write_files(out, files)
    if figures is not None:
        makers = {"regret": partial(regret_figure, tables)}
        if tables.fronts:
            makers["front"] = partial(front_figure, tables)
        if len(tables.paths):
            makers["path"] = partial(path_figure, tables.paths)
        write_files(folder_of(out, figures), drawn(makers, figures))


def _csv(table: pd.DataFrame) -> bytes:
    return csv_text(table).encode()


def _parquet(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()
