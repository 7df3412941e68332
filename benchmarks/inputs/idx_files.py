"""Reader of idx files, the format of MNIST: a magic number, the lengths of the axes, then bytes; gzipped or plain.

The format is described on http://yann.lecun.com/exdb/mnist: 0, 0, the type (8: unsigned byte), the number of axes, then
each length as a big-endian 32-bit integer.
"""

import gzip
import hashlib
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.errors import CorruptDataError

_UNSIGNED_BYTE = 8


def read_idx(path: Path, shape: tuple[int, ...], md5: str) -> tuple[NDArray[np.uint8], bool]:
    """The array in an idx file, and whether it is the whole published one; a gzipped file ends in .gz.

    Args:
        path: the file.
        shape: of the published array; a file cut small may be shorter along the first axis.
        md5: of the whole published file, unpacked.

    Raises:
        CorruptDataError: if the file is not a valid idx file of this kind, or whole with another md5.
    """
    with _opened(path) as file:
        header = file.read(4 + 4 * len(shape))
        found = _shape(path, header, len(shape))
        if found[1:] != shape[1:] or not 0 < found[0] <= shape[0]:
            raise CorruptDataError(
                f"{path} announces an array of {_lengths(found)}; expected {_lengths(shape)}, or fewer in the first "
                "axis. Fetch it again."
            )
        n_bytes = math.prod(found)
        content = file.read(n_bytes + 1)
    if len(content) != n_bytes:
        held = f"only {len(content):,}" if len(content) < n_bytes else "more"
        raise CorruptDataError(f"{path} announces {n_bytes:,} bytes of data but holds {held}. Fetch it again.")
    whole = found[0] == shape[0]
    if whole and hashlib.md5(header + content, usedforsecurity=False).hexdigest() != md5:
        raise CorruptDataError(
            f"{path} is whole but not the published file: the md5 of its contents is not {md5}. Fetch it again."
        )
    return np.frombuffer(content, dtype=np.uint8).reshape(found), whole


def _shape(path: Path, header: bytes, n_axes: int) -> tuple[int, ...]:
    expected = bytes((0, 0, _UNSIGNED_BYTE, n_axes))
    if header[:4] != expected:
        raise CorruptDataError(
            f"{path} begins with the magic number {int.from_bytes(header[:4])}; an idx file of this kind begins with "
            f"{int.from_bytes(expected)}. Fetch it again."
        )
    if len(header) != 4 + 4 * n_axes:
        raise CorruptDataError(f"{path} ends within its header. Fetch it again.")
    return tuple(int.from_bytes(header[at : at + 4]) for at in range(4, len(header), 4))


def _lengths(shape: tuple[int, ...]) -> str:
    return "x".join(str(length) for length in shape)


@contextmanager
def _opened(path: Path) -> Iterator[gzip.GzipFile | BufferedReader]:
    try:
        with path.open("rb") as file:
            yield gzip.GzipFile(fileobj=file) if path.suffix == ".gz" else file
    except (OSError, EOFError, zlib.error) as error:
        reason = str(error) or type(error).__name__
        raise CorruptDataError(f"{path} cannot be read to its end ({reason}). Fetch it again.") from error
