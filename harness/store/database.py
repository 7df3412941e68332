"""The score store: an append-only SQLite file, unique on the whole key of a score.

The rollback journal is kept (no write-ahead log), so that the store is one file and works on network file systems; a
killed process loses at most what it had not committed.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from filelock import FileLock, Timeout

from harness.errors import StoreError

VERSION = 1
_APPLICATION = 0x4E415350  # "NASP": tells a score store from any other SQLite file

OK, UNDEFINED, FAILED = "ok", "undefined", "failed"


@dataclass(frozen=True)
class ScoreKey:
    """Everything that a score depends on but the architecture; settings that the proxy does not use are empty."""

    space: str  # name@version
    data_set: str
    inputs: str  # sha256 of the batches
    protocol: str  # canonical JSON
    proxy: str  # name@version
    options: str  # canonical JSON, defaults included
    source: str  # sha256 of the file of a proxy by path
    seed: int  # -1 where the proxy does not use it


class Score(NamedTuple):
    """One row: the components of a proxy on an architecture, or why there are none. `seconds` are CPU seconds."""

    arch: str
    components: Mapping[str, float]
    status: str
    reason: str
    seconds: float


class StoredRows(NamedTuple):
    """Scores of one key by column, each of one length: many are read in a fraction of the time that `Score`s take."""

    archs: Sequence[str]
    components: Sequence[Mapping[str, float]]
    statuses: Sequence[str]
    reasons: Sequence[str]
    seconds: Sequence[float]


_KEY_FIELDS = tuple(field.name for field in fields(ScoreKey))
_SCHEMA = f"""
CREATE TABLE keys (id INTEGER PRIMARY KEY, {", ".join(_KEY_FIELDS)}, UNIQUE ({", ".join(_KEY_FIELDS)}));
CREATE TABLE scores (key INTEGER NOT NULL REFERENCES keys, arch TEXT NOT NULL, components TEXT NOT NULL,
    status TEXT NOT NULL, reason TEXT NOT NULL, seconds REAL NOT NULL, PRIMARY KEY (key, arch)) WITHOUT ROWID;
"""


def check_place(path: Path) -> None:
    """Nothing, if a file at the path can be a score store.

    Raises:
        StoreError: if the path is a folder or a device, or nothing can be written there.
    """
    parent = next((folder for folder in path.parents if folder.exists()), path.parent)
    if path.is_dir():
        raise StoreError(f"store={path} is a folder; it must be a file, as store={path / 'scores.sqlite'}.")
    if path.exists() and not path.is_file():
        raise StoreError(f"store={path} is no regular file; give one, as store=scores.sqlite.")
    if not parent.is_dir():
        raise StoreError(f"store={path} is invalid: '{parent}' is no folder. Give another store=.")
    if not os.access(path if path.exists() else parent, os.W_OK) or not os.access(parent, os.W_OK):
        raise StoreError(f"store={path} is invalid: '{parent}' cannot be written. Give another store=.")


class ScoreStore:
    """A score store opened for reading and writing; a second writer is refused.

    Raises:
        StoreError: if the file is of another version, no score store, corrupt, or in use.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        check_place(path)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(f"{path}.lock", timeout=0)
            self._lock.acquire()
        except Timeout:
            raise StoreError(
                f"The score store '{path}' is in use by another run. Wait for it, or give this run store=OTHER.sqlite "
                "and join them afterwards: python -m harness.store merge."
            ) from None
        except OSError as error:
            raise StoreError(
                f"The score store '{path}' cannot be written: {error.strerror}. Give another store=."
            ) from error
        try:
            with self._reported():
                self._connection = sqlite3.connect(path, isolation_level=None)
                self._prepare()
        except BaseException:
            self._lock.release()
            raise

    def _prepare(self) -> None:
        if self._pragma("user_version") == 0 and not self._one("SELECT count(*) FROM sqlite_master"):
            self._connection.executescript(
                f"BEGIN; PRAGMA application_id = {_APPLICATION}; PRAGMA user_version = {VERSION}; {_SCHEMA} COMMIT;"
            )
        if self._pragma("application_id") != _APPLICATION:
            raise StoreError(f"'{self.path}' is a database, but no score store. Give another store=.")
        version = self._pragma("user_version")
        if version != VERSION:
            raise StoreError(
                f"The score store '{self.path}' is of version {version}; this harness reads version {VERSION}. "
                "Give another store=, or use the harness that wrote it."
            )
        if self._one("PRAGMA quick_check(1)") != "ok":
            raise sqlite3.DatabaseError("the file is damaged")

    def find(self, key: ScoreKey, archs: Iterable[str] | None = None) -> dict[str, Score]:
        """The stored scores under a key, by architecture; of all architectures or of `archs`."""
        return {row[0]: Score._make(row) for row in zip(*self.rows(key, archs), strict=True)}

    def rows(self, key: ScoreKey, archs: Iterable[str] | None = None) -> StoredRows:
        """What `find` finds, in the store's order."""
        wanted = None if archs is None else set(archs)
        with self._reported():
            found = self._connection.execute(
                "SELECT arch, components, status, reason, seconds FROM scores WHERE key = ?", (self._key_id(key),)
            )
            rows = [row for row in found if wanted is None or row[0] in wanted]
            named, components, statuses, reasons, seconds = zip(*rows, strict=True) if rows else ((),) * 5
            return StoredRows(named, json.loads(f"[{','.join(components)}]"), statuses, reasons, seconds)

    def known(self, key: ScoreKey, *, but_failed: bool = False) -> set[str]:
        """The architectures that have a score under a key, or one that did not fail."""
        with self._reported():
            rows = self._connection.execute(
                "SELECT arch FROM scores WHERE key = ? AND NOT (? AND status = ?)",
                (self._key_id(key), but_failed, FAILED),
            )
            return {arch for (arch,) in rows}

    def add(self, scores: Sequence[tuple[ScoreKey, Score]], *, replace: bool = False) -> None:
        """Commit scores in one transaction. A score that is there already stays, unless `replace`."""
        verb = "INSERT OR REPLACE" if replace else "INSERT OR IGNORE"
        with self._reported(), self._transaction():
            # By identity: a few keys come with very many scores, and each takes its time to hash.
            keys = {id(key): key for key, _ in scores}
            ids = {identity: self._key_id(key) for identity, key in keys.items()}
            self._connection.executemany(
                f"{verb} INTO scores VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (
                        ids[id(key)],
                        score.arch,
                        json.dumps(dict(score.components)),
                        score.status,
                        score.reason,
                        score.seconds,
                    )
                    for key, score in scores
                ],
            )

    def score_keys(self) -> list[ScoreKey]:
        """All keys under which there are scores."""
        with self._reported():
            return [ScoreKey(*row) for row in self._connection.execute(f"SELECT {', '.join(_KEY_FIELDS)} FROM keys")]

    def _key_id(self, key: ScoreKey) -> int:
        values = astuple(key)
        condition = " AND ".join(f"{field} = ?" for field in _KEY_FIELDS)
        found = self._connection.execute(f"SELECT id FROM keys WHERE {condition}", values).fetchone()
        if found is None:
            places = ", ".join("?" * len(values))
            insert = f"INSERT INTO keys ({', '.join(_KEY_FIELDS)}) VALUES ({places}) RETURNING id"
            found = self._connection.execute(insert, values).fetchone()
        return int(found[0])

    def close(self) -> None:
        """Close the file and let other runs write."""
        self._connection.close()
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Turn SQLite's errors into one sentence."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StoreError(
                f"The score store '{self.path}' cannot be used: {error}. What was committed before is kept; make "
                "room or give another store=, and run the same command again."
            ) from error
        except (sqlite3.DatabaseError, json.JSONDecodeError) as error:
            raise StoreError(
                f"The score store '{self.path}' is corrupt: {error}. Move it away and run the same command again, "
                "or give another store=."
            ) from error

    def _pragma(self, name: str) -> int:
        return int(str(self._one(f"PRAGMA {name}")))

    def _one(self, statement: str) -> object:
        return self._connection.execute(statement).fetchone()[0]


def merge(target: Path, sources: Sequence[Path]) -> int:
    """Copy the scores of `sources` that `target` lacks into it; returns how many came.

    Raises:
        StoreError: if a source is missing, or two stores hold different values under one key.
    """
    for source in sources:
        if not source.is_file():
            raise StoreError(f"There is no score store '{source}' to merge.")
        if source.resolve() == target.resolve():
            raise StoreError(f"'{source}' is named twice; merge takes the target first and then other stores.")
    n_new = 0
    with ScoreStore(target) as into:
        for source in sources:
            with ScoreStore(source) as other:
                for key in other.score_keys():
                    known, offered = into.find(key), other.find(key)
                    for arch in known.keys() & offered.keys():
                        _require_equal(key, known[arch], offered[arch], source)
                    new = [(key, score) for arch, score in offered.items() if arch not in known]
                    into.add(new)
                    n_new += len(new)
    return n_new


def _require_equal(key: ScoreKey, known: Score, offered: Score, source: Path) -> None:
    both_ok = known.status == offered.status == OK
    if both_ok and json.dumps(dict(known.components)) != json.dumps(dict(offered.components)):
        raise StoreError(
            f"'{source}' holds another value of {key.proxy} for {known.arch} than the target does "
            f"({dict(offered.components)} against {dict(known.components)}); they cannot be merged."
        )
