"""The command that runs, for the provenance of what it writes."""

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


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
        kept, words = [], iter(self.words)
        for word in words:
            if word == "--out":
                next(words, None)
            elif not word.startswith(("--out=", "out=")):
                kept.append(word)
        return Invocation(self.name, tuple(kept)).text


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
