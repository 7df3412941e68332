"""Stand-ins for what a pickle refers to: they build plain containers and NumPy arrays, and check what they are given.

NumPy's own unpickling trusts its input: the state of a dtype can claim that bytes are object pointers. Here types and
arrays are therefore rebuilt by the classes below. All that they make of one pickle is counted against its length.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np

Global = tuple[str, str]
"""Module and name of something that a pickle may ask for."""
MOST_BYTES = 2**31
"""The longest pickle that is read; the largest that anybody publishes for us has some hundred megabytes."""
LATIN1 = "latin1"
"""The encoding of bytes in old pickles: it maps the 256 bytes to the first 256 characters and back."""

_PLAIN_TYPE = re.compile(r"[<>|=]?(?:[?biufc]\d{0,2}|[SU][1-9]\d{0,9}|O8?)")  # no records, nothing of no size
_BYTE_ORDERS = ("<", ">", "|", "=")
_MOST_AXES = 32
_GROWTH, _FREE = 16, 2**18


def allowance(n_bytes: int) -> int:
    """What the calls of a pickle may make, and its parts may repeat: a multiple of its length, and a little more."""
    return _GROWTH * n_bytes + _FREE


class StandIn:
    """Base of what stands in for a global: a pickle cannot set attributes of it or of its instances."""

    def __setstate__(self, state: Any) -> None:
        """Refuse, unless a subclass says what its state is.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"{type(self).__name__.strip('_')} has no state")


class Function(StandIn):
    """A function that stands in for a global."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: Any) -> Any:
        return self._function(*arguments)


class Budget:
    """How many bytes or elements the calls of one pickle may still make."""

    def __init__(self, n_bytes: int) -> None:
        self._left = allowance(n_bytes)

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

    _budget: Budget

    def __setstate__(self, state: Any) -> None:
        _, shape, plain_type, is_fortran, content = state
        content = content.encode(LATIN1) if isinstance(content, str) else content
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
        if type(length) is not int or not 0 <= length <= MOST_BYTES:
            raise ValueError("a length that there is not")
        n *= length
    return n


def array_stand_ins(budget: Budget) -> dict[Global, Any]:
    """What stands in for the globals of `ARRAYS`, all that they make counted."""

    def array(subtype: object, shape: object, kind: object) -> _PlainArray:
        empty = np.empty(0, dtype=np.uint8).view(_PlainArray)
        empty._budget = budget
        return empty

    def scalar(plain_type: _PlainType, content: str | bytes) -> Any:
        content = content.encode(LATIN1) if isinstance(content, str) else content
        budget.spend(len(content))
        (found,) = np.frombuffer(content, plain_type.dtype)
        return found

    def encode(text: str, encoding: str) -> bytes:
        if type(text) is not str or encoding not in ("latin1", "latin-1", "iso-8859-1"):
            raise ValueError("an encoding other than latin1")
        budget.spend(len(text))
        return text.encode(LATIN1)

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

    arrays: dict[str, Any] = {"_reconstruct": Function(array), "scalar": Function(scalar)}
    plain: dict[str, Any] = {
        "set": Function(counted(set)),
        "frozenset": Function(counted(frozenset)),
        "complex": Function(number),
    }
    return {
        ("numpy", "dtype"): _PlainType,
        ("numpy", "ndarray"): None,  # only ever handed to `_reconstruct`
        ("_codecs", "encode"): Function(encode),
        ("collections", "OrderedDict"): Function(counted(dict)),
        # before and since numpy 2
        **{
            (f"{package}.multiarray", name): made
            for package in ("numpy.core", "numpy._core")
            for name, made in arrays.items()
        },
        # Python 3 and Python 2 name
        **{(module, name): made for module in ("builtins", "__builtin__") for name, made in plain.items()},
    }


ARRAYS: frozenset[Global] = frozenset(array_stand_ins(Budget(0)))
"""What plain containers and NumPy arrays need; numbers, strings and bytes need no global at all."""


def _text(name: Any) -> str:
    if isinstance(name, bytes):
        return name.decode(LATIN1)
    if type(name) is not str:
        raise ValueError("a name that is not a text")
    return name
