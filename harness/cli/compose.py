"""From words to composed configurations and a run of each: all that the commands know of Hydra."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import product

import hydra
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from harness.cli.commands import Command
from harness.cli.invocation import invoked
from harness.cli.words import SHOWING, as_hydra_reads, split_flags
from harness.errors import HarnessError, OptionError
from harness.paths import conf_folder


class _Mistake(BaseException):
    """A user error on its way through Hydra, which would turn an Exception into a traceback."""

    def __init__(self, error: HarnessError) -> None:
        super().__init__(str(error))
        self.error = error


def run_composed(command: Command, words: Sequence[str]) -> int:
    """Check all words, then have Hydra run the command once, or once per combination with `--multirun`.

    Raises:
        HarnessError: for a user error.
    """
    assert command.config is not None
    flags, rest = split_flags(command, words)
    if any(flag in ("-sc", "--shell-completion") for flag in flags):
        return _run(command, words, lambda config: None)
    overrides = as_hydra_reads(command, rest, sweeps=any(flag in ("-m", "--multirun") for flag in flags))
    composed = composed_configs(command.config, overrides)
    if any(flag.partition("=")[0] in SHOWING for flag in flags):
        return _run(command, [*flags, *overrides], lambda config: None)
    module = import_module(command.module)
    for config in composed:
        module.read(config)
    codes: list[int] = []

    def run(config: DictConfig) -> None:
        try:
            with invoked(command.name, _of_this_run(rest)):
                codes.append(int(module.run(module.read(config)) or 0))
        except HarnessError as error:
            raise _Mistake(error) from error

    ended = _run(command, [*flags, *overrides], run)
    return max([ended, *codes])


def _of_this_run(typed: Sequence[str]) -> list[str]:
    """The words of one run: as typed, or of a multirun the values of this combination."""
    task = HydraConfig.get()
    return [word.removeprefix("++") for word in task.overrides.task] if "MULTIRUN" in str(task.mode) else list(typed)


def _run(command: Command, words: Sequence[str], run: object) -> int:
    decorated = hydra.main(config_path=str(conf_folder()), config_name=command.config, version_base="1.3")(run)  # type: ignore[arg-type]
    with _arguments(words):
        try:
            decorated()
        except _Mistake as mistake:
            raise mistake.error from mistake.error.__cause__
        except SystemExit as end:
            return end.code if isinstance(end.code, int) else int(end.code is not None)
        finally:
            GlobalHydra.instance().clear()
    return 0


@contextmanager
def _arguments(words: Sequence[str]) -> Iterator[None]:
    """The process's words, from which Hydra takes them."""
    before = sys.argv[1:]
    sys.argv[1:] = words
    try:
        yield
    finally:
        sys.argv[1:] = before


def composed_configs(name: str, overrides: Sequence[str]) -> list[DictConfig]:
    """The configuration of conf/<name>.yaml with the overrides; of a sweep, one for each combination.

    Raises:
        OptionError: for bad grammar, and what cannot be composed.
    """
    try:
        parsed = OverridesParser.create().parse_overrides(list(overrides))
    except HydraException as error:
        raise OptionError(
            f"The settings {' '.join(overrides)} cannot be read: {_first_line(error)}. Write KEY=VALUE, and put values "
            "with ~, (, = or spaces into quotes twice: 'out=\"my folder\"'."
        ) from None
    swept = [list(override.sweep_string_iterator()) if override.is_sweep_override() else [None] for override in parsed]
    return [
        _composed(
            name,
            [
                word if value is None else f"{override.input_line.partition('=')[0]}={value}"
                for word, override, value in zip(overrides, parsed, values, strict=True)
                if override.input_line is not None
            ],
        )
        for values in product(*swept)
    ]


def _composed(name: str, overrides: list[str]) -> DictConfig:
    try:
        with initialize_config_dir(str(conf_folder()), version_base="1.3"):
            composed = compose(name, overrides)
            OmegaConf.to_container(composed, resolve=True)  # an interpolation that leads nowhere is reported here
            return composed
    except (HydraException, OmegaConfBaseException) as error:
        raise OptionError(f"The settings {' '.join(overrides)} cannot be used: {_first_line(error)}.") from None
    finally:
        GlobalHydra.instance().clear()


def value_of(word: str) -> object:
    """The value of a word `NAME=VALUE` that is no setting of the configuration, in the same grammar.

    Raises:
        ValueError: if it cannot be read.
    """
    try:
        value: object = OverridesParser.create().parse_override(word).value()
    except HydraException:
        raise ValueError(word) from None
    return value


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")
