"""Pickles without their power: an unpickler that builds plain containers and NumPy arrays and calls nothing else.

Its globals are those that are listed: `pickle_stand_ins`, and what a caller adds. What is built is bounded by the
pickle's own length: a few bytes cannot ask for gigabytes, for depths that end the process, or for a structure whose
parts repeat each other without end.
`limited` runs `plain_load` in a process with limits of memory and time.
"""

import io
import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from harness.errors import CorruptDataError
from harness.files.pickle_scan import MOST_NESTED, check_opcodes
from harness.files.pickle_stand_ins import (
    ARRAYS,
    LATIN1,
    MOST_BYTES,
    Budget,
    Function,
    Global,
    allowance,
    array_stand_ins,
)


class _ListedUnpickler(pickle.Unpickler):
    """An unpickler whose only globals are those of `ARRAYS`, of `allow`, and `stand_ins` for others."""

    def __init__(
        self, content: bytes, allow: frozenset[Global], stand_ins: Mapping[Global, Any], name: str, encoding: str
    ) -> None:
        super().__init__(io.BytesIO(content), encoding=encoding)
        self._allow = allow
        checked = {key: made for key, made in array_stand_ins(Budget(len(content))).items() if key in allow}
        self._stand_ins = checked | {
            key: made if made is None or hasattr(made, "__setstate__") else Function(made)
            for key, made in stand_ins.items()
        }
        self._name = name

    def find_class(self, module: str, name: str) -> Any:
        """The global, where the list has it.

        Raises:
            CorruptDataError: for any other one. A dotted name never matches, so no attribute can be walked to.
        """
        if (module, name) in self._stand_ins:
            return self._stand_ins[module, name]
        if (module, name) not in self._allow:
            raise CorruptDataError(
                f"{self._name} is a pickle that refers to '{module}.{name}', which is not a plain array or container: "
                "it was not read. Delete it and download the file again from its authors."
            )
        return super().find_class(module, name)

    def persistent_load(self, pid: Any) -> Any:
        """Refuse references to outside objects.

        Raises:
            CorruptDataError: always.
        """
        raise CorruptDataError(
            f"{self._name} is a pickle that refers to something outside itself: it was not read. "
            "Download the file again from its authors."
        )


def load(
    source: Path | bytes,
    allow: frozenset[Global] = ARRAYS,
    *,
    encoding: str = LATIN1,
    name: str = "This data",
    stand_ins: Mapping[Global, Any] = MappingProxyType({}),
) -> Any:
    """The object in a pickle, built from listed globals only; `numpy.asarray` makes its arrays plain ones.

    Args:
        source: a file, or the pickle's bytes.
        allow: the globals that it may ask for, as (module, name).
        encoding: of Python 2 strings; "latin1" keeps array bytes whole, "bytes" gives bytes.
        name: what messages call the pickle's bytes; a file has its path.
        stand_ins: what is used in place of further globals, functions or classes derived from `StandIn`; it is called
            as the pickle says, and must check what it is given.

    Raises:
        CorruptDataError: if it refers to any other global, or is truncated, no pickle at all, or made to harm.
    """
    name, content = (name, source) if isinstance(source, bytes) else (str(source), _content(source))
    try:
        check_opcodes(content)
        found = _ListedUnpickler(content, allow, stand_ins, name, encoding).load()
        _check_parts(found, len(content))
    except CorruptDataError:
        raise
    # A damaged pickle can fail inside any opcode: a wrong index, a call with wrong arguments, a length that no
    # memory can hold. All mean the same to the reader.
    except Exception as error:
        raise CorruptDataError(
            f"{name} is not a valid pickle ({_reason(error)}; {len(content):,} bytes). Fetch it again."
        ) from error
    return found


def plain_load(path: str) -> Any:
    """The object in a file, with NumPy's own arrays: for `limited`, which sends it to another process."""
    return _plain(load(Path(path)))


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        # Memory is taken for as much as is asked for, before anything is read.
        size = os.fstat(file.fileno()).st_size
        if size > MOST_BYTES:
            raise CorruptDataError(f"{path} has {size:,} bytes; at most {MOST_BYTES:,} of a pickle are read.")
        content = file.read(size + 1)
    if len(content) != size:
        raise CorruptDataError(
            f"{path} is not a file of one size: it had {size:,} bytes, then {len(content):,} or more."
        )
    return content


def _check_parts(found: Any, n_bytes: int) -> None:
    """Go through an object as whoever uses it may: every part as often as it is referred to.

    Raises:
        ValueError: if that is far more than the pickle holds, without end, or deeper than `MOST_NESTED`.
    """
    left = allowance(n_bytes)
    waiting: list[tuple[Any, int]] = [([found], -1)]
    while waiting:
        part, depth = waiting.pop()
        inner = (*part, *part.values()) if isinstance(part, dict) else part
        left -= len(inner)
        if left < 0:
            raise ValueError("its parts repeat each other without end")
        if depth >= MOST_NESTED:
            raise ValueError(f"containers nested deeper than {MOST_NESTED}")
        for each in inner:
            kind = type(each)
            if kind is float or kind is int:
                continue
            if kind is str or kind is bytes:
                left -= len(each)
            elif isinstance(each, dict | list | tuple | set | frozenset):
                waiting.append((each, depth + 1))
            elif isinstance(each, np.ndarray):
                left -= each.nbytes


def _plain(part: Any) -> Any:
    """The same with NumPy's own arrays; the depth is bounded by `_check_parts`."""
    if isinstance(part, np.ndarray):
        return np.asarray(part)
    if isinstance(part, dict):
        return {key: _plain(value) for key, value in part.items()}
    if isinstance(part, list):
        return [_plain(each) for each in part]
    return tuple(map(_plain, part)) if isinstance(part, tuple) else part


def _reason(error: Exception) -> str:
    """What went wrong in one short line of ASCII, since the words may come from the file."""
    words = " ".join(str(error).split())[:80].encode("ascii", "backslashreplace").decode()
    return words if type(error) is ValueError and words.isprintable() else type(error).__name__
