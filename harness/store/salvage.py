"""What can be saved of a damaged score store: each row that still agrees with its digest, in a new store."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import StoreError
from harness.store import opening
from harness.store.database import ScoreStore
from harness.store.rows import (
    KEY_FIELDS,
    BadRowError,
    Score,
    ScoreKey,
    StoredRow,
    checked_key,
    described,
    digests,
    parsed,
    plain,
    printable,
)

_SHOWN = 20
_COLUMNS = "arch, components, status, reason, seconds"
RawRow = tuple[object, ...]


@dataclass(frozen=True)
class Salvaged:
    """What came of a salvage: rows copied, rows that were refused or are gone, and words on these."""

    n_saved: int
    n_lost: int
    lost: tuple[str, ...]

    def __str__(self) -> str:
        shown = "".join(f"\n  {one}" for one in self.lost[:_SHOWN])
        more = f"\n  and {len(self.lost) - _SHOWN} more" if len(self.lost) > _SHOWN else ""
        return f"{self.n_saved} scores saved, {self.n_lost} lost{':' if self.lost else '.'}{shown}{more}"


def salvage(source: Path, target: Path) -> Salvaged:
    """Copy every row whose digest holds into a new store; of a store without digests, every row that can be read.

    Raises:
        StoreError: the target exists, or the tables of the source cannot be found any more.
    """
    if target.exists():
        raise StoreError(f"'{target}' exists already; name a new file for the rows that are saved.")
    if not source.exists():
        raise StoreError(f"There is no score store '{source}' to salvage.")
    handle = opening.lock(source, read_only=True)
    try:
        connection = opening.connect(source, read_only=True)
        try:
            connection.text_factory = bytes
            version = opening.schema_version(connection)
            with ScoreStore(target) as store:
                return _copy(connection, version, store)
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"Nothing can be saved of '{source}': {plain(error)}. Use a copy of it or the score tables, if there "
                "are any: python -m harness.store load."
            ) from error
        finally:
            connection.close()
    finally:
        opening.unlock(handle)


def _copy(connection: sqlite3.Connection, version: int, store: ScoreStore) -> Salvaged:
    n_saved, n_lost, lost = 0, 0, []
    keys, n_expected = {}, {}
    more = ", n_rows" if version > 1 else ""
    for number, *values in _both_ways(connection, f"SELECT id, {', '.join(KEY_FIELDS)}{more} FROM keys", "id", ()):
        try:
            keys[number] = checked_key([_text(value) for value in values[: len(KEY_FIELDS)]])
        except (BadRowError, UnicodeDecodeError):
            lost.append(f"the key number {plain(number)} cannot be read")
            continue
        n_expected[number] = values[-1] if version > 1 and type(values[-1]) is int else 0
    (numbers,) = [{row[0] for row in _both_ways(connection, "SELECT DISTINCT key FROM scores", "key", ())}]
    for number in sorted(one for one in {*keys, *numbers} if isinstance(one, int)):
        digest = ", digest" if version > 1 else ""
        select = f"SELECT {_COLUMNS}{digest} FROM scores WHERE key = ?"
        raw = _both_ways(connection, select, "arch", (number,))
        key = keys.get(number)
        if key is None:
            n_lost += len(raw)
            lost.append(f"{len(raw)} scores whose key is missing")
            continue
        good, bad = _sorted_out(key, raw, version)
        store.add([(key, score) for score in good])
        n_missing = max(n_expected[number] - len(good) - len(bad), 0)
        n_saved, n_lost = n_saved + len(good), n_lost + len(bad) + n_missing
        lost += [f"the score of {arch} by {described(key)}" for arch in bad]
        if n_missing:
            lost.append(f"{n_missing} scores of {described(key)} that are gone")
    return Salvaged(n_saved, n_lost, tuple(lost))


def _both_ways(connection: sqlite3.Connection, select: str, order: str, values: Sequence[object]) -> list[RawRow]:
    """Rows from the front up to a broken page, and from the back down to one."""
    found: dict[object, RawRow] = {}
    for direction in ("ASC", "DESC"):
        try:
            for row in connection.execute(f"{select} ORDER BY {order} {direction}", tuple(values)):
                found[row[0]] = row
        except sqlite3.DatabaseError:
            continue
        break
    return list(found.values())


def _sorted_out(key: ScoreKey, raw: Sequence[RawRow], version: int) -> tuple[list[Score], list[str]]:
    good, bad = [], []
    for values in raw:
        try:
            arch, components, status, reason, seconds = (_text(value) for value in values[:5])
            row: StoredRow = (arch, components, status, reason, seconds)  # type: ignore[assignment]  # parsed checks
            (named,) = parsed(key, [row])
            if version > 1 and digests(key, [row]) != [values[5]]:
                raise BadRowError("digest")
            good.append(Score(row[0], named, row[2], printable([row[3]])[0], row[4]))
        except (BadRowError, UnicodeDecodeError):
            name = values[0].decode(errors="replace") if isinstance(values[0], bytes) else str(values[0])
            bad.append(plain(name))
    return good, bad


def _text(value: object) -> object:
    return value.decode() if isinstance(value, bytes) else value
