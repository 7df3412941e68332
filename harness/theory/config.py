"""From the configuration of `python -m harness.theory` to its settings."""

from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from harness.errors import OptionError
from harness.theory.settings import TheorySettings


def read_theory(config: DictConfig) -> TheorySettings:
    """The settings of a composed configuration, checked against the types of their fields.

    Raises:
        OptionError: for invalid values.
    """
    known = {field.name for field in fields(TheorySettings)}
    given = {str(key): value for key, value in config.items() if key in known}
    schema = OmegaConf.structured(TheorySettings)
    for node in (schema, *(schema[name] for name in known if OmegaConf.is_config(schema[name]))):
        OmegaConf.set_readonly(node, False)  # otherwise frozen dataclasses cannot be overridden
    try:
        values = OmegaConf.to_container(OmegaConf.merge(schema, given), resolve=True)
    except OmegaConfBaseException as error:
        raise OptionError(f"{error.full_key} is invalid: {str(error).splitlines()[0].rstrip('.')}.") from None
    assert isinstance(values, dict)
    settings: TheorySettings = _made(TheorySettings, values)
    return settings


def _made(kind: type[Any], values: dict[Any, Any]) -> Any:
    """A dataclass from nested dictionaries; lists become tuples, as its fields are typed."""
    made: dict[str, Any] = {}
    for field in fields(kind):
        value = values[field.name]
        if is_dataclass(field.type) and isinstance(field.type, type):
            made[field.name] = _made(field.type, value)
        else:
            made[field.name] = tuple(value) if isinstance(value, list) else value
    return kind(**made)


def expanded(path: Path | None) -> Path | None:
    """The path with ~ replaced by the home folder."""
    return None if path is None else path.expanduser()
