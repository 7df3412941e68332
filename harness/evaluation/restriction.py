"""Restrictions: the part of a space that a file allows, by positions, names and costs on a data set."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from harness.errors import HarnessError, OptionError, UnknownNameError
from harness.evaluation.costs import Budget, open_costs
from harness.evaluation.restriction_file import Limits, RestrictionFile, read_restriction
from harness.inputs import DataSet
from harness.registry import unknown_name
from harness.scoring import ContextSpec
from harness.settings import Settings
from harness.space import Architecture, SearchSpace
from harness.space.positions import Position
from harness.space.restricted import Part, Test


@dataclass(frozen=True, eq=False)
class Restriction:
    """The architectures of a space that a restriction file allows on one data set.

    An architecture is inside if the name that it has is: what its positions hold, and its own counts with dead
    operations. A canonical form stands for all names of one network, so among canonical forms alone (`population=
    canonical`) it counts as inside if any of these names is inside: see `forms`.
    """

    file: RestrictionFile
    part: Part
    budget: Budget

    def inside(self, archs: Sequence[Architecture]) -> NDArray[np.bool_]:
        """Which architectures are inside, bool [n]."""
        return self.part.inside(archs)

    def require_some(self) -> NDArray[np.int64]:
        """The official indices of the listed architectures inside, ascending.

        Raises:
            OptionError: if there are none, saying what is missed.
        """
        index = self.part.index
        if index.size:
            return index
        space = self.part.space
        without = Part(space, self.part.allowed, self._names)
        left = [space.architectures[row] for row in without.index]
        what = "trained architecture" if not space.complete else "architecture"
        if left and self.budget.limits:
            raise OptionError(
                self.file.said(f"{self.budget.text} leaves no {what} of {space.name}: {self.budget.least(left)}.")
            )
        raise OptionError(
            self.file.said(f"it leaves no {what} of {space.name}: none holds all that it allows at once.")
        )

    @property
    def _names(self) -> tuple[Test, ...]:
        """The tests but that of the budget, which is last."""
        return self.part.tests[: len(self.part.tests) - bool(self.budget.limits)]

    @cached_property
    def forms(self) -> frozenset[Architecture]:
        """The canonical forms of the listed architectures inside."""
        space = self.part.space
        return frozenset(space.canonical_forms([space.architectures[row] for row in self.part.index]))

    def reasons(self, arch: Architecture) -> Iterator[str]:
        """Why an architecture is outside, in words: "its 0-1 is none"; nothing if it is inside."""
        for position, values in zip(self.part.space.positions, self.part.space.values_at(arch), strict=True):
            allowed = self.part.allowed.get(position.name)
            wrong = [] if allowed is None else [value for value in values if value not in allowed]
            if wrong:
                yield f"its {position.name} is {', '.join(wrong)}"
        if not all(test([arch])[0] for test in self._names):
            yield "it is not among archs"
        if not self.budget.fits([arch])[0]:
            yield self.budget.excess(arch)

    @property
    def record(self) -> dict[str, object]:
        """What run.json keeps of it: the file, its sha256 and what it said."""
        said = {name: value for name, value in asdict(self.file.wanted).items() if value}
        return {"file": str(self.file.path), "sha256": self.file.sha256, "wanted": said}


def open_restriction(space: SearchSpace, data_set: DataSet, settings: Settings) -> Restriction | None:
    """The restriction that `restrict=` names for a space on a data set; None without one.

    Raises:
        MissingDataError: if there is no such file.
        CorruptDataError: if it cannot be read.
        OptionError: if it is of another benchmark or restricts nothing, and for a value that a position does not have.
        UnknownNameError: for a position, value, count or architecture that the space does not have.
    """
    if settings.restrict is None:
        return None
    file = read_restriction(settings.restrict)
    if file.wanted.bench not in (space.name, space.word):
        raise OptionError(
            file.said(
                f"it restricts {file.wanted.bench}, but bench={space.word} is asked for; a file is of one benchmark."
            )
        )
    allowed = _allowed(file, space)
    tests: list[Test] = []
    try:
        if file.wanted.archs:
            listed = frozenset(space.find(word) for word in file.wanted.archs)
            tests.append(lambda archs: np.array([arch in listed for arch in archs], dtype=np.bool_))
        costs = {}
        if file.wanted.budget:
            costs = open_costs(list(file.wanted.budget), ContextSpec.of(space, data_set, settings, settings.seed))
    except HarnessError as error:
        raise type(error)(file.said(str(error))) from None
    budget = Budget({costs[name]: limit for name, limit in file.wanted.budget.items()})
    if budget.limits:
        tests.append(budget.fits)
    return Restriction(file, Part(space, allowed, tuple(tests), f"restrict={file.path}"), budget)


def _allowed(file: RestrictionFile, space: SearchSpace) -> dict[str, frozenset[str]]:
    """The values that allow, fix and ranges leave together, by position."""
    wanted = file.wanted
    named = [*wanted.allow, *wanted.fix, *wanted.ranges]
    positions = {position.name: position for position in space.positions}
    if named and not positions:
        raise OptionError(
            file.said(
                f"{space.name} names no positions, so that allow, fix and ranges say nothing about it; list its "
                "architectures under archs, or limit a count under budget."
            )
        )
    found: dict[str, frozenset[str]] = {}
    for name in dict.fromkeys(named):
        if name not in positions:
            raise UnknownNameError(file.said(unknown_name(f"position of {space.name}", name, list(positions))))
        position = positions[name]
        left = frozenset(position.values)
        for values in (wanted.allow.get(name), (wanted.fix[name],) if name in wanted.fix else None):
            if values is not None:
                left &= _known(file, position, values)
        if name in wanted.ranges:
            left &= _within(file, position, wanted.ranges[name])
        if not left:
            raise OptionError(file.said(f"nothing is left at {name}; its values are {', '.join(position.values)}."))
        found[name] = left
    return found


def _known(file: RestrictionFile, position: Position, values: tuple[str, ...]) -> frozenset[str]:
    for value in values:
        if value not in position.places:
            kind = f"value of {position.name}"
            raise UnknownNameError(file.said(unknown_name(kind, value, list(position.values))))
    return frozenset(values)


def _within(file: RestrictionFile, position: Position, limits: Limits) -> frozenset[str]:
    if not position.is_numeric:
        raise OptionError(
            file.said(
                f"ranges.{position.name} is invalid: its values are no numbers but {', '.join(position.values)}; name "
                "those that are wanted under allow."
            )
        )
    low = -np.inf if limits.min is None else limits.min
    high = np.inf if limits.max is None else limits.max
    return frozenset(value for value in position.values if low <= int(value) <= high)
