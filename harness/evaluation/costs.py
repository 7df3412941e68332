"""Costs: quantities that a budget limits or a searcher minimises, known without running a network."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError, OptionError
from harness.proxy import PROXIES, baseline_names
from harness.registry import unknown_name
from harness.scoring import ContextSpec, ScoringRun, Unit, count_units
from harness.scoring.proxy_spec import ProxySpec
from harness.space import Architecture, space_of
from harness.store import OK, Score
from harness.truth import Truth


class Cost(ABC):
    """A number per architecture, lower is better; NaN if undefined. Values are cached."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._known: dict[Architecture, float] = {}

    def of(self, archs: Sequence[Architecture]) -> NDArray[np.float64]:
        """The costs of some architectures, float64 [n]."""
        new = [arch for arch in dict.fromkeys(archs) if arch not in self._known]
        if new:
            self._known |= dict(zip(new, self._compute(new), strict=True))
        return np.array([self._known[arch] for arch in archs], dtype=np.float64)

    @abstractmethod
    def _compute(self, archs: Sequence[Architecture]) -> Iterable[float]: ...


class Counts:
    """Registered counts, which need no forward pass, computed together because they share the layers they count."""

    def __init__(self, names: Sequence[str], context: ContextSpec) -> None:
        self._run = ScoringRun(context, tuple(map(ProxySpec, names)), None)
        self._known: dict[Architecture, dict[str, Score]] = {}

    def of(self, name: str, archs: Sequence[Architecture]) -> list[float]:
        """One count of some architectures.

        Raises:
            HarnessError: if it fails on one of them.
        """
        specs = self._run.specs
        wanted = {arch for spec in specs for arch in self._run.scored_as(spec, archs)} - self._known.keys()
        units = [Unit(arch, "all", specs) for arch in sorted(wanted)]
        self._known |= {unit.arch: found for unit, found in count_units(self._run.context, units)}
        (spec,) = (spec for spec in specs if spec.name == name)
        return [self._value(name, arch) for arch in self._run.scored_as(spec, archs)]

    def _value(self, name: str, arch: Architecture) -> float:
        score = self._known[arch][name]
        if score.status != OK:
            raise HarnessError(f"{name} cannot be used as a cost: it failed on {arch} with: {score.reason}.")
        (value,) = score.components.values()
        return value


class Count(Cost):
    """One count: params, flops, depth, ..."""

    def __init__(self, name: str, counts: Counts) -> None:
        super().__init__(name)
        self._counts = counts

    def _compute(self, archs: Sequence[Architecture]) -> Iterable[float]:
        return self._counts.of(self.name, archs)


class OfSpace(Cost):
    """A count defined by the search space itself."""

    def __init__(self, name: str, context: ContextSpec) -> None:
        super().__init__(name)
        self._space, self._data_set = space_of(context.bench), context.find_data_set()

    def _compute(self, archs: Sequence[Architecture]) -> Iterable[float]:
        return [self._space.costs(arch, self._data_set)[self.name] for arch in archs]


class Measured(Cost):
    """A column of the benchmark's ground truth for which lower is better: a latency or an energy."""

    def __init__(self, name: str, context: ContextSpec, truth: Truth) -> None:
        super().__init__(name)
        self._context, self._truth = context, truth

    def _compute(self, archs: Sequence[Architecture]) -> Iterable[float]:
        return list(self._truth.values(archs, self._context.data_set, self.name))


def open_costs(names: Sequence[str], context: ContextSpec, truth: Truth | None = None) -> dict[str, Cost]:
    """Costs by name: registered counts, what the space counts, or columns of truth where lower is better.

    Args:
        names: which costs.
        context: where.
        truth: of the benchmark, where it is open already; None: what there is of it is opened.

    Raises:
        OptionError: for any other name.
    """
    counts = baseline_names()
    space = space_of(context.bench)
    others = set(names) - set(counts)  # for these alone a network is counted, of which a space may know the names only
    counted = space.costs(space.start, context.find_data_set()) if others else {}
    of_space = [name for name in counted if name not in counts]
    truth = truth or _truth_here(context.bench)
    columns = {} if truth is None else _measured(truth, context.data_set)
    known = [*counts, *of_space, *columns]
    wanted = dict.fromkeys(names)
    together = Counts([name for name in wanted if name in counts], context)
    found: dict[str, Cost] = {}
    for name in wanted:
        if name in counts:
            found[name] = Count(name, together)
        elif name in of_space:
            found[name] = OfSpace(name, context)
        elif name in columns:
            found[name] = Measured(name, context, columns[name])
        elif name in PROXIES:
            raise OptionError(
                f"{name} cannot be a budget or be minimised, because it needs a forward pass; {', '.join(known)} can."
            )
        else:
            raise OptionError(unknown_name("count or cost", name, known))
    return found


def _truth_here(bench: str) -> Truth | None:
    try:
        return Truth.open(bench)
    except HarnessError:  # no truth at hand: there are still the counts
        return None


def _measured(truth: Truth, data_set: str) -> dict[str, Truth]:
    return {column.name: truth for column in truth.columns(data_set) if not column.higher_is_better}


@dataclass(frozen=True, eq=False)
class Budget:
    """The upper limits, by cost. An architecture with an unknown cost is over budget."""

    limits: Mapping[Cost, float] = field(default_factory=dict)

    def fits(self, archs: Sequence[Architecture]) -> NDArray[np.bool_]:
        """Which architectures are within all limits, bool [n]."""
        found = np.ones(len(archs), dtype=bool)
        for cost, limit in self.limits.items():
            found &= cost.of(archs) <= limit
        return found

    def require_some(self, archs: Sequence[Architecture]) -> NDArray[np.int64]:
        """Which of all architectures of a listed space are within all limits, as official indices.

        Raises:
            OptionError: if there are none.
        """
        found = np.flatnonzero(self.fits(archs))
        if not found.size:
            raise OptionError(f"{self.text} cannot be met: {self.least(archs)}. Give a larger budget.")
        return found

    def refusal(self, bench: str, archs: Sequence[Architecture]) -> OptionError:
        """The error for a space that is too large to list, after `archs` were drawn and none was within the limits."""
        return OptionError(
            f"None of {len(archs):,} architectures drawn from {bench} meets {self.text}: {self.least(archs)}. "
            "Give a larger budget, or start within it: search=evolution start=ARCHITECTURE."
        )

    @property
    def text(self) -> str:
        """The limits as written on the command line."""
        return " ".join(f"budget.{cost.name}={limit:g}" for cost, limit in self.limits.items())

    def excess(self, arch: Architecture) -> str:
        """The costs of an architecture that are limited, in words."""
        return ", ".join(f"its {cost.name} is {cost.of([arch])[0]:,g}" for cost in self.limits)

    def least(self, archs: Sequence[Architecture]) -> str:
        """The smallest costs among some architectures, in words."""
        least = [f"the smallest {cost.name} is {np.nanmin(cost.of(archs)):,g}" for cost in self.limits]
        together = ", and no architecture is within all limits at once" if len(least) > 1 else ""
        return " and ".join(least) + together
