"""A record as JSON Schema (draft 2020-12), made from the dataclasses that read it, so that the two cannot differ."""

import dataclasses
import inspect
from collections.abc import Mapping
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from harness.records.record import FORMAT, Record

_SCALARS: Mapping[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}


def record_schema() -> dict[str, object]:
    """The schema of record.json in the format that is written."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A record of the leaderboard"}
    made = schema | _object(Record)
    made["properties"] |= {"format": {"const": FORMAT}}  # type: ignore[operator]
    return made


def _object(kind: type[Any]) -> dict[str, object]:
    types = get_type_hints(kind)
    fields = dataclasses.fields(kind)
    required = [
        field.name
        for field in fields
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    return {
        "type": "object",
        "description": " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split()),
        "properties": {field.name: _schema(types[field.name]) for field in fields},
        "required": required,
        "additionalProperties": False,
    }


def _schema(wanted: Any) -> dict[str, object]:
    origin, inner = get_origin(wanted), get_args(wanted)
    if wanted in (Any, object):
        return {}
    if origin in (Union, UnionType):
        return {"anyOf": [_schema(member) for member in inner]}
    if origin is tuple:
        return {"type": "array", "items": _schema(inner[0]), "minItems": 1}
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": _schema(inner[1])}
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        return _object(wanted)
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return {"enum": [member.value for member in wanted]}
    return {"type": _SCALARS[wanted]}
