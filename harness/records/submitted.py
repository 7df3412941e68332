"""The folder of a run that is submitted: its files, and which of its rows others could check."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from harness import columns
from harness.cli.reading import Source, read_into
from harness.errors import CorruptDataError, HarnessError, MissingDataError
from harness.inputs import DATA_SETS, InputKind
from harness.protocol import Protocol
from harness.result_tables import read_agreement
from harness.settings import AGAINST, SMALLEST
from harness.space import BENCHMARKS
from harness.truth import names_file


@dataclass(frozen=True)
class Config:
    """What run.json says was asked for, as far as a record needs it."""

    proxy: tuple[str, ...] | None = None
    inputs: tuple[InputKind, ...] = (InputKind.real,)
    seed: int = 0
    against: tuple[str, ...] = AGAINST
    smallest: float = SMALLEST
    loss: str | None = None
    truth: str | None = None
    sample_seed: int = 0
    protocol: Protocol = field(default_factory=Protocol)
    options: Mapping[str, Mapping[str, Any]] | None = None
    device: str = "cpu"


@dataclass(frozen=True, eq=False)
class SubmittedRun:
    """The files of a run's folder."""

    folder: Path
    agreement: pd.DataFrame
    scores: pd.DataFrame
    provenance: Mapping[str, Any]
    config: Config


def read_submitted(folder: Path) -> SubmittedRun:
    """The files of a run.

    Raises:
        MissingDataError: if one is missing.
        CorruptDataError: if one cannot be read.
    """
    agreement = read_agreement(folder / "agreement.csv")
    path = folder / "scores.parquet"
    if not path.is_file():
        raise MissingDataError(
            f"There is no file {path}, which a record is made of; run the command of {folder / 'run.json'} again, "
            "which reads finished scores from the store."
        )
    try:
        scores = pd.read_parquet(path)
        provenance = json.loads((folder / "run.json").read_text("utf-8"))
        config = provenance["config"]
        known = {name: config[name] for name in Config.__dataclass_fields__ if config.get(name) is not None}
        read = read_into(Config, known, Source(noun="setting", file=f"'{folder / 'run.json'}'"))
    except FileNotFoundError:
        raise MissingDataError(f"There is no file {folder / 'run.json'}; run the evaluation again.") from None
    except HarnessError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        what = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise CorruptDataError(f"The run in {folder} cannot be read: {what}. Run the evaluation again.") from None
    return SubmittedRun(folder, agreement, scores, provenance, read)


def is_elsewhere(rows: pd.DataFrame) -> bool:
    """Whether the scores of a run's rows were computed elsewhere."""
    first = rows.iloc[0]
    return str(first[columns.VERSION]) == columns.EXTERNAL and "source=" not in str(first[columns.OPTIONS])


def why_not(run: SubmittedRun, rows: pd.DataFrame) -> str:
    """Why rows of a run make no record that others could check; empty if they do."""
    first = rows.iloc[0]
    bench, data_set, population = (str(first[name]) for name in (columns.BENCH, columns.DATASET, columns.POPULATION))
    if first[columns.COMPONENTS]:
        return "it is an ensemble, and a record is of one proxy"
    if bench not in BENCHMARKS or not BENCHMARKS.get(bench).enumerable:
        return "its networks are your own, which nobody else has"
    if data_set not in DATA_SETS or run.config.loss is not None:
        return "its data are your own, which nobody else has"
    if run.config.truth is not None and names_file(run.config.truth):
        return f"its ground truth {run.config.truth} is a file of your own"
    if run.config.sample_seed:
        return f"it is on the sample of sample_seed={run.config.sample_seed}; records are on that of sample_seed=0"
    if population not in BENCHMARKS.get(bench).populations:
        return f"its population {population} is a file of your own"
    if f"{bench}/{data_set}" not in run.provenance.get("truth", {}):
        return "run.json does not say which ground truth it was compared with; run the evaluation again"
    return ""
