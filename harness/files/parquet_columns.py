"""Columns of a Parquet file of a stranger, of stated types and number, checked before memory is taken for them.

Texts are read as a dictionary, whose entries are measured before each row gets its own.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from harness.errors import CorruptDataError

Kind = type[str] | type[int] | type[float]

_IS = {
    str: lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind),
    int: pa.types.is_integer,
    float: pa.types.is_floating,
}
_LONGEST_TEXT = 200  # bytes; NumPy keeps as many for every row
_WORDS = {str: "text", int: "whole numbers", float: "numbers"}


def read_columns(path: Path, kinds: Mapping[str, Kind], n_rows: int) -> dict[str, NDArray[Any]]:
    """The named columns, each [n_rows]: int64, float64 with NaN for empty cells, or texts.

    Args:
        path: of the file.
        kinds: the columns to read, with their types; others are not looked at.
        n_rows: how many rows the file must have.

    Raises:
        CorruptDataError: if it is no Parquet file, or lacks a column, or has other types, another number of rows or
            empty cells in a column that is not of floating-point numbers, or a text of more than 200 bytes.
    """
    try:
        with pq.ParquetFile(path) as file:
            schema = file.schema_arrow
            missing = [name for name in kinds if schema.get_all_field_indices(name) == []]
            if missing:
                raise CorruptDataError(f"{path} lacks the columns {', '.join(missing)}.")
            for name, kind in kinds.items():
                if len(schema.get_all_field_indices(name)) > 1 or not _IS[kind](schema.field(name).type):
                    raise CorruptDataError(f"{path} has something other than {_WORDS[kind]} in its column {name}.")
            if file.metadata.num_rows != n_rows:
                raise CorruptDataError(f"{path} has {file.metadata.num_rows:,} rows instead of {n_rows:,}.")
        texts = [name for name, kind in kinds.items() if kind is str]
        with pq.ParquetFile(path, read_dictionary=texts) as file:
            table = file.read(columns=list(kinds), use_threads=False)
    except CorruptDataError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        told = " ".join(str(error).split())[:120]
        raise CorruptDataError(f"{path} is not a valid Parquet file ({type(error).__name__}: {told}).") from error
    for name in texts:
        longest = max(
            (pc.max(pc.binary_length(part.dictionary)).as_py() or 0 for part in table[name].chunks), default=0
        )
        if longest > _LONGEST_TEXT:
            raise CorruptDataError(f"{path} has a text of {longest:,} bytes in its column {name}.")
    empty = [name for name, kind in kinds.items() if kind is not float and table[name].null_count]
    if empty:
        raise CorruptDataError(f"{path} has empty cells in the columns {', '.join(empty)}.")
    return {name: _array(table[name], kind) for name, kind in kinds.items()}


def _array(column: pa.ChunkedArray, kind: Kind) -> NDArray[Any]:
    if kind is str:
        return np.array(column.to_pylist(), dtype=np.str_)
    return np.asarray(column.to_numpy(), dtype=np.int64 if kind is int else np.float64)


def text_bytes(column: pa.ChunkedArray) -> int:
    """Bytes of the texts of all rows, in a column that was read as a dictionary."""
    lengths = (pc.take(pc.binary_length(part.dictionary), part.indices) for part in column.chunks)
    return sum(pc.sum(one).as_py() or 0 for one in lengths)
