"""How a command ends: a user's mistake is one sentence on standard error and exit code 2, never a traceback."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from harness.errors import HarnessError

MISTAKE, INTERRUPTED = 2, 130


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
