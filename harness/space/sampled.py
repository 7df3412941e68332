"""Search spaces that are too large to list, of which a benchmark trained a sample."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from random import Random
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.errors import UnknownNameError
from harness.space.notation import Architecture
from harness.space.positions import Position, numbered
from harness.space.search_space import SearchSpace

Choices = tuple[int, ...]
"""What an architecture consists of: one value of each of `SampledSpace.options`."""


class SampledSpace(SearchSpace):
    """A space of independent choices; `architectures` are those that were trained, and only these have an index.

    The other architectures can be named, drawn, mutated and scored. `options` are the values of each choice, and
    `choice_names` what a restriction calls them; without names it has no positions.
    """

    options: ClassVar[Sequence[Sequence[int]]]
    choice_names: ClassVar[Sequence[str]] = ()
    populations: ClassVar[Mapping[str, str]] = {
        "all": "every trained architecture",
        "canonical": "every trained architecture: no two have the same network",
    }

    @abstractmethod
    def choices(self, arch: str) -> Choices:
        """The choices that an official string names.

        Raises:
            ValueError: if it is not an official string.
        """

    @abstractmethod
    def of_choices(self, choices: Choices) -> Architecture:
        """The official string of a choice for each of `options`."""

    @cached_property
    def positions(self) -> Sequence[Position]:
        """One for each of `options`."""
        return numbered(self.choice_names, self.options) if self.choice_names else ()

    def values_at(self, arch: Architecture) -> Sequence[tuple[str, ...]]:
        return [(str(value),) for value in self.choices(arch)] if self.choice_names else ()

    def adapted(self, arch: Architecture, allowed: Mapping[str, frozenset[str]], rng: Random) -> Architecture:
        choices = list(self.choices(arch))
        for at, (position, (value,)) in enumerate(zip(self.positions, self.values_at(arch), strict=True)):
            wanted = allowed.get(position.name)
            if wanted is not None and value not in wanted:
                places = [place for one, place in position.places.items() if one in wanted]
                choices[at] = self.options[at][rng.choice(places)]
        return self.of_choices(tuple(choices))

    @property
    def complete(self) -> bool:
        """Never: the trained architectures are a part of the space."""
        return False

    def __contains__(self, arch: str) -> bool:
        try:
            choices = self.choices(arch)
        except ValueError:
            return False
        valid = len(choices) == len(self.options) and all(map(_is_among, choices, self.options))
        return valid and self.of_choices(choices) == arch

    def index(self, arch: Architecture) -> int:
        """The index of a trained architecture.

        Raises:
            UnknownNameError: if the space lacks it, or if it was not trained.
        """
        found = self.number(arch)
        if found is None:
            raise UnknownNameError(
                f"'{arch}' is in {self.name} but not among the {len(self.architectures):,} trained architectures; only "
                "these have a number and ground truth."
            )
        return found

    def number(self, arch: Architecture) -> int | None:
        return self._places.get(self.check(arch))

    def canonical(self, arch: Architecture) -> Architecture:
        """`arch` itself: no two of these architectures have the same layers."""
        return self.check(arch)

    def random(self, rng: Random) -> Architecture:
        """An architecture whose choices are drawn uniformly and independently, trained or not."""
        return self.of_choices(tuple(rng.choice(values) for values in self.options))

    def neighbours(self, arch: Architecture) -> Sequence[Architecture]:
        """One choice changed to any other value."""
        choices = self.choices(self.check(arch))
        return tuple(
            self.of_choices((*choices[:at], value, *choices[at + 1 :]))
            for at, values in enumerate(self.options)
            for value in values
            if value != choices[at]
        )

    def nearest(self, arch: Architecture, n: int) -> list[tuple[Architecture, int]]:
        """The `n` trained architectures that differ in the fewest choices, with that number; ties in official order."""
        differing = (self._trained != np.array(self.choices(self.check(arch)))).sum(axis=1)
        rows = np.argsort(differing, kind="stable")[:n]
        return [(self.architectures[row], int(differing[row])) for row in rows]

    @cached_property
    def _trained(self) -> NDArray[np.int64]:
        """The choices of the trained architectures, [n_trained, n_choices]."""
        return np.array([self.choices(arch) for arch in self.architectures], dtype=np.int64)


def _is_among(value: int, values: Sequence[int]) -> bool:
    return value in values
