"""From a composed configuration to the settings of a search."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from omegaconf import DictConfig

from harness.cli.config import plain_values, settings_of
from harness.cli.reading import Source, read_into
from harness.errors import OptionError
from harness.search.settings import SearchSettings, SearchSpec
from harness.searchers import SEARCHERS

_SPEC_KEYS = {"searchers": "search", "proxies": "proxy", "benches": "bench", "data_sets": "dataset"}
_KEYS = {"ensembles": "ensemble", "minimised": "minimise"}
_UNSET = ("ensemble", "minimise")  # null is the default, no value


@dataclass(frozen=True)
class SearchRequest:
    """What is searched for where, and how."""

    search_spec: SearchSpec
    settings: SearchSettings


def read_search(config: DictConfig) -> SearchRequest:
    """What a composed configuration asks for.

    Raises:
        HarnessError: for values that are invalid.
    """
    values = plain_values(config)
    spec = read_into(SearchSpec, {key: values[key] for key in _SPEC_KEYS.values()}, Source(keys=_SPEC_KEYS))
    own = {_KEYS.get(field.name, field.name) for field in fields(SearchSettings)} - {"base", "searcher_options"}
    given = {key: value for key, value in values.items() if key in own and not (key in _UNSET and value is None)}
    if given["proxy_seed"] == "own":
        given["proxy_seed"] = None
    if not isinstance(values["budget"], Mapping):
        raise OptionError(
            f"budget={values['budget']} is invalid: it must name a count and its largest value: budget.flops=600e6."
        )
    options: dict[str, Any] = values["options"]
    of_searchers = {name: entry for name, entry in options.items() if name in SEARCHERS}
    of_base = {key: value for key, value in values.items() if key != "population"}  # here it is that of the searcher
    base = settings_of({**of_base, "options": {n: entry for n, entry in options.items() if n not in of_searchers}})
    made = {**given, "base": base, "searcher_options": of_searchers}
    return SearchRequest(spec, read_into(SearchSettings, made, Source(keys=_KEYS)))
