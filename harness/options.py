"""Options of a plug-in: the fields of its dataclass, as the command line gives them."""

import dataclasses
from collections.abc import Mapping
from typing import Any, get_type_hints

from harness.errors import OptionError, UnknownNameError
from harness.registry import unknown_name

Options = tuple[tuple[str, Any], ...]


def checked_options(kind: str, name: str, plug_in: type, given: Mapping[str, Any]) -> Options:
    """The options that were given, sorted by name; a whole number is taken for a float.

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
    chosen: dict[str, Any] = {}
    for option, value in given.items():
        if option not in fields:
            if not fields:
                raise UnknownNameError(f"The {kind} '{name}' has no options; options.{name}.{option} was given.")
            raise UnknownNameError(unknown_name(f"option of {name}", option, fields))
        wanted = types[option]
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if isinstance(wanted, type) and (
            not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool)
        ):
            raise OptionError(
                f"options.{name}.{option}={value!r} is a {type(value).__name__}; it must be a {wanted.__name__}."
            )
        chosen[option] = value
    return tuple(sorted(chosen.items()))
