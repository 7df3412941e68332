"""The command that runs, for the provenance of what it writes."""

import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_FOLDER_IN_PYTHON = re.compile(r"""\b(store|out)=\w*Path\((['"]).*?\2\)""")


@dataclass(frozen=True)
class Invocation:
    """A command and the words that were typed after it."""

    name: str
    words: tuple[str, ...]

    @property
    def text(self) -> str:
        """What to type to run it again."""
        module = "harness" if self.name == "run" else f"harness.{self.name}"
        return shlex.join(["python", "-m", module, *self.words])

    @property
    def elsewhere(self) -> str:
        """What to type to run it on another machine: as `text`, but for the folder of its results."""
        return Invocation(self.name, tuple(_without(self.words, ("out",)))).text


def anywhere(command: str) -> str:
    """A command, or a call from Python, as text without its score store and the folder of its results.

    These are of one machine, and nothing depends on them.
    """
    if not command.startswith(("python ", "nas-harness ")):
        return _FOLDER_IN_PYTHON.sub(r"\1=...", command)
    try:
        return shlex.join(_without(shlex.split(command), ("out", "store")))
    except ValueError:  # a text that no shell would read
        return command


def _without(words: Iterable[str], names: Sequence[str]) -> Iterator[str]:
    """Words but for those that give one of some settings, `NAME=VALUE`, `--NAME=VALUE` or `--NAME VALUE`."""
    given = iter(words)
    for word in given:
        if word in [f"--{name}" for name in names]:
            next(given, None)
        elif not word.lstrip("+").startswith(tuple(f"{dashes}{name}=" for name in names for dashes in ("", "--"))):
            yield word


_CURRENT: ContextVar[Invocation | None] = ContextVar("invocation", default=None)


@contextmanager
def invoked(name: str, words: Sequence[str]) -> Iterator[None]:
    """What runs in here was started by this command."""
    token = _CURRENT.set(Invocation(name, tuple(words)))
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current() -> Invocation | None:
    """The command that runs; None where the package is used from Python."""
    return _CURRENT.get()
