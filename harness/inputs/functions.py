"""Functions of a user's own files, `file.py:function`, as the settings `loss` and `dataset` name them."""

import hashlib
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.errors import HarnessError, MissingDataError, UnknownNameError
from harness.plug_in_code import described, module_of, show_traceback
from harness.registry import unknown_name

_SUFFIX = ".py"


def names_function(word: str) -> bool:
    """Whether a word is a Python file, or a function of one."""
    return f"{_SUFFIX}:" in word or word.endswith(_SUFFIX)


def file_of(word: str, setting: str) -> tuple[Path, str]:
    """The file and the name of the function that `setting=file.py:function` means; both are there.

    Raises:
        MissingDataError: if there is no such file.
        UnknownNameError: if it is not said which function, or the file has none of that name.
        HarnessError: if the file does not import.
    """
    file, _, name = word.rpartition(":") if f"{_SUFFIX}:" in word else (word, "", "")
    path = Path(file).expanduser().resolve()
    if not path.is_file():
        raise MissingDataError(f"{setting}={word} names no file: there is no '{path}'.")
    known = sorted(key for key, value in vars(_module(str(path), setting)).items() if _is_own(value, path))
    if name not in known:
        if not known:
            raise UnknownNameError(f"{setting}={word} is invalid: '{path}' defines no function.")
        if not name:
            raise UnknownNameError(f"{setting}={word} is invalid: it must name a function, as {file}:{known[0]}.")
        raise UnknownNameError(unknown_name(f"function of '{path}'", name, known))
    return path, name


def function_of(path: Path, name: str, setting: str) -> Callable[..., Any]:
    """A function of a file, which is imported once per process."""
    found: Callable[..., Any] = getattr(_module(str(path), setting), name)
    return found


def sha256_of_code(path: Path) -> str:
    """The sha256 of a file of code."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _is_own(value: object, path: Path) -> bool:
    code = getattr(value, "__code__", None)
    return code is not None and Path(code.co_filename).resolve() == path and getattr(value, "__name__", "<")[0] != "<"


@cache
def _module(path: str, setting: str) -> ModuleType:
    name = f"{setting}_file_{hashlib.sha256(path.encode()).hexdigest()[:12]}"
    folder = str(Path(path).parent)
    if folder not in sys.path:  # as if Python ran the file: modules beside it can be imported
        sys.path.append(folder)
    try:
        return module_of(name, path)
    except HarnessError:
        raise
    except (Exception, SystemExit) as error:
        show_traceback(error)
        raise HarnessError(f"The file '{path}' of {setting}= does not import: it {described(error)}.") from error
