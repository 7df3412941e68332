"""From the configuration of `python -m harness.theory` to its settings."""

from dataclasses import fields
from pathlib import Path

from omegaconf import DictConfig

from harness.cli.config import plain_values
from harness.cli.reading import Source, read_into
from harness.theory.settings import TheorySettings, ValidationSettings


def read_theory(config: DictConfig) -> TheorySettings:
    """The settings of a composed configuration.

    Raises:
        HarnessError: for values that are invalid.
    """
    values = plain_values(config)
    keys = ValidationSettings.KEYS
    named = [keys.get(field.name, field.name) for field in fields(ValidationSettings)]
    own = {key: values.pop(key) for key in named if key in values}
    return read_into(TheorySettings, {**values, "validation": read_into(ValidationSettings, own, Source(keys=keys))})


def expanded(path: Path | None) -> Path | None:
    """The path with ~ replaced by the home folder."""
    return None if path is None else path.expanduser()
