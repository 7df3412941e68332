"""The two tables of a score store: keys with the number and the total of their rows, and rows under digests.

Damage is seen when a key is first read: each row has a digest, and each key the number of its rows and the sum of their
digests. Tables of version 1 have no digests; they are read as they are, and get digests in one transaction when they
are first written to.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from typing import Any, NamedTuple

from harness.store import opening
from harness.store.rows import (
    FAILED,
    KEY_FIELDS,
    OK,
    BadRowError,
    Score,
    ScoreKey,
    StoredRow,
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


class DigestedTables:
    """The tables in an open database; what is written is committed as a whole or not at all.

    Raises:
        BadRowError: for a key that does not agree with its digest, or rows without a key.
        sqlite3.DatabaseError: for a damaged file; all methods raise it.
    """

    def __init__(self, connection: sqlite3.Connection, version: int) -> None:
        self._connection = connection
        self._version = version
        self._verified: set[ScoreKey] = set()
        self._lines = self._read_lines()

    @property
    def has_digests(self) -> bool:
        """Whether what is read is verified: not in a store of version 1 that was not written to since."""
        return self._version > 1

    @property
    def keys(self) -> list[ScoreKey]:
        """All keys."""
        return list(self._lines)

    def read(self, key: ScoreKey) -> list[StoredRow]:
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

    def archs(self, key: ScoreKey, *, but_failed: bool) -> set[str]:
        """The architectures that have a row under a key, or one that did not fail; the key is verified first."""
        line = self._lines.get(key)
        if line is None:
            return set()
        if self.has_digests and key not in self._verified:
            self.read(key)
        select = "SELECT arch FROM scores WHERE key = ? AND NOT (? AND status = ?)"
        return {arch for (arch,) in self._connection.execute(select, (line.number, but_failed, FAILED))}

    def read_some(self, key: ScoreKey, archs: Iterable[str]) -> Iterator[StoredRow]:
        """The rows of some architectures, each looked up by itself; the key is verified first."""
        line = self._lines.get(key)
        if line is None or (self.has_digests and not line.n_rows):
            return
        if key not in self._verified:
            self.read(key)
        select = "SELECT arch, components, status, reason, seconds FROM scores WHERE key = ? AND arch = ?"
        for arch in archs:
            found = self._connection.execute(select, (line.number, arch)).fetchone()
            if found is not None:
                yield found

    def put(self, groups: Iterable[tuple[ScoreKey, Sequence[Score]]], *, replace: bool) -> None:
        """Commit scores by key. A score that is there already stays, unless `replace`."""
        with self._changing() as lines:
            for key, group in groups:
                lines[key] = self._insert(key, lines.get(key), group, replace)

    def append(self, key: ScoreKey, rows: Sequence[StoredRow]) -> None:
        """Commit verified rows of architectures that the key lacks."""
        with self._changing() as lines:
            is_new, line = key not in lines, lines.get(key) or self._new_line(key)
            made = digests(key, rows)
            self._write_rows(line, rows, made)
            lines[key] = KeyLine(line.number, line.n_rows + len(rows), changed_total(line.total, total(made)))
            self._write_line(key, lines[key])
        if is_new:
            self._verified.add(key)

    @contextmanager
    def _changing(self) -> Iterator[dict[ScoreKey, KeyLine]]:
        """A transaction with the lines of the keys, to be changed with the tables; they count when it is committed."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            lines = dict(self._lines) if self.has_digests else self._upgraded()
            yield lines
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()
        self._lines, self._version = lines, opening.VERSION

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

    def _write_rows(self, line: KeyLine, rows: Sequence[StoredRow], made: Sequence[bytes]) -> None:
        self._connection.executemany(
            "INSERT INTO scores VALUES (?, ?, ?, ?, ?, ?, ?)",
            ((line.number, *row, digest) for row, digest in zip(rows, made, strict=True)),
        )

    def _upgraded(self) -> dict[ScoreKey, KeyLine]:
        """Give a store of version 1 its digests, inside the caller's transaction; returns the lines of its keys."""
        found = {key: self.read(key) for key in self._lines}
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
            self._write_rows(line, rows, made)
            lines[key] = KeyLine(line.number, len(rows), total(made))
            self._write_line(key, lines[key])
        return lines
