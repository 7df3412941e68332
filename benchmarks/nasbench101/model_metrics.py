"""Reader of the protocol buffer `ModelMetrics` of NAS-Bench-101: final accuracies and parameter count.

Its fields by number: 1 evaluation (repeated), 2 trainable parameters (integer), 3 total time (double). Those of an
evaluation: 1 epoch, 2 training time, 3 training accuracy, 4 validation accuracy, 5 test accuracy (doubles) and 6
checkpoint (text).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5  # wire types of the encoding
_DOUBLE = struct.Struct("<d")
_MOST_PARAMS = 10**9  # the largest cell has some fifty million
_LONGEST_SHIFT = 63  # of a 64-bit integer
_N_EVALUATIONS = 3  # before training, half-way, at the end


@dataclass(frozen=True)
class FinalMetrics:
    """One training run after its last epoch; accuracies are fractions of 10,000 images each."""

    train: float
    validation: float
    test: float
    n_params: int


def decode(message: bytes) -> FinalMetrics:
    """The final metrics of a serialised `ModelMetrics`.

    Raises:
        ValueError: if it is not such a message, is truncated, or lacks a field.
    """
    evaluations, n_params = [], None
    for number, value in _fields(message):
        if number == 1:
            evaluations.append(value)
        elif number == 2:
            n_params = value
    if len(evaluations) != _N_EVALUATIONS or not isinstance(n_params, int):
        raise ValueError("not three evaluations and a parameter count")
    last = evaluations[-1]
    final = dict(_fields(last)) if isinstance(last, bytes) else {}
    train, validation, test = (final.get(number) for number in (3, 4, 5))
    if not (isinstance(train, float) and isinstance(validation, float) and isinstance(test, float)):
        raise ValueError("an accuracy is missing")
    if not all(0 <= accuracy <= 1 for accuracy in (train, validation, test)):
        raise ValueError("an accuracy that is no fraction")
    if not 0 < n_params < _MOST_PARAMS:
        raise ValueError("a parameter count that no cell has")
    return FinalMetrics(train, validation, test, n_params)


def _fields(message: bytes) -> Iterator[tuple[int, int | float | bytes]]:
    """Number and value of each field; an eight-byte value is a double, as all of these messages are."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        value: int | float | bytes
        if kind == _FIXED_64:
            stop = at + 8
            if stop <= len(message):
                (value,) = _DOUBLE.unpack_from(message, at)
                yield number, value
        elif kind == _VARINT:
            value, stop = _varint(message, at)
            yield number, value
        elif kind == _BYTES:
            length, at = _varint(message, at)
            stop = at + length
            yield number, message[at:stop]
        elif kind == _FIXED_32:
            stop = at + 4
        else:
            raise ValueError("a field of an unknown kind")
        at = stop
    if at != len(message):
        raise ValueError("cut short")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """The number at a place, seven bits a byte, and the place after it."""
    number = shift = 0
    while at < len(message):
        byte = message[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
        if shift > _LONGEST_SHIFT:
            raise ValueError("an integer of more than 64 bits")
    raise ValueError("cut short")
