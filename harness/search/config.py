"""From the command line to the settings of a search."""

from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from harness.cli.config import boolean, integer, names, optional_integer, quoted, settings_of
from harness.errors import OptionError
from harness.search.search import SearchSpec
from harness.search.settings import ALONE, SearchSettings
from harness.searchers import SEARCHERS

CONFIG = "search"


def admitted(words: Sequence[str]) -> list[str]:
    """The arguments in Hydra's syntax: budgets as new keys, because any count can have one, and `start` quoted."""
    return [f"++{word}" if word.startswith("budget.") else word for word in quoted(words, "start")]


def read_search(config: DictConfig) -> tuple[SearchSpec, SearchSettings]:
    """The search specification and settings of a composed configuration.

    Raises:
        OptionError: for invalid values.
    """
    values = OmegaConf.to_container(config, resolve=True)
    assert isinstance(values, dict)
    search_spec = SearchSpec(
        searchers=tuple(names("search", values["search"])),
        proxies=tuple(names("proxy", values["proxy"])),
        benches=tuple(names("bench", values["bench"])),
        data_sets=tuple(names("dataset", values["dataset"])),
    )
    options = values["options"]
    of_searchers = {name: entry for name, entry in options.items() if name in SEARCHERS}
    base = settings_of({**values, "options": {n: entry for n, entry in options.items() if n not in of_searchers}})
    settings = SearchSettings(
        base=base,
        ensembles=(ALONE,) if values["ensemble"] is None else tuple(names("ensemble", values["ensemble"])),
        steps=integer("steps", values["steps"]),
        population=optional_integer("population", values["population"]),
        evaluations=optional_integer("evaluations", values["evaluations"]),
        budget=_budget(values["budget"]),
        minimised=() if values["minimise"] is None else tuple(names("minimise", values["minimise"])),
        start=None if values["start"] is None else str(values["start"]),
        deduplicate=boolean("deduplicate", values["deduplicate"]),
        proxy_seed=None if values["proxy_seed"] == "own" else integer("proxy_seed", values["proxy_seed"]),
        searcher_options=of_searchers,
    )
    return search_spec, settings


def _budget(values: object) -> dict[str, float]:
    if not isinstance(values, dict):
        raise OptionError(
            f"budget={values} is invalid: give the name of a count and its upper limit, such as budget.flops=600e6."
        )
    return {str(name): _number(f"budget.{name}", value) for name, value in values.items()}


def _number(key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise OptionError(f"{key}={value} is invalid: it must be a number.")
    return float(value)
