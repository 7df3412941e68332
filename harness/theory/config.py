"""From the configuration of `python -m harness.theory` to its settings."""

from pathlib import Path

from omegaconf import DictConfig

from harness.cli.config import plain_values
from harness.cli.reading import read_into
from harness.theory.settings import TheorySettings


def read_theory(config: DictConfig) -> TheorySettings:
    """The settings of a composed configuration.

    Raises:
        HarnessError: for values that are invalid.
    """
    return read_into(TheorySettings, plain_values(config))


def expanded(path: Path | None) -> Path | None:
    """The path with ~ replaced by the home folder."""
    return None if path is None else path.expanduser()
