"""The ground truth of an evaluation: of a registered benchmark its tables, of the user's own networks what they say."""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness.columns import ARCH
from harness.errors import MissingDataError, PlugInError
from harness.evaluation.external_scores import ExternalScores
from harness.inputs import DataSet, own_data
from harness.plug_in_code import calling
from harness.settings import Settings
from harness.space import ModelSpace, SearchSpace
from harness.truth import Truth
from harness.truth.given import GivenTable, digest_of_values, unstated_column
from harness.truth.own_file import names_file, read_truth_word
from harness.truth.table import TruthTable


def opened_truth(space: SearchSpace, data_set: DataSet, word: str | None = None) -> Truth:
    """The ground truth of a space on a data set: a column of a user's file, or the benchmark's own tables.

    Args:
        space: the benchmark.
        data_set: the data set.
        word: what `truth=` gives, or the default of the space, see `truth_word`.

    Raises:
        MissingDataError: if there is none.
        PlugInError: if the space's own accuracies are not numbers by name.
        HarnessError: for a file that cannot be used, see `read_truth_file`.
    """
    if word is not None and names_file(word):
        archs, values, declared = read_truth_word(word, space)
        note = f"known for {declared.n_known:,} of {len(space.architectures):,} architectures"
        column = declared.described(data_set.name, note)
        return Truth(space.name, [GivenTable(TruthTable(archs, (column,), (values,)), str(declared.file))])
    if own_data(data_set) is not None and not space.is_own:
        given = "" if word is None else f" truth={word} is a column of the benchmark, which was trained on other data;"
        raise MissingDataError(
            f"There is no ground truth of {space.name} on {data_set.name}, which is your own data;{given} give the "
            f"accuracies of trained networks as truth=FILE.csv:COLUMN, with a column {ARCH}."
        )
    if not (isinstance(space, ModelSpace) and space.is_own):
        return Truth.open(space.name)
    with calling(f"accuracies of {space.origin}"):
        found = dict(space.accuracies(data_set))
    if not found:
        raise MissingDataError(
            f"{space.origin} has no accuracies of trained networks on {data_set.name}; give them as "
            f"truth=FILE.csv:COLUMN with a column {ARCH}, or by the method accuracies(data_set) of the space."
        )
    unknown = next((name for name in found if name not in space), None)
    if unknown is not None:
        raise PlugInError(f"accuracies of {space.origin} names '{unknown}', which is no architecture of {space.name}.")
    try:
        values = np.array([float(one) for one in found.values()], dtype=np.float64)
    except (TypeError, ValueError):
        raise PlugInError(f"accuracies of {space.origin} must be numbers by name; one of them is not.") from None
    archs = [str(name) for name in found]
    column = unstated_column(space.metric, data_set.name, space.metric, space.origin, digest_of_values(archs, values))
    return Truth(space.name, [GivenTable(TruthTable(archs, (column,), (values,)), space.origin)])


def given_names(settings: Settings, external: ExternalScores | None) -> Sequence[str] | None:
    """The architectures of a benchmark that is a plain function: those of truth= or scores=; None if neither names any.

    Raises:
        HarnessError: for a file that cannot be used, see `read_truth_file`.
    """
    if settings.truth is not None and names_file(settings.truth):
        return read_truth_word(settings.truth, None).names
    return None if external is None else external.written


def truth_word(space: SearchSpace, data_set: DataSet, settings: Settings) -> str | None:
    """What `truth=` gives; failing that, the file that the space declares for the data set; None: its usual column."""
    declared = space.default_truth.get(data_set.name)
    if settings.truth is not None or not isinstance(declared, str) or not names_file(declared):
        return settings.truth
    module = sys.modules.get(type(space).__module__)
    folder = Path(getattr(module, "__file__", None) or ".").parent
    return declared if Path(declared).is_absolute() else str(folder / declared)
