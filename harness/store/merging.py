"""Merging of score stores: linear in their scores, in the memory of one key's, and nothing before all were opened."""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from harness.errors import StoreError
from harness.progress import Progress
from harness.store.database import ScoreStore
from harness.store.rows import OK, ScoreKey, StoredRow, plain

_CACHE_BYTES = 256 << 20
_AT_ONCE = 200  # stores that are open together; each takes two descriptors


def merge(target: Path, sources: Sequence[Path]) -> int:
    """Copy the scores of `sources` that `target` lacks into it; returns how many came.

    Each source is verified and read once, and the scores of a key come in the order of the file, so that time and size
    grow with the number of scores alone. A key is committed as a whole: what was merged before an error is kept, and
    the same command goes on.

    Raises:
        StoreError: if a source is missing, of another version or in use, before anything is written; if a row is
            damaged, or two stores hold different values under one key.
    """
    for source in sources:
        if not source.exists():
            raise StoreError(f"There is no score store '{source}' to merge.")
        if target.exists() and source.samefile(target):
            raise StoreError(f"'{source}' is named twice; merge takes the target first and then other stores.")
    for source in sources[_AT_ONCE:]:  # those that are not opened together with the first ones
        with ScoreStore(source, read_only=True):
            pass
    n_new = 0
    into: ScoreStore | None = None
    with ExitStack() as outer, Progress("merge", len(sources), "stores") as progress:
        for start in range(0, len(sources), _AT_ONCE):
            group = sources[start : start + _AT_ONCE]
            with ExitStack() as stack:
                opened = [stack.enter_context(ScoreStore(source, read_only=True)) for source in group]
                into = into or outer.enter_context(ScoreStore(target))
                into.cache(_CACHE_BYTES)
                for key in dict.fromkeys(key for other in opened for key in other.score_keys()):
                    n_new += into.insert_rows(key, _joined(key, opened, into))
                progress.advance(len(group))
    return n_new


def _joined(key: ScoreKey, opened: Sequence[ScoreStore], into: ScoreStore) -> list[StoredRow]:
    """The rows of a key in all sources that the target lacks, sorted by architecture.

    Raises:
        StoreError: if two hold different values.
    """
    found: dict[str, StoredRow] = {}
    for other in opened:
        for row in other.verified_rows(key):
            known = found.setdefault(row[0], row)
            if known is not row:
                _require_equal(key, known, row, other.path)
                if known[2] != OK and row[2] == OK:
                    found[row[0]] = row
    for row in into.rows_of(key, list(found)):
        _require_equal(key, row, found.pop(row[0]), into.path)
    return sorted(found.values())


def _require_equal(key: ScoreKey, known: StoredRow, offered: StoredRow, source: Path) -> None:
    if known[2] == offered[2] == OK and known[1] != offered[1]:
        raise StoreError(
            f"'{source}' has a different value of {plain(key.proxy)} for {plain(known[0])} than another store "
            f"({plain(offered[1], 400)} against {plain(known[1], 400)}); they cannot be merged."
        )
