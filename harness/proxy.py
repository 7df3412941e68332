"""Proxies: evidence -> number; higher means better."""

from abc import ABC
from enum import Enum
from typing import Any, ClassVar, get_type_hints

import pandas as pd

from harness.errors import HarnessError
from harness.evidence import Evidence
from harness.registry import Registry


class Sees(Enum):
    """Whether dead operations change a proxy's value.

    `LIVE` proxies are scored once per canonical form, on a network that executes live operations only; `ALL` proxies
    per architecture, on the network that executes every operation as the official code does.
    """

    LIVE = "live"
    ALL = "all"


class Undefined(Exception):  # noqa: N818  # a stated status, no error
    """Raised by `measure` where the proxy has no value, with the reason; the row says `undefined`."""


class Proxy(ABC):
    """A proxy is a frozen dataclass in one file; its fields are its options.

    The annotations of `measure` name the evidence it is handed. `baseline` marks counts that need no network.
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

    def combine(self, table: pd.DataFrame) -> "pd.Series[float]":
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
            HarnessError: if `measure` is missing or an annotation is no kind of evidence.
        """
        if "measure" not in vars(cls) and not any("measure" in vars(base) for base in cls.__mro__[1:-2]):
            raise HarnessError(f"The proxy class {cls.__name__} has no method measure.")
        hints = get_type_hints(cls.measure)
        hints.pop("return", None)
        for parameter, kind in hints.items():
            if not (isinstance(kind, type) and issubclass(kind, Evidence)):
                raise HarnessError(
                    f"{cls.__name__}.measure asks for '{parameter}: {kind}', which is no kind of evidence; "
                    "annotate it with a class of harness.evidence."
                )
        return hints

    @classmethod
    def uses(cls) -> frozenset[str]:
        """The settings (`inputs`, `protocol`, `seed`) that the proxy's value depends on."""
        return frozenset().union(*(kind.uses for kind in cls.evidence().values()))

    @classmethod
    def runs_network(cls) -> bool:
        """Whether a network is made and run."""
        return any(kind.runs_network for kind in cls.evidence().values())


PROXIES: Registry[type[Proxy]] = Registry("proxy", "proxies", plural="proxies")
