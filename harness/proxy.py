"""Proxies: evidence -> number; higher means better."""

import inspect
from abc import ABC
from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar, get_type_hints

from harness import columns
from harness.errors import HarnessError, OptionError
from harness.evidence import Evidence
from harness.evidence.base import Undefined as Undefined
from harness.registry import Registry

if TYPE_CHECKING:
    import pandas as pd


class Sees(Enum):
    """Whether dead operations change a proxy's value.

    `LIVE` proxies are scored once per canonical form, on a network that executes live operations only; `ALL` proxies
    per architecture, on the network that executes every operation as the official code does.
    """

    LIVE = "live"
    ALL = "all"


def require_positive(proxy: "Proxy", *options: str) -> None:
    """For `__post_init__`: check that options which are numbers are above 0.

    Raises:
        OptionError: naming the option and its value.
    """
    for option in options:
        value = getattr(proxy, option)
        if not value > 0:
            raise OptionError(f"{type(proxy).__name__} with {option}={value} is invalid: it must be above 0.")


class Proxy(ABC):
    """A proxy is a frozen dataclass in one file; its fields are its options.

    The annotations of `measure` name the evidence it is handed. `baseline` marks counts that need no network: nothing
    else says what a baseline is; such a column gets no verdict and is no hypothesis among those that Holm corrects.
    `deterministic` is false for what is measured rather than computed, and comes out a little differently each time.
    """

    version: ClassVar[int]
    paper: ClassVar[str] = ""
    sees: ClassVar[Sees]
    baseline: ClassVar[bool] = False
    deterministic: ClassVar[bool] = True
    min_batches: ClassVar[int] = 1

    measure: ClassVar[Any]
    """`measure(self, evidence, ...) -> float | dict[str, float]`: the score or its components."""

    def parts(self) -> Mapping[str, "Proxy"]:
        """Other registered proxies, each of one component, whose scores are the components of this one, by name.

        Most proxies have none. `measure` gives the same components of one network; an evaluation takes the scores of
        the parts instead, each scored as that part sees networks, so that nothing is computed twice.
        """
        return {}

    def combine(self, table: "pd.DataFrame") -> "pd.Series[float]":
        """Scores from the components (columns) of the whole population (rows); by default the single component.

        Raises:
            HarnessError: if there are several components and the proxy does not say how they combine.
        """
        if len(table.columns) != 1:
            raise HarnessError(
                f"The proxy returned the components {', '.join(table.columns)} but does not say how they combine; "
                "define combine(table)."
            )
        return table.iloc[:, 0]

    @classmethod
    def evidence(cls) -> dict[str, type[Evidence]]:
        """The kinds of evidence that `measure` asks for, by parameter name.

        Raises:
            HarnessError: if `measure` is missing, or a parameter of it is not annotated with a kind of evidence.
        """
        return _evidence_of(cls)

    @classmethod
    def uses(cls) -> frozenset[str]:
        """The settings (`inputs`, `protocol`, `seed`) that the proxy's value depends on."""
        return frozenset().union(*(kind.uses for kind in cls.evidence().values()))

    @classmethod
    def runs_network(cls) -> bool:
        """Whether a network is made and run."""
        return any(kind.runs_network for kind in cls.evidence().values())


@cache  # asked for every architecture, and annotations are slow to resolve
def _evidence_of(proxy: type[Proxy]) -> dict[str, type[Evidence]]:
    if "measure" not in vars(proxy) and not any("measure" in vars(base) for base in proxy.__mro__[1:-2]):
        raise HarnessError(f"The proxy class {proxy.__name__} has no method measure.")
    try:
        hints = get_type_hints(proxy.measure)
    except NameError as error:  # annotations that are strings, as `from __future__ import annotations` makes them all
        raise HarnessError(
            f"{proxy.__name__}.measure is annotated with '{error.name}', which its file does not define; "
            "import it from harness.evidence."
        ) from error
    parameters = [name for name in inspect.signature(proxy.measure).parameters if name != "self"]
    if not parameters:
        raise HarnessError(
            f"{proxy.__name__}.measure takes no evidence; give it a parameter that is annotated with a class of "
            "harness.evidence."
        )
    for parameter in parameters:
        kind = hints.get(parameter)
        if kind is None:
            raise HarnessError(
                f"{proxy.__name__}.measure has no annotation for '{parameter}'; annotate it with a class of "
                f"harness.evidence, such as `{parameter}: WeightGradients`."
            )
        if not (isinstance(kind, type) and issubclass(kind, Evidence)):
            raise HarnessError(
                f"{proxy.__name__}.measure takes '{parameter}: {kind}', which is not a kind of evidence; "
                "annotate it with a class of harness.evidence."
            )
    return {parameter: hints[parameter] for parameter in parameters}


PROXIES: Registry[type[Proxy]] = Registry("proxy", "proxies", plural="proxies")


def is_baseline(name: str, *, version: str = "") -> bool:
    """Whether a column of scores is a baseline: its registered proxy says so.

    Scores computed elsewhere, those of the version `columns.EXTERNAL`, are proxies whatever their name.
    """
    return version != columns.EXTERNAL and name in PROXIES and PROXIES.get(name).baseline


def baseline_names() -> tuple[str, ...]:
    """The registered baselines, in alphabetical order."""
    return tuple(filter(is_baseline, PROXIES))
