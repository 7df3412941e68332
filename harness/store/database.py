"""The score store: an append-only SQLite file, unique on the whole key of a score, each row under a digest.

The rollback journal is kept (no write-ahead log), so that the store is one file; a killed process loses at most what it
had not committed. Damage is seen when a key is first read: each row has a digest,
and each key the number of its rows and the sum of their digests. Stores of version 1 have no digests; they are read as
they are, and get digests in one transaction when they are first written to.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from harness.errors import StoreError
from harness.store import opening
from harness.store.rows import (
    FAILED,
    KEY_FIELDS,
    OK,
    BadRowError,
    Score,
    ScoreKey,
    StoredRow,
    StoredRows,
    changed_total,
    checked_key,
    components_json,
    described,
    digests,
    key_digest,
    parsed,
    plain,
    printable,
    total,
)


class KeyLine(NamedTuple):
    """A line of the table of keys but the key: `n_rows` and the `total` of the digests are unknown in version 1."""

    number: int
    n_rows: int = 0
    total: int = 0


class ScoreStore:
    """A score store opened for reading and writing, or for reading only; a second run beside a writer is refused.

    Raises:
        StoreError: if the file is of another version, not a score store, damaged, in use, or cannot be opened.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._read_only = read_only
        self._verified: set[ScoreKey] = set()
        handle = opening.lock(path, read_only=read_only)
        try:
            with self._reported():
                self._connection = opening.connect(path, read_only=read_only)
                try:
                    self._version = opening.prepare(self._connection, path, read_only=read_only)
                    self._lines = self._read_lines()
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
        return self._version > 1

    def find(self, key: ScoreKey, archs: Iterable[str] | None = None) -> dict[str, Score]:
        """The stored scores under a key, by architecture; of all architectures or of `archs`."""
        return {row[0]: Score._make(row) for row in zip(*self.rows(key, archs), strict=True)}

    def rows(self, key: ScoreKey, archs: Iterable[str] | None = None) -> StoredRows:
        """What `find` finds, in the store's order."""
        wanted = None if archs is None else set(archs)
        with self._reported():
            rows = self._verified_rows(key)
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
            line = self._lines.get(key)
            if line is None:
                return set()
            if self.has_digests and key not in self._verified:
                self._verified_rows(key)
            select = "SELECT arch FROM scores WHERE key = ? AND NOT (? AND status = ?)"
            return {arch for (arch,) in self._connection.execute(select, (line.number, but_failed, FAILED))}

    def add(self, scores: Sequence[tuple[ScoreKey, Score]], *, replace: bool = False) -> None:
        """Commit scores in one transaction. A score that is there already stays, unless `replace`."""
        if self._read_only:
            raise StoreError(f"The score store '{self.path}' is open for reading only; nothing was added.")
        # By identity: a few keys come with very many scores, and each takes its time to hash.
        groups: dict[int, tuple[ScoreKey, list[Score]]] = {}
        for key, score in scores:
            groups.setdefault(id(key), (key, []))[1].append(score)
        with self._reported():
            with self._transaction():
                lines = dict(self._lines) if self.has_digests else self._upgraded()
                for key, group in groups.values():
                    lines[key] = self._insert(key, lines.get(key), group, replace)
            self._lines, self._version = lines, opening.VERSION

    def verified_rows(self, key: ScoreKey) -> list[StoredRow]:
        """All rows of a key as they are stored, verified and valid."""
        with self._reported():
            rows: list[StoredRow] = [(row[0], row[1], row[2], row[3], row[4]) for row in self._verified_rows(key)]
            parsed(key, rows)
            return rows

    def rows_of(self, key: ScoreKey, archs: Iterable[str]) -> Iterator[StoredRow]:
        """The rows of some architectures, each looked up by itself; the key is verified first."""
        with self._reported():
            line = self._lines.get(key)
            if line is None or (self.has_digests and not line.n_rows):
                return
            if key not in self._verified:
                self._verified_rows(key)
            select = "SELECT arch, components, status, reason, seconds FROM scores WHERE key = ? AND arch = ?"
            for arch in archs:
                found = self._connection.execute(select, (line.number, arch)).fetchone()
                if found is not None:
                    yield found

    def insert_rows(self, key: ScoreKey, rows: Sequence[StoredRow]) -> int:
        """Commit verified rows of another store for architectures that this one lacks; returns how many."""
        if not rows:
            return 0
        with self._reported():
            with self._transaction():
                lines = dict(self._lines) if self.has_digests else self._upgraded()
                is_new, line = key not in lines, lines.get(key) or self._new_line(key)
                made = digests(key, rows)
                self._connection.executemany(
                    "INSERT INTO scores VALUES (?, ?, ?, ?, ?, ?, ?)",
                    ((line.number, *row, digest) for row, digest in zip(rows, made, strict=True)),
                )
                lines[key] = KeyLine(line.number, line.n_rows + len(rows), changed_total(line.total, total(made)))
                self._write_line(key, lines[key])
            self._lines, self._version = lines, opening.VERSION
            if is_new:
                self._verified.add(key)
        return len(rows)

    def cache(self, n_bytes: int) -> None:
        """Let SQLite keep this much of the file in memory."""
        self._connection.execute(f"PRAGMA cache_size = {-n_bytes // 1024}")

    def compact(self) -> None:
        """Verify every score, then write the file without free pages; it stays whole if interrupted."""
        for key in self._lines:
            self.verified_rows(key)
        with self._reported():
            self._connection.execute("VACUUM")

    def score_keys(self) -> list[ScoreKey]:
        """All keys of the store."""
        return list(self._lines)

    def _verified_rows(self, key: ScoreKey) -> list[StoredRow]:
        """All rows of a key, perhaps with more columns; the first time they are compared with their digests.

        Raises:
            BadRowError: one does not agree with its digest, or rows are missing.
        """
        line = self._lines.get(key)
        if line is None:
            return []
        checking = self.has_digests and key not in self._verified
        columns = f"arch, components, status, reason, seconds{', digest' if checking else ''}"
        select = f"SELECT {columns} FROM scores WHERE key = ?"
        rows: list[Any] = self._connection.execute(select, (line.number,)).fetchall()
        if not checking:
            return rows
        stored, found = [row[5] for row in rows], digests(key, rows)
        if stored != found:
            bad = next((row[0] for row, one, other in zip(rows, stored, found, strict=True) if one != other), "")
            raise BadRowError(f"the score of {plain(bad)} by {described(key)} does not agree with its digest")
        if len(rows) != line.n_rows:
            raise BadRowError(f"{len(rows)} scores of {described(key)} are there, {line.n_rows} were written")
        if total(found) != line.total:
            raise BadRowError(f"the scores of {described(key)} are not those that were written")
        self._verified.add(key)
        return rows

    def _read_lines(self) -> dict[ScoreKey, KeyLine]:
        more = ", n_rows, total, digest" if self.has_digests else ""
        select = f"SELECT id, {', '.join(KEY_FIELDS)}{more} FROM keys NOT INDEXED"
        lines: dict[ScoreKey, KeyLine] = {}
        n_fields = 1 + len(KEY_FIELDS)
        for number, *values in self._connection.execute(select):
            key = checked_key(values[: n_fields - 1])
            if key in lines:
                raise BadRowError(f"the key {described(key)} is there twice")
            if not self.has_digests:
                lines[key] = KeyLine(number)
                continue
            n_rows, sum_, digest = values[n_fields - 1 :]
            if type(n_rows) is not int or type(sum_) is not bytes or digest != key_digest(number, key, n_rows, sum_):
                raise BadRowError(f"the key {described(key)} does not agree with its digest")
            lines[key] = KeyLine(number, n_rows, int.from_bytes(sum_, "big"))
        self._require_no_orphans({line.number for line in lines.values()})
        return lines

    def _require_no_orphans(self, numbers: set[int]) -> None:
        """Check that each row belongs to a key that is there."""
        step = "SELECT key FROM scores WHERE key > ? ORDER BY key LIMIT 1"
        found = self._connection.execute("SELECT key FROM scores ORDER BY key LIMIT 1").fetchone()
        while found is not None:
            if found[0] not in numbers:
                raise BadRowError("it holds scores whose key is missing")
            found = self._connection.execute(step, found).fetchone()

    def _insert(self, key: ScoreKey, line: KeyLine | None, scores: Sequence[Score], replace: bool) -> KeyLine:
        if line is None:
            line = self._new_line(key)
        rows: dict[str, StoredRow] = {}
        for arch, components, status, reason, seconds in scores:
            if replace or arch not in rows:
                text = components_json(components if status == OK else {})
                rows[arch] = (arch, text, status, printable([reason])[0], float(seconds))
        there: dict[str, bytes] = {}
        if line.n_rows:
            select = "SELECT digest FROM scores WHERE key = ? AND arch = ?"
            for arch in rows:
                found = self._connection.execute(select, (line.number, arch)).fetchone()
                if found is not None:
                    there[arch] = found[0]
        new = [row for arch, row in rows.items() if replace or arch not in there]
        made = digests(key, new)
        self._connection.executemany(
            "INSERT OR REPLACE INTO scores VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(line.number, *row, digest) for row, digest in zip(new, made, strict=True)],
        )
        removed = [there[row[0]] for row in new if row[0] in there]
        line = KeyLine(
            line.number,
            line.n_rows + len(new) - len(removed),
            changed_total(line.total, total(made), total(removed)),
        )
        self._write_line(key, line)
        return line

    def _new_line(self, key: ScoreKey) -> KeyLine:
        places = ", ".join("?" * (len(KEY_FIELDS) + 3))
        insert = f"INSERT INTO keys ({', '.join(KEY_FIELDS)}, n_rows, total, digest) VALUES ({places}) RETURNING id"
        return KeyLine(int(self._connection.execute(insert, (*astuple(key), 0, b"", b"")).fetchone()[0]))

    def _write_line(self, key: ScoreKey, line: KeyLine) -> None:
        sum_ = line.total.to_bytes(8, "big")
        digest = key_digest(line.number, key, line.n_rows, sum_)
        update = "UPDATE keys SET n_rows = ?, total = ?, digest = ? WHERE id = ?"
        self._connection.execute(update, (line.n_rows, sum_, digest, line.number))

    def _upgraded(self) -> dict[ScoreKey, KeyLine]:
        """Give a store of version 1 its digests, inside the caller's transaction; returns the lines of its keys."""
        found = {key: self._verified_rows(key) for key in self._lines}
        for key, rows in found.items():
            parsed(key, rows)
        self._connection.execute("DROP TABLE scores")
        self._connection.execute("DROP TABLE keys")
        for statement in opening.SCHEMAS[opening.VERSION].split(";"):
            self._connection.execute(statement)
        self._connection.execute(f"PRAGMA user_version = {opening.VERSION}")
        lines: dict[ScoreKey, KeyLine] = {}
        for key, rows in found.items():
            line, made = self._new_line(key), digests(key, rows)
            self._connection.executemany(
                "INSERT INTO scores VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(line.number, *row, digest) for row, digest in zip(rows, made, strict=True)],
            )
            lines[key] = KeyLine(line.number, len(rows), total(made))
            self._write_line(key, lines[key])
        return lines

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
        return StoreError(
            f"The score store '{self.path}' is damaged: {what}. Copy its good rows into a new store: "
            f"python -m harness.store salvage '{self.path}' NEW.sqlite."
        )
