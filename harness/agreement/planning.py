"""How many architectures an interval of a given width takes, from a pilot.

A correlation's variance on m architectures, from the influence psi of each (times the number of rows, so that it does
not depend on it): V / m for rows that are drawn one by one, V being the mean of psi**2. Architectures of one canonical
class move together; two drawn ones are of one class the more often the more are drawn, which adds K (1 - 1/m), K being
the mean of psi_i psi_j over all pairs, 0 for a pair of two classes. So:

    generalisation   V / m + K (1 - 1 / m)         its limit, K, is what no number of architectures goes below
    sampling         V / m (1 - m / N)             nothing is left where the whole space was evaluated
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.agreement.interval import LEVEL


@dataclass(frozen=True)
class Components:
    """What the variance of a correlation, or of a difference of two, is made of.

    Attributes:
        of_rows: V.
        within_classes: K.
        n_population: N, architectures of the whole space.
    """

    of_rows: float
    within_classes: float
    n_population: int

    @classmethod
    def of(cls, influence: NDArray[np.float64], classes: NDArray[np.intp], n_population: int) -> "Components":
        """Components from a pilot: the influence (n,) of each of its rows, and their canonical classes (n,)."""
        psi = influence * influence.size
        squares = float((psi**2).sum())
        summed = float((np.bincount(classes, weights=psi) ** 2).sum())
        n_pairs = influence.size * (influence.size - 1)
        return cls(squares / influence.size, max(summed - squares, 0.0) / n_pairs, n_population)

    def generalisation(self, n: int) -> float:
        """Width of the 95 % interval over other architectures of the kind, on n."""
        return _width(self.of_rows / n + self.within_classes * (1 - 1 / n))

    def sampling(self, n: int) -> float:
        """Width of the 95 % interval for the whole space, on n of it."""
        return _width(self.of_rows / n * (1 - n / self.n_population))

    def n_for_generalisation(self, width: float) -> int | None:
        """Fewest architectures whose interval is at most `width` wide; None where the whole space does not suffice."""
        return self._fewest(self.generalisation, width)

    def n_for_sampling(self, width: float) -> int:
        """Fewest architectures whose sampling interval is at most `width` wide."""
        found = self._fewest(self.sampling, width)
        assert found is not None
        return found

    def _fewest(self, width_of: Callable[[int], float], width: float) -> int | None:
        if width_of(self.n_population) > width:
            return None
        low, high = 1, self.n_population
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if width_of(middle) <= width else (middle + 1, high)
        return low


def _width(variance: float) -> float:
    return 2 * float(stats.norm.ppf((1 + LEVEL) / 2)) * math.sqrt(max(variance, 0.0))
