"""The ground truth of an evaluation: of a registered benchmark its tables, of the user's own networks what they say."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from harness.columns import ARCH
from harness.errors import CorruptDataError, MissingDataError, OptionError, PlugInError
from harness.inputs import DataSet
from harness.plug_in_code import calling
from harness.settings import Settings
from harness.space import ModelSpace, SearchSpace
from harness.truth import Truth
from harness.truth.given import GivenTable, digest_of_values, unstated_column
from harness.truth.table import TruthTable


def opened_truth(space: SearchSpace, data_set: DataSet) -> Truth:
    """The ground truth of a space on a data set.

    Raises:
        MissingDataError: if there is none.
        PlugInError: if the space's own accuracies are not numbers by name.
    """
    if not isinstance(space, ModelSpace):
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


def given_names(settings: Settings, external: pd.DataFrame | None) -> Sequence[str] | None:
    """The architectures of a benchmark that is a plain function: those of truth= or scores=; None if neither names any.

    Raises:
        MissingDataError: if truth= names a file that is not there.
        CorruptDataError: if the file has no column of architectures.
    """
    path, _, _ = (settings.truth or "").rpartition(":")
    if path.lower().endswith(".csv"):
        return _archs_in(Path(path).expanduser())
    return None if external is None else [str(arch) for arch in external.index]


def _archs_in(file: Path) -> list[str]:
    try:
        table = pd.read_csv(file, dtype=str, keep_default_na=False, encoding="utf-8-sig", sep=None, engine="python")
    except FileNotFoundError:
        raise MissingDataError(
            f"truth={file} names no file; it takes a column of the benchmark or FILE.csv:COLUMN."
        ) from None
    except (OSError, ValueError, UnicodeError, pd.errors.ParserError) as error:
        raise CorruptDataError(f"'{file}' cannot be read as a CSV file: {str(error).strip()}.") from None
    if ARCH not in table.columns:
        raise OptionError(f"'{file}' has the columns {', '.join(map(str, table.columns))}; it needs {ARCH}.")
    return list(dict.fromkeys(table[ARCH]))
