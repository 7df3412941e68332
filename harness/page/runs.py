"""Reads the folders of evaluations."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pyarrow import ArrowInvalid

from harness import columns
from harness.errors import CorruptDataError, MissingDataError
from harness.result_tables import read_agreement, read_verdicts


@dataclass(frozen=True)
class Panel:
    """One data set of a run: its rows of agreement, `arch,index,truth,<proxy>...` of each architecture, verdicts."""

    bench: str
    data_set: str
    agreement: pd.DataFrame
    scores: pd.DataFrame
    verdicts: pd.DataFrame


@dataclass(frozen=True)
class Run:
    """The files of an evaluation's folder."""

    name: str
    panels: Sequence[Panel]
    provenance: dict[str, Any]


def newest(base: Path) -> Path:
    """The most recent run under `base`.

    Raises:
        MissingDataError: if there is none.
    """
    tables = sorted(base.glob("*/agreement.csv"), key=lambda file: file.stat().st_mtime)
    if not tables:
        raise MissingDataError(
            f"There is no run in {base}. Run an evaluation first (python -m harness), or give the folder of a run."
        )
    return tables[-1].parent


def read_run(folder: Path) -> Run:
    """The tables of a run's folder.

    Raises:
        MissingDataError: if a file is missing.
        CorruptDataError: if a file cannot be read.
    """
    agreement = read_agreement(folder / "agreement.csv")
    scores = _scores(folder / "scores.parquet")
    verdicts = read_verdicts(folder / "verdict.csv")
    provenance = folder / "run.json"
    try:
        told = json.loads(provenance.read_text()) if provenance.exists() else {}
    except ValueError as error:
        raise CorruptDataError(f"{provenance} is not JSON: {error}. Run the evaluation again.") from error
    panels = []
    for (bench, data_set), rows in agreement.groupby([columns.BENCH, columns.DATASET], sort=False):
        frame = scores
        if columns.BENCH in scores.columns:
            frame = scores[(scores[columns.BENCH] == bench) & (scores[columns.DATASET] == data_set)]
            frame = frame.drop(columns=[columns.BENCH, columns.DATASET])
        frame = frame.dropna(axis="columns", how="all").reset_index(drop=True)
        compared = verdicts[(verdicts[columns.BENCH] == bench) & (verdicts[columns.DATASET] == data_set)]
        panels.append(Panel(str(bench), str(data_set), rows.reset_index(drop=True), frame, compared))
    return Run(folder.resolve().name, panels, told)


def _scores(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise MissingDataError(f"There is no file {path}. An evaluation writes it into its out=.") from None
    except (ArrowInvalid, OSError) as error:
        raise CorruptDataError(f"{path} is not a table of scores: {error}. Run the evaluation again.") from error
