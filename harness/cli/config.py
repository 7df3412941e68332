"""From the words of the command line to settings. Hydra stops here."""

import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from harness.errors import OptionError
from harness.inputs import InputKind
from harness.paths import conf_folder
from harness.protocol import Mode, Precision, Protocol
from harness.registry import unknown_name
from harness.settings import Settings
from harness.space.initialise import Initialisation

_GROUPS = ("protocol", "recipe", "preset")  # folders of conf/ with one file for each choice

Choice = TypeVar("Choice", bound=Enum)


def check_words(words: Sequence[str], name: str = "config", read: Callable[[DictConfig], object] | None = None) -> None:
    """Compose the words of the command line once, so that a mistake is told in one sentence.

    Args:
        words: the overrides.
        name: of the configuration in conf/, without its suffix.
        read: turns the composed configuration into settings; None: those of an evaluation.

    Raises:
        OptionError: for an unknown key, group or grammar, and for values that cannot work.
    """
    overrides = [word for word in words if not word.startswith("-")]
    try:
        parsed = OverridesParser.create().parse_overrides(overrides)
    except HydraException as error:
        raise OptionError(
            f"The settings {' '.join(overrides)} cannot be read: {_first_line(error)}. Write KEY=VALUE, and put values "
            "with ~, (, = or spaces into quotes twice: 'out=\"my folder\"'."
        ) from None
    swept = [list(override.sweep_string_iterator()) if override.is_sweep_override() else [None] for override in parsed]
    for values in product(*swept):
        chosen = [
            word if value is None else f"{override.get_key_element()}={value}"
            for word, override, value in zip(overrides, parsed, values, strict=True)
        ]
        (read or read_evaluation)(_compose(name, chosen))


def quoted(words: Sequence[str], key: str) -> list[str]:
    """The words with the architecture that `key` names in quotes: its brackets, bars and tildes mean more to Hydra."""
    found = []
    for word in words:
        name, separator, value = word.partition("=")
        bare = name == key and separator and not value.startswith(('"', "'"))
        found.append(f'{key}="{value}"' if bare and value != "null" else word)
    return found


@dataclass(frozen=True)
class EvaluationRequest:
    """What the words of the command line ask to evaluate; proxies None: the default ones."""

    proxies: list[str] | None
    benches: list[str]
    data_sets: list[str]
    ensembles: list[str]
    settings: Settings


def read_words(words: Sequence[str], own: Collection[str]) -> tuple[dict[str, str], EvaluationRequest]:
    """Words of a command that makes evaluations: its own ones as text, and what the others ask for.

    Args:
        words: of the command line.
        own: keys that the command has beside those of an evaluation.

    Raises:
        OptionError: as `check_words`; a sweep is refused.
    """
    given = dict(word.split("=", 1) for word in words if "=" in word and word.split("=", 1)[0] in own)
    rest = [word for word in words if word.partition("=")[0] not in own]
    flags = [word for word in rest if word.startswith("-")]
    if flags:
        raise OptionError(f"{flags[0]} is not known here; write KEY=VALUE. Own settings: {', '.join(sorted(own))}.")
    check_words(rest)
    config = _compose("config", rest)
    proxies, benches, data_sets, settings = read_settings(config)
    return given, EvaluationRequest(proxies, benches, data_sets, read_ensembles(config), settings)


def _compose(name: str, overrides: list[str]) -> DictConfig:
    try:
        with initialize_config_dir(str(conf_folder()), version_base="1.3"):
            return compose(name, overrides)
    except (HydraException, OmegaConfBaseException) as error:
        raise OptionError(_explained(error, name, overrides)) from None
    finally:
        GlobalHydra.instance().clear()


def _explained(error: Exception, name: str, overrides: Sequence[str]) -> str:
    """Hydra's text as one sentence, with the nearest key where one was misspelt."""
    with initialize_config_dir(str(conf_folder()), version_base="1.3"):
        known = sorted(str(key) for key in compose(name))
    GlobalHydra.instance().clear()
    for word in overrides:
        key, _, value = word.lstrip("+~").partition("=")
        if key in _GROUPS:
            files = sorted(file.stem for file in (conf_folder() / key).glob("*.yaml"))
            if value not in files:
                return unknown_name(key, value, files)
        elif key.split(".")[0].split("/")[0] not in known and key.split(".")[0] != "hydra":
            return unknown_name("setting", key, known)
        elif key.startswith("options.") and not word.startswith("+"):
            return f"{word} is to be written with a plus sign: +{word}."
    return f"The settings {' '.join(overrides)} cannot be used: {_first_line(error)}."


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".")


def read_evaluation(config: DictConfig) -> tuple[list[str] | None, list[str], list[str], Settings, list[str]]:
    """What `read_settings` and `read_ensembles` read, together.

    Raises:
        OptionError: for values that cannot work.
    """
    return (*read_settings(config), read_ensembles(config))


def read_settings(config: DictConfig) -> tuple[list[str] | None, list[str], list[str], Settings]:
    """Proxies (None: the default ones), benchmarks, data sets and the other settings of a composed configuration.

    Raises:
        OptionError: for values that cannot work.
    """
    values = OmegaConf.to_container(config, resolve=True)
    assert isinstance(values, dict)
    proxies = None if values["proxy"] is None else names("proxy", values["proxy"])
    return proxies, names("bench", values["bench"]), names("dataset", values["dataset"]), settings_of(values)


def read_ensembles(config: DictConfig) -> list[str]:
    """Ensembles over the proxies of a composed configuration.

    Raises:
        OptionError: for values that cannot work.
    """
    words = OmegaConf.to_container(config, resolve=True)["ensemble"]  # type: ignore[index,call-overload]
    return [] if words is None else names("ensemble", words)


def settings_of(values: dict[Any, Any]) -> Settings:
    """Settings from a configuration as plain values; one that has no sample or scores leaves them at their defaults.

    Raises:
        OptionError: for values that cannot work.
    """
    sample = values.get("sample")
    return Settings(
        sample=sample if sample is None or isinstance(sample, str) else integer("sample", sample),
        sample_seed=integer("sample_seed", values.get("sample_seed", 0)),
        seed=integer("seed", values["seed"]),
        seeds=optional_integer("seeds", values["seeds"]),
        inputs=tuple(choice("inputs", name, InputKind) for name in names("inputs", values["inputs"])),
        truth=None if values["truth"] is None else str(values["truth"]),
        scores=_path(values.get("scores")),
        protocol=read_protocol(values["protocol"]),
        options=_options(values["options"]),
        workers=optional_integer("workers", values["workers"]),
        device=str(values["device"]),
        store=Path(str(values["store"])),
        out=_path(values["out"]),
        resume=boolean("resume", values["resume"]),
        retry=str(values["retry"]).lower(),
        timeout_per_network=_seconds("timeout_per_network", values.get("timeout_per_network", 600.0)),
    )


def read_protocol(values: dict[str, Any]) -> Protocol:
    """A protocol from plain values.

    Raises:
        OptionError: for values that cannot work.
    """
    protocol = Protocol(
        name=str(values["name"]),
        n_batches=integer("protocol.n_batches", values["n_batches"]),
        batch_size=integer("protocol.batch_size", values["batch_size"]),
        init=choice("protocol.init", values["init"], Initialisation),
        dtype=choice("protocol.dtype", values["dtype"], Precision),
        mode=choice("protocol.mode", values["mode"], Mode),
        residuals=boolean("protocol.residuals", values.get("residuals", True)),
        squeeze_excitation=boolean("protocol.squeeze_excitation", values.get("squeeze_excitation", False)),
    )
    return protocol


def _options(values: object) -> dict[str, dict[str, Any]]:
    if not isinstance(values, dict) or not all(isinstance(entry, dict) for entry in values.values()):
        raise OptionError("options must name a proxy and its field: +options.NAME.FIELD=VALUE.")
    return {str(name): dict(entry) for name, entry in values.items()}


def names(key: str, value: object) -> list[str]:
    """A name or a list of names.

    Raises:
        OptionError: if it is neither.
    """
    found = value if isinstance(value, list) else [value]
    if not found or not all(isinstance(name, str) and name for name in found):
        raise OptionError(f"{key}={value} cannot work; it must be a name or a list of names: '{key}=[a,b]'.")
    return [str(name) for name in found]


def integer(key: str, value: object) -> int:
    """A whole number; 1e3 is one.

    Raises:
        OptionError: if it is none.
    """
    if isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, float) and value.is_integer())):
        raise OptionError(f"{key}={value} cannot work; it must be a whole number.")
    return int(value)


def optional_integer(key: str, value: object) -> int | None:
    """A whole number or None.

    Raises:
        OptionError: if it is neither.
    """
    return None if value is None else integer(key, value)


def boolean(key: str, value: object) -> bool:
    """True or false.

    Raises:
        OptionError: if it is neither.
    """
    if not isinstance(value, bool):
        raise OptionError(f"{key}={value} cannot work; it must be true or false.")
    return value


def _seconds(key: str, value: object) -> float | None:
    """Seconds, or None for no limit, which `off` says too."""
    if value is None or value is False or (isinstance(value, str) and value.lower() == "off"):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise OptionError(f"{key}={value} is invalid: it must be a number of seconds, or off for no limit.")
    return float(value)


def _path(value: object) -> Path | None:
    return None if value is None else Path(str(value))


def choice(key: str, value: object, kind: type[Choice]) -> Choice:
    """The member of an enumeration that has a value.

    Raises:
        OptionError: if none has.
    """
    names = [member.value for member in kind]
    if value not in names:
        raise OptionError(unknown_name(f"value of {key}", str(value), names))
    return kind(value)


def command_line() -> list[str]:
    """The words after `python -m harness`."""
    return sys.argv[1:]
