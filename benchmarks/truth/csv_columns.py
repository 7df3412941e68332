"""Published CSV files, read as typed columns."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from harness.errors import CorruptDataError

_ARROW_TYPES = {str: pa.string(), int: pa.int64(), float: pa.float64()}


def read_csv(path: Path, types: Mapping[str, type[str] | type[int] | type[float]]) -> dict[str, NDArray[Any]]:
    """The named columns of a CSV file with a header line, each [n_rows].

    Args:
        path: the file.
        types: the columns to read, with their types.

    Raises:
        CorruptDataError: if a column is missing, or contains an empty cell or one of another type.
    """
    options = csv.ConvertOptions(
        include_columns=list(types),
        column_types={name: _ARROW_TYPES[kind] for name, kind in types.items()},
        null_values=[""],
        strings_can_be_null=True,
    )
    try:
        table = csv.read_csv(path, convert_options=options)
    except (pa.ArrowException, OSError, ValueError, KeyError) as error:
        raise CorruptDataError(
            f"{path} is not a CSV file with the columns {', '.join(types)} ({type(error).__name__})."
        ) from error
    holes = [name for name in types if table[name].null_count]
    if holes:
        raise CorruptDataError(f"{path} has empty cells in the columns {', '.join(holes)}.")
    return {name: np.asarray(table[name].to_numpy()) for name in types}
