"""Settings of a search: those shared with an evaluation, and its own."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.errors import OptionError
from harness.settings import Settings

ALONE = "alone"
_LARGEST_DEFAULT_POPULATION = 512  # arXiv:2301.11300, Algorithm 1


@dataclass(frozen=True)
class SearchSpec:
    """Searchers, objectives, benchmarks and data sets: names, paths of Python files of proxies, and `all`."""

    searchers: tuple[str, ...] = ("evolution",)
    proxies: tuple[str, ...] = ("zico",)
    benches: tuple[str, ...] = ("nats_tss",)
    data_sets: tuple[str, ...] = ("digits",)


@dataclass(frozen=True)
class SearchSettings:
    """Defaults are those of the command line; conf/search.yaml explains each setting.

    Attributes:
        base: seeds, inputs, protocol, store and so on; `seed` and `seeds` are those of the searches.
        ensembles: names of ensembles, and "alone" for each proxy alone.
        budget: upper limit, by name of a count or of a column of ground truth for which lower is better.
        minimised: names of costs that a multi-objective searcher minimises.
        proxy_seed: seed of initial weights and batches; None: each search's own.
        searcher_options: option values by name of searcher.

    Raises:
        OptionError: for an invalid value; the message says what is valid.
    """

    base: Settings = field(default_factory=Settings)
    ensembles: tuple[str, ...] = (ALONE,)
    steps: int = 1000
    population: int | None = None
    evaluations: int | None = None
    budget: Mapping[str, float] = field(default_factory=dict)
    minimised: tuple[str, ...] = ()
    start: str | None = None
    deduplicate: bool = True
    proxy_seed: int | None = 0
    searcher_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("steps", "evaluations"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise OptionError(f"{name}={value} is invalid: it must be at least 1.")
        if self.population is not None and self.population < 2:
            raise OptionError(
                f"population={self.population} is invalid: it must be at least 2, since the smallest score is dropped "
                "from it."
            )
        if self.proxy_seed is not None and self.proxy_seed < 0:
            raise OptionError(f"proxy_seed={self.proxy_seed} is invalid: it must be 0 or more, or own.")
        for name, limit in self.budget.items():
            if not limit > 0:
                raise OptionError(f"budget.{name}={limit:g} is invalid: it must be above 0.")

    @property
    def n_members(self) -> int:
        """The population size: as given, otherwise a tenth of the steps, at least 2 and at most 512."""
        return self.population or max(2, min(self.steps // 10, _LARGEST_DEFAULT_POPULATION))

    def proxy_seed_of(self, seed: int) -> int:
        """The proxies' seed in the search with the given seed."""
        return seed if self.proxy_seed is None else self.proxy_seed
