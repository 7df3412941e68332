"""NumPy's files, npz and npy: what an array's header announces is checked before anything is allocated."""

import math
import tokenize
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from harness.errors import CorruptDataError

_MOST_BYTES = 2**33  # of an array; 57,000 images of 224 x 224 fill it
_MOST_MEMBERS = 100
NUMBERS, WITH_TEXTS = "biuf", "biufS"
"""What arrays may hold, by the letters of NumPy; texts are bytes of one length."""
# What zipfile, NumPy and the system raise at damaged or hostile bytes; each ends as one sentence about the file.
_DAMAGED = (OSError, ValueError, KeyError, EOFError, TypeError, NotImplementedError, MemoryError, RuntimeError)


@dataclass(frozen=True)
class Header:
    """What an array's header says: its shape, its order, the type of its numbers."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: "np.dtype[Any]"
    n_bytes: int
    """Of the header itself."""


def read_npz(path: Path, names: Mapping[str, bool], kinds: str = NUMBERS) -> dict[str, NDArray[Any]]:
    """Arrays of numbers in an npz file, [...] each, by name; `names` says of each whether it must be there.

    Raises:
        CorruptDataError: if the file is not a whole npz file, lacks one, or one holds anything but `kinds`, has other
            bytes than its header announces, or more than 8 GiB.
    """
    required = " and ".join(f"'{name}'" for name, must in names.items() if must)
    required = required and f" with {required}"
    with (
        damaged_as_one_sentence(f"{path} is not a valid npz file{required}", "Make it again."),
        zipfile.ZipFile(path) as file,
    ):
        members = [member.filename for member in file.infolist()]
        if len(members) > _MOST_MEMBERS or len(set(members)) != len(members):
            raise ValueError("too many arrays, or one twice")
        found = {}
        for name, must in names.items():
            if not must and f"{name}.npy" not in members:
                continue
            n_bytes = file.getinfo(f"{name}.npy").file_size
            with file.open(f"{name}.npy") as opened:
                found[name] = _read(opened, n_bytes, kinds)
    return found


def read_npy(path: Path) -> NDArray[Any]:
    """The numbers in an npy file, [...].

    Raises:
        CorruptDataError: as `read_npz`.
    """
    with damaged_as_one_sentence(f"{path} is not a valid npy file", "Fetch it again."), path.open("rb") as file:
        return _read(file, path.stat().st_size)


@contextmanager
def damaged_as_one_sentence(what: str, remedy: str) -> Iterator[None]:
    """Report what a damaged file raises in one sentence, which begins with `what` and ends with `remedy`.

    Raises:
        CorruptDataError: in its place.
    """
    try:
        yield
    except (*_DAMAGED, zipfile.BadZipFile, zlib.error) as error:
        reason = str(error) if type(error) is ValueError and len(str(error)) < 100 else type(error).__name__
        reason = reason.encode("ascii", "backslashreplace").decode()
        raise CorruptDataError(f"{what} ({reason}). {remedy}") from error


def _read(file: IO[bytes], n_bytes: int, kinds: str = NUMBERS) -> NDArray[Any]:
    header = header_of(file, kinds)
    announced = math.prod(header.shape) * header.dtype.itemsize
    if announced != n_bytes - header.n_bytes:
        raise ValueError(f"an array announces {announced:,} bytes and has {n_bytes - header.n_bytes:,}")
    if announced > _MOST_BYTES:
        raise ValueError(f"an array of {announced:,} bytes; at most {_MOST_BYTES:,} are read")
    content = file.read(announced + 1)
    if len(content) != announced:
        raise ValueError("an array is cut short")
    return np.frombuffer(content, header.dtype).reshape(header.shape, order="F" if header.fortran else "C")


def header_of(file: IO[bytes], kinds: str = NUMBERS) -> Header:
    """What an array's header says.

    Raises:
        ValueError: if it is none, or of anything but `kinds`.
    """
    version = np.lib.format.read_magic(file)
    read = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError("a version of the npy format that holds no plain numbers")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of headers that Python 2 wrote
            shape, fortran, dtype = read(file)
    except (SyntaxError, tokenize.TokenError, RecursionError) as error:
        raise ValueError("an array whose header is none") from error
    if dtype.kind not in kinds or len(shape) > 8:
        raise ValueError("an array of something else than numbers")
    return Header(shape, fortran, dtype, file.tell())
