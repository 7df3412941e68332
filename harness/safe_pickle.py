"""Pickles without their power: an unpickler that builds listed types only and calls nothing else."""

import io
import pickle
from pathlib import Path
from typing import Any

from harness.errors import CorruptDataError

Global = tuple[str, str]
"""Module and name of something that a pickle may ask for."""

NUMPY_ARRAYS: frozenset[Global] = frozenset(
    {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode"), ("collections", "OrderedDict")}
    | {
        (f"{package}.multiarray", name)
        for package in ("numpy.core", "numpy._core")  # before and since numpy 2
        for name in ("_reconstruct", "scalar")
    }
    # Protocol 5 writes contiguous arrays through this function.
    | {(f"{package}.numeric", "_frombuffer") for package in ("numpy.core", "numpy._core")}
    | {
        (module, name)
        for module in ("builtins", "__builtin__")  # Python 3 and Python 2 name
        for name in ("list", "dict", "tuple", "set", "frozenset", "bytearray", "complex")
    }
)
"""What plain containers and NumPy arrays need; numbers, strings and bytes need no global at all."""


class _ListedUnpickler(pickle.Unpickler):
    """An unpickler whose only globals are those of `allow`."""

    def __init__(self, file: io.BytesIO, allow: frozenset[Global], name: str, encoding: str) -> None:
        super().__init__(file, encoding=encoding)
        self._allow = allow
        self._name = name

    def find_class(self, module: str, name: str) -> Any:
        """The global, where the list has it.

        Raises:
            CorruptDataError: for any other one. A dotted name never matches, so no attribute can be walked to.
        """
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


def load(source: Path | bytes, allow: frozenset[Global] = NUMPY_ARRAYS, *, encoding: str = "latin1") -> Any:
    """The object in a pickle, built from listed globals only.

    Args:
        source: a file, or the pickle's bytes.
        allow: the globals that it may ask for, as (module, name).
        encoding: of Python 2 strings; "latin1" keeps array bytes whole, "bytes" gives bytes.

    Raises:
        CorruptDataError: if it asks for any other global, or is truncated or no pickle at all.
    """
    name, content = ("This data", source) if isinstance(source, bytes) else (str(source), source.read_bytes())
    try:
        return _ListedUnpickler(io.BytesIO(content), allow, name, encoding).load()
    except CorruptDataError:
        raise
    # A damaged pickle can fail inside any opcode: a wrong index, a call with wrong arguments, a length that no
    # memory can hold. All mean the same to the reader.
    except Exception as error:
        raise CorruptDataError(
            f"{name} is not a whole pickle ({type(error).__name__}, {len(content):,} bytes). Get the file again."
        ) from error
