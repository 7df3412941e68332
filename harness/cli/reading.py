"""The one reader from plain values to a typed dataclass: settings, recipes, tables and the options of plug-ins."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from harness.errors import OptionError, UnknownNameError
from harness.registry import Options, unknown_name

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Source:
    """Where values come from, for messages.

    Attributes:
        prefix: before each key, as "protocol.".
        noun: what a key is.
        keys: the key of a field that is called otherwise.
        file: the file that is read; empty for a command line.
    """

    prefix: str = ""
    noun: str = "setting"
    keys: Mapping[str, str] = dataclasses.field(default_factory=dict)
    file: str = ""

    def key(self, field: str) -> str:
        """The full key of a field."""
        return self.prefix + self.keys.get(field, field)

    def below(self, field: str) -> "Source":
        """The source of a nested dataclass."""
        return Source(f"{self.key(field)}.", self.noun, file=self.file)

    def said(self, sentence: str) -> str:
        """A sentence, with the file before it."""
        return f"{self.file}: {sentence}" if self.file else sentence


_COMMAND_LINE = Source()


def read_into(kind: type[T], values: Mapping[Any, object], source: Source = _COMMAND_LINE) -> T:
    """A dataclass from values by key; what is not given keeps its default.

    Types follow from the annotations: int takes 1e3, float takes whole numbers and text such as "4e-5", an Enum its
    values, a tuple one value or a list, a nested dataclass a mapping or an instance.

    Args:
        kind: a dataclass.
        values: by key.
        source: for messages.

    Raises:
        UnknownNameError: for a key that no field has.
        OptionError: for a value of another type, or one that `kind` refuses, and for a key without default that lacks.
    """
    fields = {source.keys.get(field.name, field.name): field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    types = get_type_hints(kind)
    for key in values:
        if key not in fields:
            known = [source.prefix + name for name in sorted(fields)]
            raise UnknownNameError(source.said(unknown_name(source.noun, f"{source.prefix}{key}", known)))
    read: dict[str, Any] = {}
    for key, field in fields.items():
        if key in values:
            read[field.name] = _read(types[field.name], values[key], field.name, source)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise OptionError(source.said(f"The {source.noun} {source.prefix}{key} is missing; give its value."))
    return kind(**read)


def read_options(kind: str, name: str, plug_in: type, given: Mapping[str, Any]) -> Options:
    """The options of a plug-in that were given, sorted by name.

    Args:
        kind: what the plug-in is, for the sentence of an error.
        name: what it is called.
        plug_in: its dataclass.
        given: values by name of field.

    Raises:
        UnknownNameError: if it has no such field.
        OptionError: if a value is of another type than its field.
    """
    fields = sorted(field.name for field in dataclasses.fields(plug_in))
    types = get_type_hints(plug_in)
    source = Source(f"options.{name}.", f"option of {name}")
    for option in given:
        if not fields:
            raise UnknownNameError(f"The {kind} '{name}' has no options; options.{name}.{option} was given.")
        if option not in fields:
            raise UnknownNameError(unknown_name(source.noun, option, fields))
        if types[option] is str and not isinstance(given[option], str):
            raise _invalid(given[option], option, source, "text")
    return tuple(sorted((option, _read(types[option], value, option, source)) for option, value in given.items()))


def _read(wanted: Any, value: object, field: str, source: Source) -> Any:
    """A value as the annotation says."""
    origin, inner = get_origin(wanted), get_args(wanted)
    if wanted in (Any, object):
        return value
    if origin in (Union, UnionType):
        return _read(_member(inner, value), value, field, source)
    if wanted is NoneType and value is None:
        return None
    if origin is tuple:
        return _read_tuple(inner[0], value, field, source)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise _invalid(value, field, source, f"name and value, as {source.key(field)}.NAME=VALUE")
        below = source.below(field)
        return {str(name): _read(inner[1], entry, str(name), below) for name, entry in value.items()}
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        if isinstance(value, wanted):
            return value
        if not isinstance(value, Mapping):
            raise _invalid(value, field, source, f"a group of settings, as {source.key(field)}.NAME=VALUE")
        return read_into(wanted, value, source.below(field))
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return _read_enum(wanted, value, field, source)
    return _read_scalar(wanted, value, field, source)


def _member(members: Sequence[Any], value: object) -> Any:
    """The member of a union that a value is read as."""
    if value is None and NoneType in members:
        return NoneType
    if isinstance(value, str) and str in members:
        return str
    rest = [member for member in members if member not in (NoneType, str)]
    return rest[0] if rest else str


def _read_tuple(wanted: Any, value: object, field: str, source: Source) -> tuple[Any, ...]:
    entries = list(value) if isinstance(value, list | tuple) else [value]
    if not entries or None in entries or any(isinstance(entry, Mapping) for entry in entries):
        what = "a name" if wanted is str or not _is_number(wanted) else "a number"
        raise _invalid(value, field, source, f"{what} or a list: '{source.key(field)}=[a,b]'")
    return tuple(_read(wanted, entry, field, source) for entry in entries)


def _read_enum(wanted: type[Enum], value: object, field: str, source: Source) -> Enum:
    if isinstance(value, wanted):
        return value
    names = [member.value for member in wanted]
    if value not in names:
        raise OptionError(source.said(unknown_name(f"value of {source.key(field)}", str(value), names)))
    return wanted(value)


def _read_scalar(wanted: Any, value: object, field: str, source: Source) -> Any:
    if wanted is bool:
        if isinstance(value, bool):
            return value
        raise _invalid(value, field, source, "true or false")
    if wanted is int:
        if isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer():
            return int(value)
        raise _invalid(value, field, source, "a whole number")
    if wanted is float:
        try:
            if isinstance(value, int | float | str) and not isinstance(value, bool) and not math.isnan(float(value)):
                return float(value)
        except ValueError:
            pass
        raise _invalid(value, field, source, "a number")
    if wanted in (str, Path):
        if isinstance(value, str | int | float | Path) and not isinstance(value, bool) and value != "":
            return wanted(str(value))
        raise _invalid(value, field, source, "a path" if wanted is Path else "a name")
    if isinstance(wanted, type) and isinstance(value, wanted):
        return value
    raise _invalid(value, field, source, f"a {getattr(wanted, '__name__', wanted)}")


def _is_number(wanted: Any) -> bool:
    return wanted in (int, float)


def _invalid(value: object, field: str, source: Source, what: str) -> OptionError:
    shown = {None: "null", True: "true", False: "false"}.get(value, value) if isinstance(value, bool | None) else value
    return OptionError(source.said(f"{source.key(field)}={shown} is invalid: it must be {what}."))
