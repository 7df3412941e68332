"""The frame of every command: how it begins, how it answers a mistake, a signal or a request for help, how it ends.

Nothing heavy is imported here: a command's own module is imported inside the frame, so that Ctrl-C during the import of
torch ends in the same sentence as Ctrl-C during the work.
"""

import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from types import FrameType

from harness.cli.commands import COMMANDS, Command
from harness.cli.invocation import invoked
from harness.errors import HarnessError
from harness.plug_in_code import DEBUG

MISTAKE = 2
DEBUG_FLAG = "--debug"
"""Of every command: a mistake, and what code from outside raises, is shown with its traceback too."""

LONGEST = 600  # characters of a sentence
_LONGEST_WORD = 160
_SIGNALS = {
    name: text
    for name, text in (("SIGINT", "Interrupted."), ("SIGTERM", "Terminated."), ("SIGHUP", "The terminal was closed."))
    if hasattr(signal, name)
}


class Stopped(BaseException):
    """A signal that asks the process to end; no `except Exception` may swallow it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.number: int = getattr(signal, name)
        self.text = _SIGNALS[name]


def start(name: str, words: Sequence[str] | None = None) -> int:
    """Run a command to its exit code.

    Args:
        name: of a command in `COMMANDS`.
        words: of the command line; None: those of the process.

    Returns:
        0; 1 where the command says so (`check`, `data verify`); 3 where budget_s left a part; 2 after a user error, in
        one sentence on standard error; 130, 143 or 129 after Ctrl-C, SIGTERM or a closed terminal, in one sentence.
    """
    command = COMMANDS[name]
    typed = tuple(sys.argv[1:] if words is None else words)
    debug = DEBUG_FLAG in typed
    if debug:
        typed = tuple(word for word in typed if word != DEBUG_FLAG)
        os.environ[DEBUG] = "1"
    try:
        with invoked(command.name, typed):
            return ended(lambda: _answered(command, typed), command.kept, debug=debug)
    finally:
        if debug:
            os.environ.pop(DEBUG, None)


def ended(work: Callable[[], int], kept: str = "", *, debug: bool = False) -> int:
    """Work to its exit code, as `start` has them: mistakes and signals end it in a sentence, signals with `kept`."""
    try:
        with _signals_heeded():
            return work()
    except SystemExit as end:  # after the help of a parser
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except HarnessError as error:
        if debug:
            traceback.print_exception(error)
        _tell(one_sentence(str(error)))
        return error.exit_code
    except BrokenPipeError:  # `| head` has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(128 + signal.SIGPIPE)
    except Stopped as stop:
        _tell(f"{stop.text} {kept}".rstrip())
        return 128 + int(stop.number)
    except KeyboardInterrupt:
        _tell(f"{_SIGNALS['SIGINT']} {kept}".rstrip())
        return int(128 + signal.SIGINT)


def dispatch(words: Sequence[str] | None = None) -> int:
    """Run the command that the first word names, as `nas-harness list proxies`; otherwise `run`."""
    typed = list(sys.argv[1:] if words is None else words)
    name = typed[0] if typed else ""
    completed = os.environ.get("COMP_LINE", "").split()[1:2]
    if name in ("-sc", "--shell-completion") and completed and completed[0] in COMMANDS:
        return _completed(completed[0], typed)
    if name in COMMANDS:
        return start(name, typed[1:])
    return start("run", typed)


def _completed(name: str, typed: Sequence[str]) -> int:
    """Shell completion of a command's settings: Hydra is shown the line without the command's word."""
    line = os.environ["COMP_LINE"]
    os.environ["COMP_LINE"] = line.replace(f" {name}", "", 1)
    return start(name, typed)


def _answered(command: Command, words: Sequence[str]) -> int:
    """Help, version and what is misspelt are answered before the command's own module is imported."""
    if "--version" in words:
        from harness.cli.help import version_text

        print(version_text())
        return 0
    if command.config is None:
        from harness.cli.parsers import parse

        arguments = parse(command, words)
        return int(import_module(command.module).run(arguments) or 0)
    if "--help" in words or "-h" in words:
        from harness.cli.help import help_text

        print(help_text(command), end="")
        return 0
    from harness.cli.compose import run_composed

    return run_composed(command, words)


@contextmanager
def _signals_heeded() -> Iterator[None]:
    """Signals become exceptions in here; one that is ignored (nohup, a background job) stays ignored."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        name = signal.Signals(number).name
        raise KeyboardInterrupt if name == "SIGINT" else Stopped(name)

    known = {name: signal.getsignal(getattr(signal, name)) for name in _SIGNALS}
    changed = {name: handler for name, handler in known.items() if handler is not signal.SIG_IGN}
    for name in changed:
        signal.signal(getattr(signal, name), stop)
    try:
        yield
    finally:
        for name, handler in changed.items():
            signal.signal(getattr(signal, name), handler)


def one_sentence(message: str) -> str:
    """A message in one line of at most 600 characters: long words and a long middle are left out."""
    words = message.split()
    shown = " ".join(w if len(w) <= _LONGEST_WORD else f"{w[: _LONGEST_WORD - 60]}...{w[-50:]}" for w in words)
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 210]} ... {shown[-200:]}"


def _tell(sentence: str) -> None:
    """On standard error; of several processes under torchrun only the first speaks."""
    if os.environ.get("RANK", "0") == "0":
        print(sentence, file=sys.stderr)
