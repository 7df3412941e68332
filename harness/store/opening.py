"""How the file of a score store is opened: locked by its inode, and only if its schema is ours and nothing else.

A view, a trigger or an index of a stranger could run for ever or change what is read, so a file with one is refused
before anything is selected from it. The lock is `flock` on the file itself: a symbolic link, a hard link or another
spelling of the path meets the same lock, and there is no file beside it that could be deleted.
"""

import fcntl
import os
import sqlite3
import stat
from contextlib import suppress
from functools import cache
from pathlib import Path

from harness.errors import StoreError
from harness.store.file_system import mount_of
from harness.store.rows import KEY_FIELDS

VERSION = 2
APPLICATION = 0x4E415350  # "NASP": tells a score store from any other SQLite file

_KEYS = f"id INTEGER PRIMARY KEY, {', '.join(KEY_FIELDS)}"
_SCORES = """key INTEGER NOT NULL REFERENCES keys, arch TEXT NOT NULL, components TEXT NOT NULL,
    status TEXT NOT NULL, reason TEXT NOT NULL, seconds REAL NOT NULL"""
SCHEMAS = {
    1: f"""
CREATE TABLE keys ({_KEYS}, UNIQUE ({", ".join(KEY_FIELDS)}));
CREATE TABLE scores ({_SCORES}, PRIMARY KEY (key, arch)) WITHOUT ROWID;
""",
    2: f"""
CREATE TABLE keys ({_KEYS}, n_rows INTEGER NOT NULL, total BLOB NOT NULL, digest BLOB NOT NULL,
    UNIQUE ({", ".join(KEY_FIELDS)}));
CREATE TABLE scores ({_SCORES}, digest BLOB NOT NULL, PRIMARY KEY (key, arch)) WITHOUT ROWID;
""",
}


def lock(path: Path, *, read_only: bool) -> int:
    """Open the file, made if need be, and lock it; returns the descriptor, to be closed after the database.

    Raises:
        StoreError: it is in use, or the path cannot hold a store.
    """
    if str(path) == ":memory:":
        raise StoreError("store=:memory: is not a file, and a score store is one. Give store=FILE.sqlite.")
    _refuse_network(path, read_only)
    asks = _asks(read_only)
    try:
        if path.exists() and not path.is_file():
            kind = "a folder" if path.is_dir() else "a special file"
            raise StoreError(f"The score store '{path}' is {kind}; a store is a regular file. {asks}")
        if not read_only:
            path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDONLY if read_only else os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        verb = "read" if read_only else "written"
        raise StoreError(f"The score store '{path}' cannot be {verb}: {error.strerror}. {asks}") from error
    try:
        fcntl.flock(handle, (fcntl.LOCK_SH if read_only else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        if not stat.S_ISREG(os.fstat(handle).st_mode) or not os.path.samestat(os.fstat(handle), path.stat()):
            raise StoreError(f"The score store '{path}' was replaced while it was opened. Run the same command again.")
    except BlockingIOError:
        os.close(handle)
        raise StoreError(
            f"The score store '{path}' is in use by another run. Wait for it, or give this run store=OTHER.sqlite "
            "and merge the stores afterwards: python -m harness.store merge."
        ) from None
    except OSError as error:  # a file system without locks
        os.close(handle)
        raise StoreError(f"The score store '{path}' cannot be locked: {error.strerror}. {asks}") from error
    except BaseException:
        os.close(handle)
        raise
    return handle


def _asks(read_only: bool) -> str:
    """What would work; only commands that write have a setting for it."""
    return "Name another store." if read_only else "Give another store=."


def _refuse_network(path: Path, read_only: bool) -> None:
    """Refuse to write over a network: SQLite's locks fail there unseen, and two jobs would damage the file.

    Raises:
        StoreError: naming the file system.
    """
    mount = None if read_only else mount_of(path)
    if mount is not None and mount.is_network:
        raise StoreError(
            f"The score store '{path}' is on {mount.kind}, a network file system (at {mount.folder}), where a "
            "store cannot be written safely. Give store=FOLDER/scores.sqlite in a folder of a local disk; copy it when "
            "the run has ended, or split the work with shard=I/N and join with python -m harness.store merge."
        )


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """A connection that trusts nothing in the file; a read-only one rolls back what a killed run left, if it may."""
    real = path.resolve()
    interrupted = real.with_name(f"{real.name}-journal").exists() and os.access(real, os.W_OK)
    mode = "ro" if read_only and not interrupted else "rw"
    connection = sqlite3.connect(f"{real.as_uri()}?mode={mode}", uri=True, isolation_level=None)
    for setting in ("trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
        connection.execute(f"PRAGMA {setting}").fetchall()
    if hasattr(connection, "setconfig"):  # Python 3.12
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_DEFENSIVE, True)  # type: ignore[attr-defined]
    return connection


def prepare(connection: sqlite3.Connection, path: Path, *, read_only: bool) -> int:
    """Write the schema into an empty file, or check the one that is there; returns its version.

    Raises:
        StoreError: it is another database, of another version, or has another schema.
        sqlite3.DatabaseError: it is damaged.
    """
    objects = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    if not read_only and not objects and _pragma(connection, "user_version") == 0:
        connection.executescript(
            f"BEGIN; PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; {SCHEMAS[VERSION]} COMMIT;"
        )
        return VERSION
    if _pragma(connection, "application_id") != APPLICATION:
        found = "is empty" if not objects and not path.stat().st_size else "is a database but not a score store"
        raise StoreError(f"'{path}' {found}. {_asks(read_only)}")
    version = _pragma(connection, "user_version")
    if version not in SCHEMAS:
        raise StoreError(
            f"The score store '{path}' is of version {version}; this harness reads versions 1 and {VERSION}. "
            f"Use the harness that wrote it. {_asks(read_only)}"
        )
    if {_spelled(found) for found in objects} != _expected(version):
        raise StoreError(
            f"The score store '{path}' has tables, indexes, views or triggers other than a score store's, and is not "
            f"read. {_asks(read_only)}"
        )
    check = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if check != "ok":
        raise sqlite3.DatabaseError("the structure of the file is broken")
    return version


def schema_version(connection: sqlite3.Connection) -> int:
    """The version whose schema a database has, whatever its header says.

    Raises:
        sqlite3.DatabaseError: it has none of a score store.
    """
    objects = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
    texts = [tuple(one.decode() if isinstance(one, bytes) else one for one in found) for found in objects]
    for version in SCHEMAS:
        if {_spelled(found) for found in texts} == _expected(version):
            return version
    raise sqlite3.DatabaseError("its tables are not those of a score store")


def unlock(handle: int) -> None:
    """Let other runs have the file, also while forked children live."""
    with suppress(OSError):
        fcntl.flock(handle, fcntl.LOCK_UN)
    os.close(handle)


@cache
def _expected(version: int) -> frozenset[tuple[str, ...]]:
    memory = sqlite3.connect(":memory:")
    try:
        memory.executescript(SCHEMAS[version])
        found = memory.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
        return frozenset(_spelled(one) for one in found)
    finally:
        memory.close()


def _spelled(found: tuple[object, ...]) -> tuple[str, ...]:
    return tuple(" ".join(str(value).split()) for value in found)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])
