"""The files of an evaluation, each written whole or not at all."""

import errno
import io
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from harness import columns
from harness.errors import HarnessError, OptionError
from harness.report.evaluation import EvaluationTables
from harness.report.markdown import markdown_report
from harness.report.scatter import scatter
from harness.report.style import DPI, style


def write_report(out: Path, tables: EvaluationTables) -> None:
    """Write agreement.csv, scores.parquet, report.md, scatter.png and run.json into `out`, which is made if need be.

    Files of these names are replaced.

    Raises:
        OptionError: the folder cannot be made or written.
        HarnessError: the disk is full, or another failure of writing.
    """
    files: dict[str, Callable[[EvaluationTables], bytes]] = {
        "agreement.csv": _agreement_csv,
        "scores.parquet": _scores_parquet,
        "report.md": _report_md,
        "scatter.png": _scatter_png,
        "run.json": _run_json,
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, made_of in files.items():
            _write_whole(out / name, made_of(tables))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise HarnessError(
                f"The disk of {out} is full ({error.strerror}). Make room or choose another folder with out=FOLDER; "
                "scores are in the store, so the same command writes the files without computing."
            ) from error
        raise OptionError(
            f"The results cannot be written into {out}: {error.strerror or error}. "
            "Choose a folder that can be written with out=FOLDER."
        ) from error


def _agreement_csv(tables: EvaluationTables) -> bytes:
    return columns.in_order(tables.agreement).to_csv(index=False, lineterminator="\n").encode()


def _scores_parquet(tables: EvaluationTables) -> bytes:
    places = list(tables.scores.items())
    if len(places) == 1:
        table = places[0][1]
    else:
        # One folder, one file: with several data sets two columns in front say which.
        framed = [
            frame.assign(**{columns.BENCH: bench, columns.DATASET: dataset}) for (bench, dataset), frame in places
        ]
        joined = pd.concat(framed, ignore_index=True) if framed else pd.DataFrame(columns=list(columns.SCORES))
        front = [name for name in (columns.BENCH, columns.DATASET, *columns.SCORES) if name in joined.columns]
        table = joined[[*front, *columns.proxy_columns(joined)]]
    buffer = io.BytesIO()
    table.to_parquet(buffer, index=False)
    return buffer.getvalue()


def _report_md(tables: EvaluationTables) -> bytes:
    return markdown_report(tables, picture="scatter.png").encode()


def _scatter_png(tables: EvaluationTables) -> bytes:
    buffer = io.BytesIO()
    with style():
        # Without the version of matplotlib in it, equal results are equal bytes.
        scatter(tables).savefig(buffer, format="png", dpi=DPI, metadata={"Software": None})
    return buffer.getvalue()


def _run_json(tables: EvaluationTables) -> bytes:
    return (json.dumps(tables.provenance, indent=2, ensure_ascii=False, default=str) + "\n").encode()


def _write_whole(path: Path, content: bytes) -> None:
    """Write beside the target and rename, so that a reader or a kill never sees half a file."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        # mkstemp makes files private; results are as readable as the user's other files.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
