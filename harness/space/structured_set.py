"""Sets of architectures that have an inner structure: what they hold where, and how one becomes another."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray

from harness.space.architecture_set import ArchitectureSet
from harness.space.coordinates import Coordinates
from harness.space.notation import Architecture
from harness.space.positions import Position, held_values
from harness.space.removals import Removal


class StructuredSet(ArchitectureSet):
    """Architectures by what they hold at their positions; searches and restrictions need it, evaluations do not."""

    @property
    def positions(self) -> Sequence[Position]:
        """The places of an architecture that a restriction can name, with the values that each can hold.

        Empty unless the space says so: then only names, counts and costs can restrict it.
        """
        return ()

    def values_at(self, arch: Architecture) -> Sequence[tuple[str, ...]]:
        """What an architecture holds at each of `positions`: one value, or those of all parts that share it."""
        return ()

    def values_held(self, archs: Sequence[Architecture]) -> list[NDArray[np.bool_]]:
        """For each of `positions`, whether each architecture holds each value, [n_archs, n_values].

        Large spaces override it with a faster implementation.
        """
        return held_values(self.positions, [self.values_at(arch) for arch in archs])

    def adapted(self, arch: Architecture, allowed: Mapping[str, frozenset[str]], rng: Random) -> Architecture:
        """`arch` with each value that is not allowed at its position replaced by a uniform draw of those that are.

        A space that cannot be listed overrides it, so that few draws are needed for one inside a small part; others
        give `arch` itself.
        """
        return arch

    def mutate(self, arch: Architecture, rng: Random) -> Architecture:
        """A neighbour of `arch`, drawn uniformly; a space overrides it where drawing one is cheaper, or not uniform."""
        return rng.choice(self.neighbours(arch))

    @property
    def has_neighbours(self) -> bool:
        """Whether some architectures are nearer to one than others, so that a search can mutate them."""
        return True

    @abstractmethod
    def neighbours(self, arch: Architecture) -> Sequence[Architecture]:
        """The architectures one mutation away, without `arch` itself."""

    def random(self, rng: Random) -> Architecture:
        """An architecture drawn uniformly."""
        return rng.choice(self.architectures)

    @property
    def coordinates(self) -> Coordinates | None:
        """The architectures as the lattice points of a box; None for a space whose choices have no order."""
        return None

    def removals(self, arch: Architecture) -> Sequence[Removal] | None:
        """The architectures with one edge less, empty where no edge can go; None for a space without edges."""
        return None

    def fullest(self, rng: Random) -> Iterator[Architecture]:
        """Architectures with the most edges, from which `removals` lead down: one that is usual first, then drawn."""
        yield from ()

    def nearest(self, arch: Architecture, n: int) -> Sequence[tuple[Architecture, int]]:
        """The trained architectures nearest to one that was not trained, with their distances; none for most spaces."""
        return ()
