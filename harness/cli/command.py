"""How a command reads its words and how it ends: a user's mistake is one sentence on standard error and exit code 2."""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from harness.errors import HarnessError, OptionError

MISTAKE, INTERRUPTED = 2, 130


class OneSentenceParser(argparse.ArgumentParser):
    """A parser whose complaints are one sentence."""

    def error(self, message: str) -> NoReturn:
        """Turn argparse's complaint into ours.

        Raises:
            OptionError: always.
        """
        raise OptionError(f"{message[:1].upper()}{message[1:]}. Try `{self.prog} --help`.")


@contextmanager
def mistakes_told() -> Iterator[None]:
    """Tell a user's mistake and end; also inside what Hydra calls, which would turn the error into a traceback.

    Raises:
        SystemExit: with code 2, after a mistake.
    """
    try:
        yield
    except HarnessError as error:
        _tell(str(error))
        raise SystemExit(MISTAKE) from None


def exit_code(command: Callable[[], object], interrupted: str) -> int:
    """Run a command: 0, 2 after a mistake, or 130 and the sentence `interrupted` where it was interrupted."""
    try:
        with mistakes_told():
            command()
    except SystemExit as end:
        return int(end.code or 0)
    except KeyboardInterrupt:
        _tell(interrupted)
        return INTERRUPTED
    return 0


def _tell(sentence: str) -> None:
    """On standard error; of several processes under torchrun only the first speaks."""
    if os.environ.get("RANK", "0") == "0":
        print(sentence, file=sys.stderr)
