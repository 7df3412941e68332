"""Calls into code from outside the project: whatever they raise becomes one sentence with the file and the line."""

import importlib.util
import os
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType

from harness.errors import HarnessError, PlugInError

DEBUG = "HARNESS_DEBUG"
"""The environment variable that `--debug` sets, so that worker processes show tracebacks too."""

_OWN_PACKAGES = ("harness", "proxies", "benchmarks")
_OWN_FOLDERS = tuple(str(Path(__file__).parents[1] / package) + os.sep for package in _OWN_PACKAGES)
_PLACES_OF_OTHERS = (*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix, "<")


class _FromSource(SourceFileLoader):
    """Compiles a file anew each time: Python knows byte code by seconds and size, which an edit may leave alike."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def module_of(name: str, file: str | Path) -> ModuleType:
    """Run a file as the module `name` of `sys.modules`, where it stays unless it raises.

    Raises:
        BaseException: whatever the file raises.
    """
    specification = importlib.util.spec_from_file_location(name, file, loader=_FromSource(name, str(file)))
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module  # classes look their module up there
    try:
        specification.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


@contextmanager
def calling(what: str) -> Iterator[None]:
    """Call code from outside the project: a build function, a forward pass, a loss, a loader.

    Args:
        what: is called, as a message begins: "build('a') of models.py".

    Raises:
        PlugInError: for any error of that code, its exit() included.
        HarnessError, MemoryError, KeyboardInterrupt: as they are, and so exceptions that the project defines.
    """
    try:
        yield
    except (HarnessError, MemoryError, KeyboardInterrupt):
        raise
    except (Exception, SystemExit) as error:
        if type(error).__module__.partition(".")[0] in _OWN_PACKAGES or _is_out_of_memory(error):
            raise
        show_traceback(error)
        raise PlugInError(f"{what} {described(error)}.") from error


def show_traceback(error: BaseException) -> None:
    """Print the traceback of an error in foreign code, where `--debug` asks for it."""
    if os.environ.get(DEBUG):
        traceback.print_exception(error)


def described(error: BaseException) -> str:
    """What happened, from the verb on, with the deepest line that is neither the project's nor a library's."""
    said = str(error).strip().partition("\n")[0].rstrip(".")
    happened = "ended the process" if isinstance(error, SystemExit) else f"raised {type(error).__name__}"
    place = place_of(error)
    is_new = place and not said.endswith(f"({place})")  # a SyntaxError says it itself
    return f"{happened}{f': {said}' if said else ''}{f' ({place})' if is_new else ''}"


def place_of(error: BaseException) -> str:
    """The file and the line where an error arose in foreign code, "models.py, line 12"; empty if in none."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{Path(error.filename).name}, line {error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if is_users(frame.filename)]
    return f"{Path(frames[-1].filename).name}, line {frames[-1].lineno}" if frames else ""


def is_users(file: str) -> bool:
    """Whether a file is a user's: no part of the project, of Python or of an installed package."""
    return not (file.startswith((*_PLACES_OF_OTHERS, *_OWN_FOLDERS)) or "site-packages" in file)


def _is_out_of_memory(error: BaseException) -> bool:
    return type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)
