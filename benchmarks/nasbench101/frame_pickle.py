"""Pickled pandas data frames, read without pandas: the classes they refer to are replaced by ones that validate.

A frame is pickled as blocks of columns of one type, with the names of the columns and of the rows. Only frames whose
columns are numbers and whose rows are numbered from 0 are read.
"""

import gzip
import zlib
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from harness.errors import CorruptDataError
from harness.files import safe_pickle
from harness.files.pickle_stand_ins import ARRAYS, Global, StandIn

_MAX_UNPACKED_BYTES = 2**28


def read_frame(path: Path) -> dict[str, NDArray[Any]]:
    """The columns of a frame in a gzip file, by name, [n_rows] each.

    Raises:
        CorruptDataError: if the file is damaged, asks for anything else than a frame's parts, or is no such frame.
    """
    try:
        with gzip.open(path) as file:
            content = file.read(_MAX_UNPACKED_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise CorruptDataError(f"{path} is not a valid gzip file ({type(error).__name__}).") from error
    frame = safe_pickle.load(content, ARRAYS | {("builtins", "slice")}, name=str(path), stand_ins=_STAND_INS)
    if not isinstance(frame, _Frame) or frame.columns is None:
        raise CorruptDataError(f"{path} contains no data frame.")
    return frame.columns


class _Block(StandIn):
    """Columns of one type: `values` [n_columns, n_rows], at `places` among the frame's columns."""

    def __init__(self, values: object, places: object) -> None:
        if not isinstance(values, np.ndarray) or values.ndim != 2 or not isinstance(places, slice):
            raise ValueError("a block is not an array of columns and their places")
        self.values = np.asarray(values)
        self.places = places


class _BlockMaker(StandIn):
    """Stands in for `functools.partial`, which frames use to make blocks and for nothing else."""

    def __new__(cls, made: object) -> Self:
        if made is not _Block:
            raise ValueError("a function other than that which makes blocks")
        return super().__new__(cls)

    def __setstate__(self, state: object) -> None:
        if state != (_Block, (), {"ndim": 2}, None):
            raise ValueError("a block is not of two dimensions")

    def __call__(self, values: object, places: object) -> _Block:
        return _Block(values, places)


def _axis(kind: object, state: dict[str, Any]) -> range | list[str]:
    """Stands in for the function that makes the names of columns, or the numbers of rows."""
    if kind is _RowNumbers:
        return range(state["start"], state["stop"], state["step"])
    if kind is not _ColumnNames:
        raise ValueError("an axis of another kind")
    return [str(name) for name in np.asarray(state["data"])]


class _Blocks(StandIn):
    """Stands in for the manager that holds blocks and axes: `columns` are put together and their sizes checked."""

    def __init__(self, blocks: tuple[_Block, ...], axes: list[range | list[str]]) -> None:
        names, rows = axes
        if not isinstance(names, list) or rows != range(len(rows)):
            raise ValueError("columns without names, or rows that are not numbered from 0")
        found = {
            names[place]: values
            for block in blocks
            for place, values in zip(range(*block.places.indices(len(names))), block.values, strict=True)
        }
        if set(found) != set(names) or any(len(values) != len(rows) for values in found.values()):
            raise ValueError("columns that are missing or of unequal length")
        self.columns = {name: found[name] for name in names}


class _Frame(StandIn):
    """Stands in for the data frame."""

    columns: dict[str, NDArray[Any]] | None = None

    def __setstate__(self, state: dict[str, Any]) -> None:
        blocks = state["_mgr"]
        if not isinstance(blocks, _Blocks):
            raise ValueError("a frame without blocks")
        self.columns = blocks.columns


class _ColumnNames(StandIn):
    """Stands in for the class of column names, which is only ever handed to `_axis`."""


class _RowNumbers(StandIn):
    """Stands in for the class of row numbers, which is only ever handed to `_axis`."""


_STAND_INS: dict[Global, Any] = {
    ("pandas.core.frame", "DataFrame"): _Frame,
    ("pandas.core.internals.managers", "BlockManager"): _Blocks,
    ("functools", "partial"): _BlockMaker,
    ("pandas.core.internals.blocks", "new_block"): _Block,
    ("pandas.core.indexes.base", "_new_Index"): _axis,
    ("pandas.core.indexes.base", "Index"): _ColumnNames,
    ("pandas.core.indexes.range", "RangeIndex"): _RowNumbers,
}
