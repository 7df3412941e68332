"""A search space with some of its architectures only: what a searcher proposes from where others are not wanted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from random import Random
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from harness.errors import OptionError
from harness.space.notation import Architecture
from harness.space.removals import Removal
from harness.space.search_space import SearchSpace

_MOST_DRAWS = 2_000
_MOST_MUTATIONS = 100

Test = Callable[[Sequence[Architecture]], NDArray[np.bool_]]
"""Which of some architectures pass, bool [n]."""


@dataclass(frozen=True, eq=False)
class Part:
    """A part of a space.

    Attributes:
        space: the whole space.
        allowed: values by name of a position; an architecture is inside if it holds no others there. Positions that are
            not named hold any.
        tests: what an architecture must pass besides, the cheapest first.
        words: what names the part in messages, such as "restrict=space.yaml".
    """

    space: SearchSpace
    allowed: Mapping[str, frozenset[str]]
    tests: tuple[Test, ...] = ()
    words: str = "the part"

    def inside(self, archs: Sequence[Architecture]) -> NDArray[np.bool_]:
        """Which architectures are inside, by the names that they have, bool [n]."""
        if not self.allowed_places:
            return self._by_tests(archs)
        found = self._by_values(self.space.values_held(archs))
        rows = np.flatnonzero(found)
        found[rows] = self._by_tests([archs[row] for row in rows.tolist()])
        return found

    @cached_property
    def index(self) -> NDArray[np.int64]:
        """The places in `space.architectures` of those inside, ascending."""
        rows = np.flatnonzero(self._by_values(_held_by_all(self.space))) if self.allowed_places else None
        archs = self.space.architectures
        if rows is None:
            return np.flatnonzero(self.inside(archs)).astype(np.int64)
        return rows[self._by_tests([archs[row] for row in rows.tolist()])].astype(np.int64)

    @cached_property
    def allowed_places(self) -> dict[int, NDArray[np.bool_]]:
        """By place of a position that is restricted, which of its values are allowed."""
        return {
            at: np.array([value in self.allowed[position.name] for value in position.values])
            for at, position in enumerate(self.space.positions)
            if position.name in self.allowed
        }

    def _by_values(self, held: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
        """Which architectures hold allowed values only; see `SearchSpace.values_held`."""
        found = np.ones(len(held[0]), dtype=np.bool_)
        for at, allowed in self.allowed_places.items():
            found &= ~held[at][:, ~allowed].any(axis=1)
        return found

    def _by_tests(self, archs: Sequence[Architecture]) -> NDArray[np.bool_]:
        """Which architectures pass all tests; a test sees those that passed the ones before it."""
        found = np.ones(len(archs), dtype=np.bool_)
        for test in self.tests:
            rows = np.flatnonzero(found)
            if rows.size:
                found[rows] = test([archs[row] for row in rows.tolist()])
        return found


@lru_cache(maxsize=4)
def _held_by_all(space: SearchSpace) -> list[NDArray[np.bool_]]:
    """What all listed architectures of a space hold: many parts of one space are made of it."""
    return space.values_held(space.architectures)


class _PartOfSpace:
    """The space of a part, as a searcher sees it; what is not defined here is that of the whole space.

    Canonical forms, counts and networks are those of the whole space: an architecture inside may share its canonical
    form with others that are not.
    """

    def __init__(self, part: Part) -> None:
        self._part, self._whole = part, part.space

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)

    def __contains__(self, arch: str) -> bool:
        return arch in self._whole and bool(self._part.inside([Architecture(arch)])[0])

    @cached_property
    def architectures(self) -> Sequence[Architecture]:
        """The listed architectures inside, in official order."""
        listed = self._whole.architectures
        return tuple(listed[row] for row in self._part.index.tolist())

    @property
    def start(self) -> Architecture:
        """That of the whole space if it is inside, otherwise the first inside."""
        start = self._whole.start
        return start if start in self or not self._whole.enumerable else self.architectures[0]

    def neighbours(self, arch: Architecture) -> Sequence[Architecture]:
        """The neighbours inside, which may be none."""
        found = self._whole.neighbours(arch)
        return tuple(found[row] for row in np.flatnonzero(self._part.inside(found)).tolist())

    def removals(self, arch: Architecture) -> Sequence[Removal] | None:
        """The removals of one edge that stay inside; None in a space without edges."""
        found = self._whole.removals(arch)
        if found is None:
            return None
        inside = self._part.inside([one.arch for one in found])
        return [found[row] for row in np.flatnonzero(inside).tolist()]

    def mutate(self, arch: Architecture, rng: Random) -> Architecture:
        """A mutation inside, as the space draws it; a uniform draw where `arch` has no neighbour inside."""
        for _ in range(_MOST_MUTATIONS):
            changed = self._whole.mutate(arch, rng)
            if self._part.inside([changed])[0]:
                return changed
        found = self.neighbours(arch)
        return rng.choice(found) if found else self.random(rng)

    def random(self, rng: Random) -> Architecture:
        """An architecture inside, drawn uniformly; in a space too large to list as the space draws, then adapted.

        Raises:
            OptionError: in a space that is too large to list, if none of many draws is inside.
        """
        if self._whole.complete:
            return rng.choice(self.architectures)
        for _ in range(_MOST_DRAWS):
            drawn = self._whole.adapted(self._whole.random(rng), self._part.allowed, rng)
            if self._part.inside([drawn])[0]:
                return drawn
        raise OptionError(
            f"None of {_MOST_DRAWS:,} architectures drawn from {self._whole.name} is inside {self._part.words}. "
            "Restrict less, or start inside it: search=evolution start=ARCHITECTURE."
        )


def restricted(part: Part) -> SearchSpace:
    """The space of a part: `architectures`, `random`, `mutate`, `neighbours` and `start` stay inside of it."""
    return cast(SearchSpace, _PartOfSpace(part))
