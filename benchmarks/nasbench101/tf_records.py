"""TFRecord files without TensorFlow: framed records, each with CRC-32C checksums of its length and of its contents."""

import struct
from collections.abc import Iterator
from pathlib import Path

import google_crc32c

from harness.errors import CorruptDataError

_HEADER = struct.Struct("<QI")  # length of the record, checksum of these eight bytes
_CHECKSUM = struct.Struct("<I")
_MASK = 0xA282EAD8
_MOST_BYTES = 2**20  # a record of the official files has about a thousand


def read_records(path: Path) -> Iterator[bytes]:
    """The records of a file, in its order.

    Raises:
        CorruptDataError: at the first record that is cut short or differs from its checksum.
    """
    n_left = path.stat().st_size
    with path.open("rb") as file:
        number = 0
        while header := file.read(_HEADER.size):
            n_left -= len(header)
            if len(header) < _HEADER.size:
                raise _damaged(path, number, "is cut short")
            length, checksum = _HEADER.unpack(header)
            if masked_crc32c(header[:8]) != checksum:
                raise _damaged(path, number, "has a length that differs from its checksum")
            if length > _MOST_BYTES:
                raise _damaged(path, number, f"has {length:,} bytes; at most {_MOST_BYTES:,} are read")
            n_left -= length + _CHECKSUM.size
            if n_left < 0:
                raise _damaged(path, number, "is cut short")
            record = file.read(length)
            if _CHECKSUM.pack(masked_crc32c(record)) != file.read(_CHECKSUM.size):
                raise _damaged(path, number, "differs from its checksum")
            yield record
            number += 1


def masked_crc32c(content: bytes) -> int:
    """The checksum as the format stores it: rotated and shifted, so that a checksum of checksums is no special case."""
    crc: int = google_crc32c.value(content)
    return ((crc >> 15 | crc << 17) + _MASK) & 0xFFFFFFFF


def _damaged(path: Path, number: int, how: str) -> CorruptDataError:
    return CorruptDataError(f"Record {number} of {path} {how}. Fetch it again.")
