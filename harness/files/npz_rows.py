"""Rows of the arrays in an npz file, read when they are asked for: a file larger than memory is no obstacle.

An array that `numpy.savez` stored is mapped into memory; one that `numpy.savez_compressed` packed is unpacked in a
stream, of which the rows alone are kept. Nothing is unpickled.
"""

import math
import struct
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import CorruptDataError, MissingDataError
from harness.files.arrays import Header, damaged_as_one_sentence, header_of

_LOCAL_HEADER = struct.Struct("<4s22xHH")
_STREAMED_AT_ONCE = 2**22
_SUFFIX = ".npy"


@dataclass(frozen=True)
class NpzRows:
    """The array of numbers called `member` in a file; indexing it with row numbers [k] reads those rows, [k, ...].

    Raises:
        CorruptDataError: when rows are read, if the file is cut short, or its array has other bytes than announced.
    """

    path: Path
    member: str
    header: Header
    is_packed: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the whole array."""
        return self.header.shape

    @property
    def dtype(self) -> "np.dtype[Any]":
        """Of its numbers."""
        return self.header.dtype

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        with damaged_as_one_sentence(f"{self.path} cannot be read", "Make it again."):
            return self._streamed(rows) if self.is_packed else np.array(self._mapped[rows])

    def largest_and_smallest(self) -> tuple[float, float]:
        """Of all its numbers, of which no more than a few megabytes are in memory at once.

        Raises:
            CorruptDataError: if the array has no number.
        """
        if not math.prod(self.shape):
            raise CorruptDataError(f"{self.path} has no rows: its array '{self.member}' has the shape {self.shape}.")
        largest, smallest = -math.inf, math.inf
        with damaged_as_one_sentence(f"{self.path} cannot be read", "Make it again."):
            for chunk in self._chunks():
                largest, smallest = max(largest, float(chunk.max())), min(smallest, float(chunk.min()))
        return largest, smallest

    def _chunks(self) -> Iterator[NDArray[Any]]:
        if not self.is_packed:
            for start in range(0, len(self), self._step):
                yield self._mapped[start : start + self._step]
            return
        with zipfile.ZipFile(self.path) as file, file.open(self.member + _SUFFIX) as opened:
            opened.read(self.header.n_bytes)
            for start in range(0, len(self), self._step):
                yield self._take(opened, min(self._step, len(self) - start))

    @property
    def _step(self) -> int:
        """Rows that are unpacked at once."""
        return max(1, _STREAMED_AT_ONCE // max(1, self._row_bytes))

    @property
    def _row_bytes(self) -> int:
        return math.prod(self.shape[1:]) * self.dtype.itemsize

    @cached_property
    def _mapped(self) -> NDArray[Any]:
        with zipfile.ZipFile(self.path) as file:
            info = file.getinfo(self.member + _SUFFIX)
        with self.path.open("rb") as opened:
            opened.seek(info.header_offset)
            magic, n_name, n_extra = _LOCAL_HEADER.unpack(opened.read(_LOCAL_HEADER.size))
            start = opened.tell() + n_name + n_extra + self.header.n_bytes
            size = opened.seek(0, 2)
        if magic != b"PK\x03\x04" or start + len(self) * self._row_bytes > size:
            raise ValueError("an array is cut short")
        order = "F" if self.header.fortran else "C"
        return np.memmap(self.path, self.dtype, "r", start, self.shape, order)  # type: ignore[call-overload, no-any-return]

    def _streamed(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        found = np.empty((len(rows), *self.shape[1:]), self.dtype)
        at = 0
        with zipfile.ZipFile(self.path) as file, file.open(self.member + _SUFFIX) as opened:
            opened.read(self.header.n_bytes)
            for place in np.argsort(rows, kind="stable"):
                row = int(rows[place])
                while at < row:
                    passed = min(self._step, row - at)
                    self._take(opened, passed)
                    at += passed
                if at == row:
                    last = self._take(opened, 1)[0]
                    at += 1
                found[place] = last  # of a row that is asked for twice, the same again
        return found

    def _take(self, opened: IO[bytes], n_rows: int) -> NDArray[Any]:
        content = opened.read(n_rows * self._row_bytes)
        if len(content) != n_rows * self._row_bytes:
            raise ValueError("an array is cut short")
        return np.frombuffer(content, self.dtype).reshape(n_rows, *self.shape[1:])


def open_npz(path: Path, names: Collection[str]) -> dict[str, NpzRows]:
    """Those of the named arrays that an npz file has, none of which is read yet; others are not looked at.

    Raises:
        MissingDataError: if there is no such file.
        CorruptDataError: if it is not an npz file, or one of them holds anything but numbers, such as pickled objects.
    """
    if not path.is_file():
        raise MissingDataError(f"There is no file '{path}'.")
    found = {}
    with damaged_as_one_sentence(f"{path} is not a valid npz file", "Make it again."), zipfile.ZipFile(path) as file:
        members = {info.filename: info for info in file.infolist()}
        for name in names:
            if name + _SUFFIX in members:
                with file.open(members[name + _SUFFIX]) as opened:
                    found[name] = _described(path, name, header_of(opened), members[name + _SUFFIX])
    return found


def names_in(path: Path) -> list[str]:
    """The names of the arrays in an npz file."""
    with damaged_as_one_sentence(f"{path} is not a valid npz file", "Make it again."), zipfile.ZipFile(path) as file:
        return [name.removesuffix(_SUFFIX) for name in file.namelist()]


def _described(path: Path, name: str, header: Header, info: zipfile.ZipInfo) -> NpzRows:
    if math.prod(header.shape) * header.dtype.itemsize != info.file_size - header.n_bytes:
        raise ValueError(f"'{name}' has other bytes than its header announces")
    is_packed = info.compress_type != zipfile.ZIP_STORED
    if is_packed and header.fortran and len(header.shape) > 1:
        raise ValueError(f"'{name}' is packed column by column; save numpy.ascontiguousarray of it")
    if not header.shape:  # a single number
        header = replace(header, shape=(1,))
    return NpzRows(path, name, header, is_packed)
