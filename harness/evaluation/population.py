"""Populations: which architectures of a space a statement is about, by name or from a file of architectures."""

from collections import Counter
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.columns import ARCH
from harness.errors import OptionError
from harness.evaluation.architecture_file import names_table, read_architecture_file
from harness.evaluation.restriction import Restriction
from harness.registry import unknown_name
from harness.space import Architecture, SearchSpace

CANONICAL = "canonical"


@dataclass(frozen=True, eq=False)
class Population:
    """Some or all architectures of a space.

    `name` is as the setting gives it, `words` say which architectures these are, and `index` int64 [n] are their
    official indices, ascending. `restriction` is what left this part of it; None: it is whole.
    """

    space: SearchSpace
    name: str
    words: str
    index: NDArray[np.int64]
    restriction: Restriction | None = None

    @cached_property
    def archs(self) -> tuple[Architecture, ...]:
        """The architectures, in official order."""
        return tuple(self.space.architectures[row] for row in self.index)

    @cached_property
    def class_size(self) -> Counter[Architecture]:
        """How many architectures of the population each canonical form stands for."""
        return Counter(self.space.canonical_forms(self.archs))


def open_population(space: SearchSpace, name: str) -> Population:
    """The population that `population=NAME` means for a space: one that the space names, or the rows of a file.

    Raises:
        OptionError: for a name that the space does not know.
        CorruptDataError: for a file without architectures.
        MissingDataError: if there is no such file.
        UnknownNameError: for an architecture that the space lacks.
    """
    if names_table(name):
        return _read(space, Path(name))
    if name not in space.populations:
        raise OptionError(
            f"{unknown_name(f'population of {space.name}', name, list(space.populations))} A CSV file with the column "
            f"{ARCH} is a population too: population=architectures.csv."
        )
    return _named(space, name)


def restricted_population(population: Population, restriction: Restriction | None) -> Population:
    """The part of a population that is inside a restriction; without one, the population.

    Of `canonical`, whose architectures stand for networks, those are inside of which any name is.

    Raises:
        OptionError: if none is inside.
    """
    if restriction is None:
        return population
    inside = restriction.require_some()
    if population.name == CANONICAL:
        is_inside = np.array([arch in restriction.forms for arch in population.archs], dtype=np.bool_)
    else:
        is_inside = np.isin(population.index, inside)
    index, file = population.index[is_inside], restriction.file
    if not index.size:
        raise OptionError(file.said(f"none of the population {population.name} of {population.space.name} is inside."))
    words = f"{population.words}, of which {index.size:,} of {population.index.size:,} are inside {file.path.name}"
    name = f"{population.name} within {file.path.name}"
    return Population(population.space, name, words, index, restriction)


@cache
def _named(space: SearchSpace, name: str) -> Population:
    index = np.flatnonzero(space.members(name)).astype(np.int64)
    return Population(space, name, space.populations[name], index)


def _read(space: SearchSpace, file: Path) -> Population:
    rows = read_architecture_file(file.expanduser(), "population=")
    index = np.unique([space.index(arch) for arch in rows.found(space)]).astype(np.int64)
    return Population(space, str(file), f"the {index.size:,} architectures of {file.name}", index)
