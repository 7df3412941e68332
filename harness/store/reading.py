"""A store that is only looked at."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.store import ScoreStore


@contextmanager
def stored_for_reading(path: Path) -> Iterator[ScoreStore]:
    """The store for reading, or an empty one if it does not exist, which is not made."""
    if path.exists():
        with ScoreStore(path, read_only=True) as store:
            yield store
        return
    with tempfile.TemporaryDirectory() as folder, ScoreStore(Path(folder) / "empty.sqlite") as store:
        yield store
