"""The score store: an append-only SQLite file, unique on the whole key of a score, each row under a digest.

The rollback journal is kept (no write-ahead log), so that the store is one file; a killed process loses at most what it
had not committed. What stands in the file, and how damage is found, is in `digested_tables`.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.errors import StoreError
from harness.store import opening
from harness.store.digested_tables import DigestedTables
from harness.store.rows import BadRowError, Score, ScoreKey, StoredRow, StoredRows, parsed, plain, printable


class ScoreStore:
    """A score store opened for reading and writing, or for reading only; a second run beside a writer is refused.

    Raises:
        StoreError: if the file is of another version, not a score store, damaged, in use, or cannot be opened.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._read_only = read_only
        handle = opening.lock(path, read_only=read_only)
        try:
            with self._reported():
                self._connection = opening.connect(path, read_only=read_only)
                try:
                    version = opening.prepare(self._connection, path, read_only=read_only)
                    self._tables = DigestedTables(self._connection, version)
                except BaseException:
                    self._connection.close()
                    raise
        except BaseException:
            opening.unlock(handle)
            raise
        self._handle: int | None = handle

    @property
    def has_digests(self) -> bool:
        """Whether what is read is verified: not in a store of version 1 that was not written to since."""
        return self._tables.has_digests

    def find(self, key: ScoreKey, archs: Iterable[str] | None = None) -> dict[str, Score]:
        """The stored scores under a key, by architecture; of all architectures or of `archs`."""
        return {row[0]: Score._make(row) for row in zip(*self.rows(key, archs), strict=True)}

    def rows(self, key: ScoreKey, archs: Iterable[str] | None = None) -> StoredRows:
        """What `find` finds, in the store's order."""
        wanted = None if archs is None else set(archs)
        with self._reported():
            rows = self._tables.read(key)
            if wanted is not None:
                rows = [row for row in rows if row[0] in wanted]
            components = parsed(key, rows)
            if not rows:
                return StoredRows((), (), (), (), ())
            named, statuses, reasons, seconds = (
                [row[0] for row in rows],
                [row[2] for row in rows],
                [row[3] for row in rows],
                [row[4] for row in rows],
            )
            return StoredRows(named, components, statuses, printable(reasons), seconds)

    def known(self, key: ScoreKey, *, but_failed: bool = False) -> set[str]:
        """The architectures that have a score under a key, or one that did not fail."""
        with self._reported():
            return self._tables.archs(key, but_failed=but_failed)

    def add(self, scores: Sequence[tuple[ScoreKey, Score]], *, replace: bool = False) -> None:
        """Commit scores in one transaction. A score that is there already stays, unless `replace`."""
        if self._read_only:
            raise StoreError(f"The score store '{self.path}' is open for reading only; nothing was added.")
        # By identity: a few keys come with very many scores, and each takes its time to hash.
        groups: dict[int, tuple[ScoreKey, list[Score]]] = {}
        for key, score in scores:
            groups.setdefault(id(key), (key, []))[1].append(score)
        with self._reported():
            self._tables.put(groups.values(), replace=replace)

    def verified_rows(self, key: ScoreKey) -> list[StoredRow]:
        """All rows of a key as they are stored, verified and valid."""
        with self._reported():
            rows: list[StoredRow] = [(row[0], row[1], row[2], row[3], row[4]) for row in self._tables.read(key)]
            parsed(key, rows)
            return rows

    def rows_of(self, key: ScoreKey, archs: Iterable[str]) -> Iterator[StoredRow]:
        """The rows of some architectures, each looked up by itself; the key is verified first."""
        with self._reported():
            yield from self._tables.read_some(key, archs)

    def insert_rows(self, key: ScoreKey, rows: Sequence[StoredRow]) -> int:
        """Commit verified rows of another store for architectures that this one lacks; returns how many."""
        if not rows:
            return 0
        with self._reported():
            self._tables.append(key, rows)
        return len(rows)

    def cache(self, n_bytes: int) -> None:
        """Let SQLite keep this much of the file in memory."""
        self._connection.execute(f"PRAGMA cache_size = {-n_bytes // 1024}")

    def compact(self) -> None:
        """Verify every score, then write the file without free pages; it stays whole if interrupted."""
        for key in self.score_keys():
            self.verified_rows(key)
        with self._reported():
            self._connection.execute("VACUUM")

    def score_keys(self) -> list[ScoreKey]:
        """All keys of the store."""
        return self._tables.keys

    def close(self) -> None:
        """Close the file and let other runs write."""
        if self._handle is not None:
            self._connection.close()
            opening.unlock(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Turn SQLite's errors and bad rows into one sentence."""
        try:
            yield
        except (sqlite3.OperationalError, sqlite3.IntegrityError) as error:
            if "decode" in str(error) or isinstance(error, sqlite3.IntegrityError):
                raise self._damaged("a text or an index in it is broken") from error
            raise StoreError(
                f"The score store '{self.path}' cannot be used: {plain(error)}. Committed scores are kept; "
                "free disk space or give another store=, and run the same command again."
            ) from error
        except (sqlite3.DatabaseError, BadRowError) as error:
            raise self._damaged(plain(error, 400)) from error

    def _damaged(self, what: str) -> StoreError:
        if "not a database" in what:
            what = "it is not an SQLite file, and perhaps never was a score store"
        return StoreError(
            f"The score store '{self.path}' is damaged: {what}. Copy its good rows into a new store: "
            f"python -m harness.store salvage '{self.path}' NEW.sqlite."
        )
