"""From a composed configuration to the settings of an evaluation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from omegaconf import DictConfig, OmegaConf

from harness.cli.compose import value_of
from harness.cli.reading import Source, read_into
from harness.cli.settings_text import choices
from harness.errors import OptionError, UnknownNameError
from harness.inputs.own_data import DataOptions
from harness.protocol import Protocol, named_values
from harness.registry import unknown_name
from harness.settings import Settings


@dataclass(frozen=True)
class EvaluationRequest:
    """What the words of the command line ask to evaluate; proxies None: the default ones."""

    proxies: tuple[str, ...] | None = None
    benches: tuple[str, ...] = ("nats_tss",)
    data_sets: tuple[str, ...] = ("digits",)
    ensembles: tuple[str, ...] | None = None
    settings: Settings = field(default_factory=Settings)


_KEYS = {"proxies": "proxy", "benches": "bench", "data_sets": "dataset", "ensembles": "ensemble"}


def plain_values(config: DictConfig) -> dict[str, Any]:
    """A composed configuration as plain values."""
    values = OmegaConf.to_container(config, resolve=True)
    assert isinstance(values, dict)
    return {str(key): value for key, value in values.items()}


def read_request(config: DictConfig) -> EvaluationRequest:
    """What a composed configuration requests; keys that are no settings of an evaluation are left aside.

    Raises:
        HarnessError: for values that are invalid.
    """
    values = plain_values(config)
    asked = {key: values[key] for key in _KEYS.values() if key in values}
    return read_into(EvaluationRequest, {**asked, "settings": settings_of(values)}, Source(keys=_KEYS))


def settings_of(values: Mapping[str, Any]) -> Settings:
    """Settings from a configuration as plain values; what it does not have keeps its default.

    Raises:
        HarnessError: for values that are invalid.
    """
    known = {one.name for one in fields(Settings)}
    options = values.get("options", {})
    if not isinstance(options, Mapping) or not all(isinstance(entry, Mapping) for entry in options.values()):
        raise OptionError("options must name a proxy and its field: +options.NAME.FIELD=VALUE.")
    limit = values.get("timeout_per_network")
    if limit is False or (isinstance(limit, str) and limit.lower() == "off"):
        values = {**values, "timeout_per_network": None}
    return read_into(Settings, {key: value for key, value in values.items() if key in known})


def read_protocol(values: Mapping[str, Any]) -> Protocol:
    """A protocol from plain values.

    Raises:
        HarnessError: for values that are invalid.
    """
    return read_into(Protocol, values, Source("protocol."))


def named_protocol(name: str) -> Protocol:
    """The protocol of conf/protocol/<name>.yaml.

    Raises:
        UnknownNameError: there is no such file.
    """
    if name not in choices("protocol"):
        raise UnknownNameError(unknown_name("protocol", name, choices("protocol")))
    return read_protocol(named_values(name))


def data_options(words: Sequence[str]) -> DataOptions:
    """How a user's own data is read, from the words of `--data NAME=VALUE`.

    Raises:
        HarnessError: for a word that is no such pair, an unknown name or an invalid value.
    """
    given: dict[str, object] = {}
    for word in words:
        name, equals, _ = word.partition("=")
        if not equals:
            raise OptionError(f"--data {word} is invalid: it must be NAME=VALUE, as classes=10.")
        try:
            given[name] = value_of(word)
        except ValueError:
            raise OptionError(f"--data {word} is invalid: it must be a number, true, false or a list [a,b].") from None
    return read_into(DataOptions, given, Source("data."))
