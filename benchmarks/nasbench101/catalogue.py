"""The catalogue of all cells by name, computed once and stored in the data home, because hashing takes 20 s."""

import hashlib
import zipfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import overload

import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from benchmarks.nasbench101.cell import Cell
from benchmarks.nasbench101.enumeration import all_cells
from harness.errors import CorruptDataError, HarnessError, UnknownNameError
from harness.files.atomic import replacing
from harness.paths import DATA_VARIABLE, data_home
from harness.progress import Progress
from harness.space import Architecture

N_CELLS = 423_624
_SHA256 = "7e3b3b7b36a1e85cb84c631967aac384549b5975d579dd8865189d576bda7d31"
"""Of the names' bytes followed by the codes as little-endian uint32: the enumeration has one right result."""

_N_HEX = 32
_DIGITS = "0123456789abcdef"


class Catalogue:
    """All cells, sorted by name.

    `digests` uint8 [n_cells, 16] are the bytes of the names, `codes` uint32 [n_cells] are each `Cell.code`.

    Raises:
        CorruptDataError: if these are not the cells of NAS-Bench-101.
    """

    def __init__(self, digests: NDArray[np.uint8], codes: NDArray[np.uint32]) -> None:
        checksum = hashlib.sha256(digests.tobytes())
        checksum.update(codes.astype("<u4").tobytes())
        if checksum.hexdigest() != _SHA256:
            raise CorruptDataError(f"These {len(digests):,} cells are not the {N_CELLS:,} of NAS-Bench-101.")
        self.digests = digests
        self.codes = codes
        self._prefixes = _prefixes(digests)

    def row(self, name: str) -> int | None:
        """The row of a cell, None if no cell has this name."""
        if not is_name(name):
            return None
        row = int(np.searchsorted(self._prefixes, np.uint64(int(name[: _N_HEX // 2], 16))))
        return row if row < N_CELLS and self.digests[row].tobytes().hex() == name else None

    def rows(self, names: Sequence[str]) -> NDArray[np.int64]:
        """The rows of many cells at once, [n_names].

        Raises:
            UnknownNameError: if no cell has one of the names.
        """
        text = "".join(names)
        if set(map(len, names)) - {_N_HEX} or text.strip(_DIGITS):
            raise _unknown(next(name for name in names if not is_name(name)))
        digests = np.frombuffer(bytes.fromhex(text), dtype=np.uint8).reshape(-1, _N_HEX // 2)
        rows = np.searchsorted(self._prefixes, _prefixes(digests)).clip(max=N_CELLS - 1)
        different = (self.digests[rows] != digests).any(axis=1)
        if different.any():
            raise _unknown(names[int(different.argmax())])
        return rows

    def cell(self, name: str) -> Cell:
        """The cell of a name.

        Raises:
            UnknownNameError: if no cell has it.
        """
        row = self.row(name)
        if row is None:
            raise _unknown(name)
        return Cell.of_code(int(self.codes[row]))


class Names(Sequence[Architecture]):
    """The names of all cells in order, created on demand: as strings they would take 40 MB at every start."""

    def __len__(self) -> int:
        return N_CELLS

    @overload
    def __getitem__(self, row: int) -> Architecture: ...

    @overload
    def __getitem__(self, row: slice) -> Sequence[Architecture]: ...

    def __getitem__(self, row: int | slice) -> Architecture | Sequence[Architecture]:
        chosen = catalogue().digests[row]
        if isinstance(row, slice):
            return tuple(_names(chosen))
        return Architecture(chosen.tobytes().hex())

    def __iter__(self) -> Iterator[Architecture]:
        return _names(catalogue().digests)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and catalogue().row(name) is not None


def is_name(text: str) -> bool:
    """Whether a text is 32 hexadecimal digits in lower case."""
    return len(text) == _N_HEX and not text.strip(_DIGITS)


@cache
def catalogue() -> Catalogue:
    """The catalogue in the data home, opened once; every data home has the same.

    Raises:
        HarnessError: if it does not exist and the data home cannot be written.
    """
    return open_catalogue(data_home() / "spaces" / "nasbench101.npz")


def open_catalogue(path: Path) -> Catalogue:
    """The catalogue at a path, created if it is missing, truncated or changed.

    Creating it takes about 20 s, 150 MB of memory and 8.5 MB of disk space.

    Raises:
        HarnessError: if it must be created and the path cannot be written.
    """
    return _read(path) or _make(path)


def _read(path: Path) -> Catalogue | None:
    try:
        with np.load(path, allow_pickle=False) as file:
            return Catalogue(file["digests"], file["codes"])
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):  # CorruptDataError is a ValueError
        return None


def _make(path: Path) -> Catalogue:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_name(f".{path.name}.lock")):  # a second process waits, and then finds it
            found = _read(path)
            if found is None:
                with Progress("nasbench101: naming all cells, once", N_CELLS, "cells") as progress:
                    found = Catalogue(*all_cells(progress.advance))
                with replacing(path) as part, part.open("wb") as file:
                    np.savez(file, digests=found.digests, codes=found.codes)
    except OSError as error:
        raise HarnessError(
            f"The cells of nasbench101 cannot be written to {path} ({error.strerror or error}). "
            f"Set {DATA_VARIABLE} to a folder that can be."
        ) from error
    return found


def _names(digests: NDArray[np.uint8]) -> Iterator[Architecture]:
    text = digests.tobytes().hex()
    return (Architecture(text[start : start + _N_HEX]) for start in range(0, len(text), _N_HEX))


def _prefixes(digests: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """The first 8 of 16 bytes as numbers, which sort like the names; no two cells share them."""
    return np.ascontiguousarray(digests[:, :8]).view(">u8")[:, 0].astype(np.uint64)


def _unknown(name: str) -> UnknownNameError:
    return UnknownNameError(f"'{name}' is not the module hash of a cell of nasbench101.")
