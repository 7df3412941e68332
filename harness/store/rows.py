"""Rows of a score store: what they are, their digests, and how components that a stranger may have written are read."""

import hashlib
import json
import re
import struct
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from functools import cache
from typing import Any, NamedTuple, get_origin, get_type_hints

from harness.errors import HarnessError
from harness.proxy import PROXIES

OK, UNDEFINED, FAILED = "ok", "undefined", "failed"
_STATUSES = frozenset((OK, UNDEFINED, FAILED))
_ONE_COMPONENT = re.compile(
    r'\{"([\w.:-]+)": (-?(?:\d{1,25}(?:\.\d+)?(?:e[-+]?[0-2]?\d{1,2})?|Infinity)|NaN)\}', re.ASCII
).fullmatch
DIGEST_BYTES = 8
_WRAP = 1 << 64


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


StoredRow = tuple[str, str, str, str, float]  # architecture, components as JSON, status, reason, CPU seconds
KEY_FIELDS = tuple(field.name for field in fields(ScoreKey))


class BadRowError(ValueError):
    """A row or key that no harness writes; the message completes 'The score store ... is damaged: '."""


def plain(text: object, longest: int = 120) -> str:
    """Foreign text for a message: printable ASCII only, escapes for the rest, at most `longest` characters."""
    shown = str(text).encode("ascii", "backslashreplace").decode()
    shown = "".join(one if one.isprintable() else f"\\x{ord(one):02x}" for one in shown)
    return shown if len(shown) <= longest else f"{shown[: longest - 3]}..."


def described(key: ScoreKey) -> str:
    """A key in words."""
    return plain(f"{key.proxy} on {key.space}, {key.data_set or 'no data set'}, seed {key.seed}")


def key_prefix(key: ScoreKey) -> str:
    """The digest of a key, which the digests of its rows begin with."""
    return hashlib.blake2b(json.dumps(astuple(key)).encode(), digest_size=16).hexdigest()


def digests(key: ScoreKey, rows: Sequence[StoredRow]) -> list[bytes]:
    """The digest of each row: blake2b over its key and all its columns.

    Raises:
        BadRowError: a column has a value of another type.
    """
    prefix, blake2b = key_prefix(key), hashlib.blake2b
    try:
        texts = [f"{prefix}{row[0]}\0{row[1]}\0{row[2]}\0{row[4].hex()}\0{row[3]}".encode() for row in rows]
    except (AttributeError, UnicodeEncodeError):
        raise BadRowError(f"a row of {described(key)} has a column of the wrong type") from None
    return [blake2b(text, digest_size=DIGEST_BYTES).digest() for text in texts]


def total(row_digests: Sequence[bytes]) -> int:
    """The sum of digests modulo 2^64: the same in any order, another one when a row is lost."""
    numbers: tuple[int, ...] = struct.unpack(f">{len(row_digests)}Q", b"".join(row_digests))
    return sum(numbers) % _WRAP


def changed_total(before: int, added: int, removed: int = 0) -> int:
    """A total after rows came and went."""
    return (before + added - removed) % _WRAP


def key_digest(number: int, key: ScoreKey, n_rows: int, sum_: bytes) -> bytes:
    """The digest of a line of the table of keys."""
    text = json.dumps([number, *astuple(key), n_rows, sum_.hex()]).encode()
    return hashlib.blake2b(text, digest_size=DIGEST_BYTES).digest()


def checked_key(values: Sequence[object]) -> ScoreKey:
    """A key from the values of its fields.

    Raises:
        BadRowError: a field is of another type, or has characters that cannot be printed.
    """
    for name, value in zip(KEY_FIELDS, values, strict=True):
        wanted: type = int if name == "seed" else str
        if type(value) is not wanted or (isinstance(value, str) and not value.isprintable()):
            raise BadRowError(f"the field '{name}' of a key holds {plain(repr(value))}")
    return ScoreKey(*values)  # type: ignore[arg-type]  # checked above


def components_json(components: Mapping[str, float]) -> str:
    """How the store writes components."""
    return json.dumps({name: float(value) for name, value in components.items()})


def parsed(key: ScoreKey, rows: Sequence[StoredRow]) -> list[Mapping[str, float]]:
    """The components of rows, each parsed by itself.

    Raises:
        BadRowError: a row has a value of the wrong type, an unknown status, or components that the proxy does not give.
    """
    if not rows:
        return []
    _require_plain_columns(key, rows)
    names, found, match_one, only = component_names(key), [], _ONE_COMPONENT, {OK}
    for row in rows:
        match = match_one(row[1])
        if match and row[2] in only:
            name, value = match.groups()
            values: Mapping[str, float] = {name: float(value)}
        else:
            values = _checked_components(key, row)
        if names is not None and values.keys() != names and row[2] == OK:
            theirs = plain(", ".join(values))
            raise BadRowError(f"{_place(key, row[0])} has the components {theirs}; the proxy gives {', '.join(names)}")
        found.append(values)
    return found


def _require_plain_columns(key: ScoreKey, rows: Sequence[StoredRow]) -> None:
    """Check the types of all columns, and the characters of the architectures, at the speed of columns."""
    for column, wanted in enumerate((str, str, str, str, float)):
        if {type(row[column]) for row in rows} != {wanted}:
            raise BadRowError(f"a row of {described(key)} has a column of the wrong type")
    if not "".join([row[0] for row in rows]).isprintable():
        bad = next(row[0] for row in rows if not row[0].isprintable())
        raise BadRowError(f"a row of {described(key)} names the architecture '{plain(bad)}'")
    if not _STATUSES.issuperset({row[2] for row in rows}):
        bad_row = next(row for row in rows if row[2] not in _STATUSES)
        raise BadRowError(f"{_place(key, bad_row[0])} has the unknown status '{plain(bad_row[2])}'")


def _checked_components(key: ScoreKey, row: StoredRow) -> Mapping[str, float]:
    """The components of a row that is not the most frequent kind."""
    arch, components, status = row[:3]
    if status != OK:
        if components != "{}":
            raise BadRowError(f"{_place(key, arch)} has components although its status is {status}")
        return {}
    values = _several(components)
    if not values:
        raise BadRowError(f"{_place(key, arch)} has the components {plain(components)}, not a mapping of floats")
    return values


def printable(reasons: Sequence[str]) -> Sequence[str]:
    """Reasons without characters that command a terminal: line ends become spaces, the others escapes."""
    if "".join(reasons).isprintable():
        return reasons
    return [
        "".join(one if one.isprintable() else " " if one in "\n\t\r" else f"\\x{ord(one):02x}" for one in reason)
        for reason in reasons
    ]


@cache
def component_names(key: ScoreKey) -> frozenset[str] | None:
    """The names of a key's components; None where the proxy does not declare them or is not the registry's."""
    name, _, version = key.proxy.partition("@")
    if key.source or name not in PROXIES:
        return None
    proxy = PROXIES.get(name)
    if str(proxy.version) != version:
        return None
    try:
        gives = get_type_hints(proxy.measure).get("return")
        if (get_origin(gives) or gives) is float or "ndarray" in str(gives).lower():
            return frozenset((name,))
        return frozenset(proxy().parts()) or None
    except (TypeError, NameError, HarnessError):  # options without defaults, or annotations that do not resolve
        return None


def _several(text: str) -> dict[str, float] | None:
    """Components in the store's own spelling, or None."""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    numbers = isinstance(found, dict) and all(type(value) in (int, float) for value in found.values())
    if not numbers or json.dumps(found) != text or not all(name.isprintable() for name in found):
        return None
    try:
        return {name: float(value) for name, value in found.items()}
    except OverflowError:
        return None


def _place(key: ScoreKey, arch: str) -> str:
    return f"the score of {plain(arch)} by {described(key)}"
