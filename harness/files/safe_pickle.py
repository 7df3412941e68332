"""Pickles without their power: an unpickler that builds plain containers and NumPy arrays and calls nothing else.

NumPy's own unpickling trusts its input: the state of a dtype can claim that bytes are object pointers. Here types and
arrays are therefore rebuilt by the classes below, which check what they are given.
"""

import io
import pickle
from collections.abc import Mapping
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import numpy as np

from harness.errors import CorruptDataError

Global = tuple[str, str]
"""Module and name of something that a pickle may ask for."""

_PLAIN_KINDS = "biufcSU"  # booleans, numbers, fixed-length bytes and strings: no objects, no records
_LATIN1 = "latin1"  # maps the 256 bytes to the first 256 characters and back


class _PlainType:
    """What `numpy.dtype` in a pickle becomes: a type without fields, of objects only where these are strings."""

    def __init__(self, name: str | bytes, align: object = False, copy: object = True) -> None:
        self.dtype = np.dtype(_text(name))
        if self.dtype.kind not in _PLAIN_KINDS and self.dtype != np.dtype(object):
            raise ValueError(f"dtype {self.dtype} is not plain")

    def __setstate__(self, state: tuple[object, str | bytes]) -> None:
        self.dtype = self.dtype.newbyteorder(_text(state[1]))  # type: ignore[arg-type]  # checked by NumPy


class _PlainArray(np.ndarray[Any, Any]):
    """What an array in a pickle becomes; `_reconstruct` makes it empty, then it gets its state."""

    def __new__(cls, subtype: None, shape: object, kind: object) -> Self:
        return super().__new__(cls, (0,))

    def __setstate__(self, state: Any) -> None:
        _, shape, plain_type, is_fortran, content = state
        content = content.encode(_LATIN1) if isinstance(content, str) else content
        dtype = plain_type.dtype
        if dtype.hasobject:  # its content is a list; only one of strings is plain, and becomes an array of strings
            if not isinstance(content, list) or not all(type(element) is str for element in content):
                raise ValueError("an array holds objects that are not strings")
            strings = np.array(content, dtype=np.str_)
            dtype, content = strings.dtype, strings.tobytes()
        if not isinstance(content, bytes) or prod(shape) * dtype.itemsize != len(content) or min(shape, default=0) < 0:
            raise ValueError("an array's bytes do not fill its shape")
        super().__setstate__((1, shape, dtype, bool(is_fortran), content))  # type: ignore[arg-type]  # a stub's np.bool


class _PlainScalar:
    """What a NumPy scalar in a pickle becomes: making one gives the scalar itself."""

    def __new__(cls, plain_type: _PlainType, content: str | bytes) -> Any:
        content = content.encode(_LATIN1) if isinstance(content, str) else content
        (scalar,) = np.frombuffer(content, plain_type.dtype)
        return scalar

    def __setstate__(self, state: object) -> None:
        raise ValueError("a scalar has no state")


_CHECKED: dict[Global, Any] = {("numpy", "dtype"): _PlainType, ("numpy", "ndarray"): None} | {
    (f"{package}.multiarray", name): checked
    for package in ("numpy.core", "numpy._core")  # before and since numpy 2
    for name, checked in (("_reconstruct", _PlainArray), ("scalar", _PlainScalar))
}

ARRAYS: frozenset[Global] = frozenset(
    {("_codecs", "encode"), ("collections", "OrderedDict"), *_CHECKED}
    | {
        (module, name)
        for module in ("builtins", "__builtin__")  # Python 3 and Python 2 name
        for name in ("list", "dict", "tuple", "set", "frozenset", "bytearray", "complex")
    }
)
"""What plain containers and NumPy arrays need; numbers, strings and bytes need no global at all."""


class _ListedUnpickler(pickle.Unpickler):
    """An unpickler whose only globals are those of `allow`, and `stand_ins` for others."""

    def __init__(
        self, content: bytes, allow: frozenset[Global], stand_ins: Mapping[Global, Any], name: str, encoding: str
    ) -> None:
        super().__init__(io.BytesIO(content), encoding=encoding)
        self._allow = allow
        self._stand_ins = {key: checked for key, checked in _CHECKED.items() if key in allow} | dict(stand_ins)
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
                f"{self._name} is a pickle that asks for '{module}.{name}', which is not a plain array or container: "
                "it was not read. Delete it and get the file from its authors again."
            )
        return super().find_class(module, name)

    def persistent_load(self, pid: Any) -> Any:
        """Refuse references to outside objects.

        Raises:
            CorruptDataError: always.
        """
        raise CorruptDataError(
            f"{self._name} is a pickle that refers to something outside itself: it was not read. "
            "Get the file from its authors again."
        )


def load(
    source: Path | bytes,
    allow: frozenset[Global] = ARRAYS,
    *,
    encoding: str = _LATIN1,
    name: str = "This data",
    stand_ins: Mapping[Global, Any] = MappingProxyType({}),
) -> Any:
    """The object in a pickle, built from listed globals only; `numpy.asarray` makes its arrays plain ones.

    Args:
        source: a file, or the pickle's bytes.
        allow: the globals that it may ask for, as (module, name).
        encoding: of Python 2 strings; "latin1" keeps array bytes whole, "bytes" gives bytes.
        name: what messages call the pickle's bytes; a file has its path.
        stand_ins: what is used in place of further globals; it is called as the pickle says, and must check what it
            is given.

    Raises:
        CorruptDataError: if it asks for any other global, or is truncated or no pickle at all.
    """
    name, content = (name, source) if isinstance(source, bytes) else (str(source), source.read_bytes())
    try:
        return _ListedUnpickler(content, allow, stand_ins, name, encoding).load()
    except CorruptDataError:
        raise
    # A damaged pickle can fail inside any opcode: a wrong index, a call with wrong arguments, a length that no
    # memory can hold. All mean the same to the reader.
    except Exception as error:
        raise CorruptDataError(
            f"{name} is not a whole pickle ({type(error).__name__}, {len(content):,} bytes). Get the file again."
        ) from error


def _text(name: str | bytes) -> str:
    return name.decode(_LATIN1) if isinstance(name, bytes) else name
