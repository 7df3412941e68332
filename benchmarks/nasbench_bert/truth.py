"""Trained results of NAS-Bench-BERT: the authors' file, GLUE scores of 500 encoders. arXiv:2306.00288, Section 4.

Each was pre-trained once as ELECTRA is (OpenWebText, 100,000 steps of 128 sequences of 128 tokens) and fine-tuned once
on each task. The three readings of the benchmark share this truth.
"""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.nasbench_bert.space import NasbenchBert, NasbenchBertDeclared, NasbenchBertTrained
from benchmarks.nasbench_bert.structure import EncoderLayer, Structure, write
from harness.errors import CorruptDataError
from harness.files.atomic import sha256_of
from harness.files.downloads import github_file
from harness.truth.sources import TRUTH_SOURCES, TruthSource
from harness.truth.table import TruthColumn, TruthTable

_SERIANNI = "aaronserianni/training-free-nas/2d76e01b9586cad7340e8268dadba3056efd070b"
_TASKS = {
    "cola": "Matthews correlation x 100",
    "mnli": "accuracy",
    "mrpc": "accuracy",
    "qnli": "accuracy",
    "qqp": "accuracy",
    "rte": "accuracy",
    "sst": "accuracy",
    "sts": "correlation x 100",
}
_NOTES = {
    "cola": "; exactly 0 for 53 encoders, which predict one class",
    "rte": "; 0.0 for number 47, a failed or missing run, which is part of its mean",
}
_LONGEST_TASK_EPOCHS = 10
_EPOCHS = 3


def convert_glue(paths: Sequence[Path]) -> TruthTable:
    """The mean over tasks, the score of each and the training time, by architecture.

    Raises:
        CorruptDataError: if the file is damaged, or does not list the encoders of the space in order.
    """
    (path,) = paths
    archs = NasbenchBert().architectures
    rows = _rows(path)
    if [_string(path, row) for row in rows] != [arch.partition("~")[0] for arch in archs]:
        raise CorruptDataError(f"{path} does not list the {len(archs)} encoders of nasbench_bert in order.")
    tasks = {task: np.array([_score(path, at, row, task) for at, row in enumerate(rows)]) for task in _TASKS}
    means = np.array([_score(path, at, row, "glue") for at, row in enumerate(rows)])
    differs = np.flatnonzero(np.abs(means - np.mean(list(tasks.values()), axis=0)) > 1e-6)
    if differs.size:
        raise CorruptDataError(f"{path} gives encoder {differs[0]} a glue score that is not the mean of its tasks.")
    seconds = np.array([_number(path, at, row.get("time_to_train"), "time_to_train") for at, row in enumerate(rows)])
    return TruthTable(archs, tuple(_columns(path)), (means, *tasks.values(), seconds))


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        rows = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:  # a UnicodeDecodeError is a ValueError
        raise CorruptDataError(f"{path} is not valid JSON ({type(error).__name__}). Fetch it again.") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise CorruptDataError(f"{path} is not a list of encoders with results.")
    return rows


def _string(path: Path, row: dict[str, Any]) -> str:
    """The architecture of an entry, as it declares it."""
    try:
        declared = row["hparams"]["model_hparam_overrides"]
        layers = tuple(
            EncoderLayer(
                f"{layer['operation_type']}-{layer['operation_parameter']}",
                *(layer[name] for name in ("num_operation_heads", "feed_forward_dimension", "num_feed_forward")),
            )
            for layer in declared["nas_config"]["encoder_layers"]
        )
        return write(Structure(declared["hidden_size"], layers))
    except (LookupError, TypeError) as error:
        raise CorruptDataError(f"{path} is not a list of encoders with results ({type(error).__name__}).") from error


def _score(path: Path, at: int, row: dict[str, Any], task: str) -> float:
    scores = row.get("scores")
    found = _number(path, at, scores.get(task) if isinstance(scores, dict) else None, f"score of {task}")
    if not -100 <= found <= 100:
        raise CorruptDataError(f"{path} gives encoder {at} no score of {task} between -100 and 100.")
    return found


def _number(path: Path, at: int, found: Any, what: str) -> float:
    """A number of an entry.

    Raises:
        CorruptDataError: if it is none.
    """
    if type(found) not in (int, float) or not math.isfinite(found):
        raise CorruptDataError(f"{path} gives encoder {at} no {what}.")
    return float(found)


def _columns(path: Path) -> Iterator[TruthColumn]:
    """The descriptions of all columns, the mean first."""
    owner, repository, commit = _SERIANNI.split("/")
    mean = TruthColumn(
        name="glue",
        dataset="glue",
        metric="mean GLUE score",
        unit="points",
        split="validation",
        epochs=None,
        seeds="one pre-training, one fine-tuning on each task",
        higher_is_better=True,
        source=f"{owner}/{repository}@{commit[:7]} {path.parent.name}/{path.name}",
        sha256=sha256_of(path),
        note="plain mean over the eight tasks, on GLUE's development sets; of number 47 with an RTE score of 0.0",
    )
    yield mean
    for task, metric in _TASKS.items():
        epochs = _LONGEST_TASK_EPOCHS if task in ("rte", "sts") else _EPOCHS
        note = f"development set of GLUE's {task.upper()}{_NOTES.get(task, '')}"
        yield replace(mean, name=f"dev_{task}", metric=metric, epochs=epochs, note=note)
    yield replace(
        mean,
        name="train_seconds",
        metric="training time",
        unit="s",
        split="none",
        higher_is_better=False,
        note="of pre-training, on a TPU",
    )


_FILE = github_file(
    _SERIANNI,
    "data/BERT_benchmark.json",
    "fa2ff7198dcd71e0b8021ed2ace1c221672c33cc56931b6dff31fda3d044784f",
    453_164,
)

SOURCES = tuple(
    TruthSource(
        name="serianni",
        benchmark=space.name,
        files=(_FILE,),
        licence="CC BY 4.0",
        convert=convert_glue,
    )
    for space in (NasbenchBert, NasbenchBertDeclared, NasbenchBertTrained)
)

for _source in SOURCES:
    TRUTH_SOURCES.register(_source.key)(_source)
