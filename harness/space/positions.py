"""Positions: the places of an architecture that hold one of some values each, by which a restriction names it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Position:
    """A place that holds a value, such as an edge that holds an operation, a block's width or a number of edges.

    Attributes:
        name: as a restriction writes it, such as "0-3".
        values: all that it can hold, in order, as text.
        is_shared: whether several parts of an architecture have a value here, such as all vertices of a cell; it then
            holds several values, or none.
    """

    name: str
    values: tuple[str, ...]
    is_shared: bool = False

    @cached_property
    def is_numeric(self) -> bool:
        """Whether its values are whole numbers, so that they have ranges."""
        return all(value.isdecimal() for value in self.values)

    @cached_property
    def places(self) -> dict[str, int]:
        """The place of each value among `values`."""
        return {value: place for place, value in enumerate(self.values)}


def numbered(names: Sequence[str], options: Sequence[Sequence[int]]) -> tuple[Position, ...]:
    """Positions of numbers: their names, and the values of each."""
    return tuple(Position(name, tuple(map(str, values))) for name, values in zip(names, options, strict=True))


def held_values(positions: Sequence[Position], rows: Sequence[Sequence[tuple[str, ...]]]) -> list[NDArray[np.bool_]]:
    """For each position whether each row, what an architecture holds at all of them, holds each value there.

    Returns:
        One array [n_rows, n_values] per position.
    """
    held = [np.zeros((len(rows), len(position.values)), dtype=np.bool_) for position in positions]
    for at, row in enumerate(rows):
        for of_position, position, values in zip(held, positions, row, strict=True):
            for value in values:
                of_position[at, position.places[value]] = True
    return held
