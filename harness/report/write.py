"""The files of an evaluation, each written atomically."""

import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from harness import columns
from harness.figure_options import FigureOptions
from harness.files.results import write_files
from harness.report.cost import cost
from harness.report.escape import csv_text
from harness.report.evaluation import EvaluationTables
from harness.report.for_papers import drawn as figures_of
from harness.report.for_papers import folder_of, latex_tables
from harness.report.forest import forest
from harness.report.heat_map import heat_map
from harness.report.markdown import markdown_report
from harness.report.scatter import scatter
from harness.report.style import png, style
from harness.report.top_k import top_k
from harness.result_tables import in_order, proxy_columns

_PICTURES: dict[str, Callable[[EvaluationTables], Figure | None]] = {
    "scatter.png": scatter,
    "forest.png": forest,
    "heatmap.png": heat_map,
    "topk.png": top_k,
    "cost.png": cost,
}
# Overlapping points have hundreds of shades that cannot be distinguished.
_N_COLOURS = {"scatter.png": 32}


def write_report(out: Path, tables: EvaluationTables, figures: FigureOptions | None = None) -> None:
    """Write the tables, the report, the figures and run.json into `out`, which is created if needed.

    Existing files of these names are replaced; those of tables that this evaluation does not have are removed.

    Args:
        out: the folder.
        tables: of one evaluation.
        figures: of figures that are written once more, for a paper or slides, with tables in LaTeX; None: none are.

    Raises:
        OptionError: the folder cannot be created or written.
        HarnessError: the disk is full, or writing failed otherwise.
    """
    made = {
        "agreement.csv": _csv(in_order(tables.agreement)),
        "verdict.csv": _csv(tables.verdicts),
        "selection.csv": _csv(tables.selection),
        "seeds.csv": _csv(tables.seeds),
        "reliability.csv": _csv(tables.reliability),
        "reference.csv": _csv(tables.reference),
        "within.csv": _csv(tables.within),
        "coverage.csv": _csv(tables.coverage),
        "scores.parquet": _scores_parquet(tables),
    }
    pictures = {name: _png(name, tables) for name in _PICTURES}
    drawn = [name for name, content in pictures.items() if content]
    made["report.md"] = markdown_report(tables, pictures=drawn).encode()
    made |= pictures | {"run.json": _run_json(tables)}
    write_files(out, {name: content for name, content in made.items() if content})
    for name in (name for name, content in made.items() if not content):
        (out / name).unlink(missing_ok=True)
    if figures is not None:
        makers = {name.partition(".")[0]: partial(make, tables) for name, make in _PICTURES.items()}
        write_files(folder_of(out, figures), figures_of(makers, figures) | latex_tables(tables))


def _csv(table: pd.DataFrame) -> bytes:
    """The table as CSV; nothing for one without rows."""
    return csv_text(table).encode() if len(table) else b""


def _scores_parquet(tables: EvaluationTables) -> bytes:
    places = list(tables.scores.items())
    if len(places) == 1:
        table = places[0][1]
    else:
        # One file per folder: for several data sets, two leading columns name them.
        framed = [
            frame.assign(**{columns.BENCH: bench, columns.DATASET: dataset}) for (bench, dataset), frame in places
        ]
        joined = pd.concat(framed, ignore_index=True) if framed else pd.DataFrame(columns=list(columns.SCORES))
        front = [name for name in (columns.BENCH, columns.DATASET, *columns.SCORES) if name in joined.columns]
        table = joined[[*front, *proxy_columns(joined)]]
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _png(name: str, tables: EvaluationTables) -> bytes:
    """The figure as PNG; empty if there is nothing to draw."""
    with style():
        figure = _PICTURES[name](tables)
        return b"" if figure is None else png(figure, n_colours=_N_COLOURS.get(name, 256))


def _run_json(tables: EvaluationTables) -> bytes:
    return (json.dumps(tables.provenance, indent=2, ensure_ascii=False, default=str) + "\n").encode()
