"""The folder that a run writes its results into."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from harness.errors import OptionError

RUNS = Path("results/runs")


@contextmanager
def out_folder(asked: Path | None, stem: str) -> Iterator[Path]:
    """The folder asked for, or else a new one in `results/runs` that begins with `stem` and ends with the time.

    To be entered before anything is computed, so that a folder that cannot be written is known then. A new one that is
    left without a file goes again.

    Raises:
        OptionError: if it cannot be written.
    """
    out = (asked or _new(stem)).expanduser()
    is_new = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OptionError(f"out={out} cannot be written: {error.strerror}. Give another folder.") from None
    try:
        yield out
    finally:
        if is_new and not any(out.iterdir()):
            out.rmdir()


def _new(stem: str) -> Path:
    base = RUNS / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', stem)}-{datetime.now():%Y%m%d-%H%M%S}"
    out, copy = base, 1
    while out.exists():
        copy += 1
        out = base.with_name(f"{base.name}-{copy}")
    return out
