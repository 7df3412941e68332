"""Pickles without their power: an unpickler that builds plain containers and NumPy arrays and calls nothing else.

NumPy's own unpickling trusts its input: the state of a dtype can claim that bytes are object pointers. Here types and
arrays are therefore rebuilt by the classes below, which check what they are given. What is built is bounded by the
pickle's own length: a few bytes cannot ask for gigabytes, for depths that end the process, or for a structure whose
parts repeat each other without end. `limited` runs `plain_load` in a process with limits of memory and time.
"""

import io
import os
import pickle
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from harness.errors import CorruptDataError
from harness.files.pickle_scan import MOST_NESTED, check_opcodes

Global = tuple[str, str]
"""Module and name of something that a pickle may ask for."""

_LATIN1 = "latin1"  # maps the 256 bytes to the first 256 characters and back
_PLAIN_TYPE = re.compile(r"[<>|=]?(?:[?biufc]\d{0,2}|[SU][1-9]\d{0,9}|O8?)")  # no records, nothing of no size
_BYTE_ORDERS = ("<", ">", "|", "=")
_MOST_AXES = 32
_MOST_BYTES = 2**31  # of a pickle; the largest that anybody publishes for us has some hundred megabytes
_GROWTH, _FREE = 16, 2**18  # what calls may make and parts may repeat: so many times the pickle's length, and so much


class StandIn:
    """Base of what stands in for a global: a pickle cannot set attributes of it or of its instances."""

    def __setstate__(self, state: Any) -> None:
        """Refuse, unless a subclass says what its state is.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"{type(self).__name__.strip('_')} has no state")


class _Function(StandIn):
    """A function that stands in for a global."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)


class _Budget:
    """How many bytes or elements the calls of one pickle may still make."""

    def __init__(self, n_bytes: int) -> None:
        self._left = _GROWTH * n_bytes + _FREE

    def spend(self, n: int) -> None:
        """Raise ValueError when it is spent."""
        self._left -= n
        if self._left < 0:
            raise ValueError("it makes far more than it holds")


class _PlainType(StandIn):
    """What `numpy.dtype` in a pickle becomes: a type without fields, of objects only where these are strings."""

    def __init__(self, name: str | bytes, align: object = False, copy: object = True) -> None:
        name = _text(name)
        if not _PLAIN_TYPE.fullmatch(name):
            raise ValueError("a dtype that is not plain")
        self.dtype = np.dtype(name)

    def __setstate__(self, state: Any) -> None:
        order = _text(state[1])
        if order not in _BYTE_ORDERS:
            raise ValueError("a byte order that there is not")
        self.dtype = self.dtype.newbyteorder(order)  # type: ignore[arg-type]  # one of the four


class _PlainArray(np.ndarray[Any, Any]):
    """What an array in a pickle becomes: empty at first, then it gets its state."""

    _budget: _Budget

    def __setstate__(self, state: Any) -> None:
        _, shape, plain_type, is_fortran, content = state
        content = content.encode(_LATIN1) if isinstance(content, str) else content
        dtype = plain_type.dtype
        if dtype.hasobject:  # its content is a list; only one of strings is plain, and becomes an array of strings
            if not isinstance(content, list) or not all(type(element) is str for element in content):
                raise ValueError("an array holds objects that are not strings")
            longest = max(map(len, content), default=0)
            self._budget.spend(4 * longest * len(content))
            strings = np.array(content, dtype=np.str_)
            dtype, content = strings.dtype, strings.tobytes()
        if not isinstance(content, bytes) or _n_elements(shape) * dtype.itemsize != len(content):
            raise ValueError("an array's bytes do not fill its shape")
        self._budget.spend(len(content))
        super().__setstate__((1, shape, dtype, bool(is_fortran), content))  # type: ignore[arg-type]  # a stub's np.bool


def _n_elements(shape: object) -> int:
    """The product of an array's lengths.

    Raises:
        ValueError: if it is no tuple of few lengths.
    """
    if not isinstance(shape, tuple) or len(shape) > _MOST_AXES:
        raise ValueError("a shape that is not a tuple of lengths")
    n = 1
    for length in shape:
        if type(length) is not int or not 0 <= length <= _MOST_BYTES:
            raise ValueError("a length that there is not")
        n *= length
    return n


def _stand_ins(budget: _Budget) -> dict[Global, Any]:
    """What stands in for the globals of `ARRAYS`, all that they make counted."""

    def array(subtype: object, shape: object, kind: object) -> _PlainArray:
        empty = np.empty(0, dtype=np.uint8).view(_PlainArray)
        empty._budget = budget
        return empty

    def scalar(plain_type: _PlainType, content: str | bytes) -> Any:
        content = content.encode(_LATIN1) if isinstance(content, str) else content
        budget.spend(len(content))
        (found,) = np.frombuffer(content, plain_type.dtype)
        return found

    def encode(text: str, encoding: str) -> bytes:
        if type(text) is not str or encoding not in ("latin1", "latin-1", "iso-8859-1"):
            raise ValueError("an encoding other than latin1")
        budget.spend(len(text))
        return text.encode(_LATIN1)

    def counted(kind: Callable[[Any], Any]) -> Callable[..., Any]:
        def make(elements: Any = ()) -> Any:
            if not isinstance(elements, list | tuple):
                raise ValueError("a collection of something else than a list")
            budget.spend(64 * len(elements))
            return kind(elements)

        return make

    def number(real: Any, imaginary: Any) -> complex:
        if type(real) is not float or type(imaginary) is not float:
            raise ValueError("a complex number of something else than floats")
        return complex(real, imaginary)

    arrays: dict[str, Any] = {"_reconstruct": _Function(array), "scalar": _Function(scalar)}
    plain: dict[str, Any] = {
        "set": _Function(counted(set)),
        "frozenset": _Function(counted(frozenset)),
        "complex": _Function(number),
    }
    return {
        ("numpy", "dtype"): _PlainType,
        ("numpy", "ndarray"): None,  # only ever handed to `_reconstruct`
        ("_codecs", "encode"): _Function(encode),
        ("collections", "OrderedDict"): _Function(counted(dict)),
        # before and since numpy 2
        **{
            (f"{package}.multiarray", name): made
            for package in ("numpy.core", "numpy._core")
            for name, made in arrays.items()
        },
        # Python 3 and Python 2 name
        **{(module, name): made for module in ("builtins", "__builtin__") for name, made in plain.items()},
    }


ARRAYS: frozenset[Global] = frozenset(_stand_ins(_Budget(0)))
"""What plain containers and NumPy arrays need; numbers, strings and bytes need no global at all."""


class _ListedUnpickler(pickle.Unpickler):
    """An unpickler whose only globals are those of `ARRAYS`, of `allow`, and `stand_ins` for others."""

    def __init__(
        self, content: bytes, allow: frozenset[Global], stand_ins: Mapping[Global, Any], name: str, encoding: str
    ) -> None:
        super().__init__(io.BytesIO(content), encoding=encoding)
        self._allow = allow
        checked = {key: made for key, made in _stand_ins(_Budget(len(content))).items() if key in allow}
        self._stand_ins = checked | {
            key: made if made is None or hasattr(made, "__setstate__") else _Function(made)
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
        if size > _MOST_BYTES:
            raise CorruptDataError(f"{path} has {size:,} bytes; at most {_MOST_BYTES:,} of a pickle are read.")
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
    left = _GROWTH * n_bytes + _FREE
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


def _text(name: Any) -> str:
    if isinstance(name, bytes):
        return name.decode(_LATIN1)
    if type(name) is not str:
        raise ValueError("a name that is not a text")
    return name
