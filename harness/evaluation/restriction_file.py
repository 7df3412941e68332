"""Restriction files: which architectures are wanted, as `restrict=space.yaml` reads it; docs/reference/files.md."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import yaml

from harness.cli.reading import Source, read_into
from harness.errors import CorruptDataError, MissingDataError, OptionError

_MOST_BYTES = 2**20
_DEEPEST = 20


@dataclass(frozen=True)
class Limits:
    """The smallest and the largest value of a position, both included; None: no limit."""

    min: float | None = None
    max: float | None = None


@dataclass(frozen=True)
class Wanted:
    """What a restriction file says, every condition of which must be met; its fields are the keys of the file.

    Attributes:
        bench: the benchmark, as `bench=` names it.
        allow: by position the values that it may hold.
        fix: by position the one value that it must hold.
        ranges: by position of numbers the smallest and the largest value.
        budget: by name of a count or cost its largest value, as `budget.NAME=` of a search.
        archs: the only architectures, in any notation; empty: all.
        note: any text; nothing depends on it.
    """

    bench: str
    allow: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    fix: Mapping[str, str] = field(default_factory=dict)
    ranges: Mapping[str, Limits] = field(default_factory=dict)
    budget: Mapping[str, float] = field(default_factory=dict)
    archs: tuple[str, ...] = ()
    note: str = ""


CONDITIONS = ("allow", "fix", "ranges", "budget", "archs")
"""The keys of which a file has at least one."""


@dataclass(frozen=True)
class RestrictionFile:
    """A file as it was read; `sha256` is that of its bytes."""

    path: Path
    sha256: str
    wanted: Wanted

    def said(self, sentence: str) -> str:
        """A sentence, with the file before it."""
        return f"{self.path}: {sentence}"


def read_restriction(path: Path) -> RestrictionFile:
    """The restriction of a file in YAML, which may be JSON.

    Every scalar is a text, whatever YAML 1.1 takes it for (`8:16:24`, `no`, `1_000`); numbers are read where they are
    expected. Anchors, tags and keys that occur twice are refused.

    Raises:
        MissingDataError: if there is no such file.
        CorruptDataError: if it is no YAML, or too large.
        UnknownNameError: for a key that a restriction does not have.
        OptionError: for a value of another type, and if it restricts nothing.
    """
    path = path.expanduser()
    try:
        with path.open("rb") as file:
            size, data = os.fstat(file.fileno()).st_size, file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise MissingDataError(
            f"restrict={path} cannot be read: {error.strerror}. Give a file with bench, and allow, fix, ranges, budget "
            "or archs."
        ) from None
    if len(data) > _MOST_BYTES:
        size = max(size, len(data))
        raise CorruptDataError(f"restrict={path} has {size:,} bytes; a restriction has at most {_MOST_BYTES:,}.")
    values = _values(path, data)
    if set(values) <= {one.name for one in fields(Wanted)}:  # another key is told below
        _refuse_empty(path, values)
    wanted = read_into(Wanted, values, Source(noun="key of a restriction", file=str(path)))
    for name, limits in wanted.ranges.items():
        if limits.min is not None and limits.max is not None and limits.min > limits.max:
            raise OptionError(f"{path}: ranges.{name} is invalid: min {limits.min:g} is above max {limits.max:g}.")
    for name, limit in wanted.budget.items():
        if not limit > 0:
            raise OptionError(f"{path}: budget.{name}={limit:g} is invalid: it must be above 0.")
    return RestrictionFile(path, hashlib.sha256(data).hexdigest(), wanted)


def _values(path: Path, data: bytes) -> dict[str, Any]:
    try:
        values = _texts(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise CorruptDataError(f"restrict={path} is no text in UTF-8.") from None
    except yaml.MarkedYAMLError as error:
        line = "" if error.problem_mark is None else f" in line {error.problem_mark.line + 1}"
        raise CorruptDataError(f"restrict={path} is no YAML of a restriction{line}: {error.problem}.") from None
    except yaml.YAMLError as error:
        raise CorruptDataError(f"restrict={path} is no YAML: {type(error).__name__}.") from None
    if not isinstance(values, dict):
        raise OptionError(f"{path} is no restriction: it must have keys, bench and one of {', '.join(CONDITIONS)}.")
    return values


def _texts(text: str) -> object:
    """The document of a YAML text, its scalars as texts.

    Raises:
        yaml.YAMLError: if it is none, and for anchors, which can make a short file large, tags, a key twice, and
            brackets within brackets beyond any use, for which the parser takes more than proportionally long.
    """
    depth = 0
    for event in yaml.parse(text, Loader=yaml.BaseLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            problem = f"lists and keys are nested more than {_DEEPEST} deep"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
        for what in ("anchor", "tag"):
            if getattr(event, what, None) is not None:
                raise yaml.MarkedYAMLError(problem=f"{what}s are not allowed", problem_mark=event.start_mark)
    return _of_node(yaml.compose(text, Loader=yaml.BaseLoader))


def _of_node(node: Any) -> object:
    if isinstance(node, yaml.SequenceNode):
        return [_of_node(one) for one in node.value]
    if not isinstance(node, yaml.MappingNode):
        return None if node is None else node.value
    found: dict[str, object] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or not key.value:
            raise yaml.MarkedYAMLError(problem="a key is no name", problem_mark=key.start_mark)
        if key.value in found:
            raise yaml.MarkedYAMLError(problem=f"the key {key.value} occurs twice", problem_mark=key.start_mark)
        found[key.value] = _of_node(value)
    return found


def _refuse_empty(path: Path, values: Mapping[str, Any]) -> None:
    """Nothing, if the file says something of which something can remain.

    Raises:
        OptionError: if it restricts nothing, or allows nothing.
    """
    if not any(values.get(name) for name in CONDITIONS):
        raise OptionError(
            f"{path} restricts nothing: give one of {', '.join(CONDITIONS)}, such as allow: {{POSITION: [VALUE, ...]}}."
        )
    for name, value in values.items():
        for place in _empty(value, name):
            raise OptionError(f"{path}: {place} is empty, so that nothing is left; give a value, or leave it out.")


def _empty(value: object, place: str) -> Iterator[str]:
    """The places of empty texts and lists within a value of a key that is there."""
    if isinstance(value, Mapping):
        for name, entry in value.items():
            yield from [f"{place}.{name}"] if entry in ("", [], {}) else _empty(entry, f"{place}.{name}")
    elif value == [] or (isinstance(value, list) and "" in value):
        yield place
