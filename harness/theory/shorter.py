"""Shorter trainings as what draws up a shortlist: all networks are trained for a few epochs, the best k to the end."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.errors import OptionError
from harness.evaluation.evaluation_set import EvaluationSet
from harness.truth.own_file import names_file, read_truth_word
from harness.truth.table import TruthColumn


@dataclass(frozen=True, eq=False)
class Shorter:
    """Results after fewer epochs than the truth's.

    Attributes:
        name: of the column.
        epochs: of the shorter training, which every network of the space has.
        values: (n,) of the architectures of the evaluation set, higher is better, NaN where unknown.
    """

    name: str
    epochs: int
    values: NDArray[np.float64]


def shorter_trainings(evaluated: EvaluationSet, words: Sequence[str] | None) -> Iterator[Shorter]:
    """The named shorter trainings, `COLUMN` or `FILE.csv:COLUMN`; None: those of the truth's metric and split.

    Raises:
        OptionError: for a column whose epochs, or those of the truth, are not known, or are not fewer.
        HarnessError: for a column or file that there is not, and for a file that cannot be used.
    """
    if words is None:
        for column in evaluated.benchmark_truth.columns(evaluated.data_set.name):
            if _is_shorter(column, evaluated.truth) and "_seed" not in column.name:
                yield _of_column(evaluated, column)
        return
    for word in words:
        if not names_file(word):
            column = evaluated.benchmark_truth.column(evaluated.data_set.name, word)
            _require_fewer(word, column.epochs, evaluated.truth)
            yield _of_column(evaluated, column)
            continue
        archs, values, declared = read_truth_word(word, evaluated.space)
        _require_fewer(word, declared.epochs, evaluated.truth)
        known = dict(zip(archs, values.tolist(), strict=True))
        own = np.array([known.get(arch, np.nan) for arch in evaluated.archs])
        yield Shorter(declared.name, declared.epochs or 0, own if declared.higher_is_better else -own)


def _is_shorter(column: TruthColumn, truth: TruthColumn) -> bool:
    if column.epochs is None or truth.epochs is None or column.epochs >= truth.epochs:
        return False
    return (column.metric, column.split) == (truth.metric, truth.split)


def _of_column(evaluated: EvaluationSet, column: TruthColumn) -> Shorter:
    values = evaluated.benchmark_truth.values(evaluated.archs, evaluated.data_set.name, column.name)
    return Shorter(column.name, column.epochs or 0, values if column.higher_is_better else -values)


def _require_fewer(word: str, epochs: int | None, truth: TruthColumn) -> None:
    if truth.epochs is None:
        raise OptionError(f"shorter={word} is invalid: it is not known how many epochs the truth {truth.name} took.")
    if epochs is None:
        raise OptionError(
            f"shorter={word} is invalid: its epochs are not stated; write them above its header, as '# "
            f"{word.rpartition(':')[2]}: metric=accuracy, unit=%, epochs=12'."
        )
    if epochs >= truth.epochs:
        raise OptionError(
            f"shorter={word} is invalid: its {epochs} epochs must be fewer than the {truth.epochs} of {truth.name}."
        )
