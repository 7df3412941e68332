"""How much of a network of the user's own some evidence saw, so that no number silently leaves out half of it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

_TEXT = re.compile(r"coverage: weights (\S+), activations (\S+)")
_NONE = "-"


@dataclass(frozen=True)
class Coverage:
    """Shares in [0, 1] of what there was to see; None where the evidence is not about it.

    Attributes:
        weights: of the entries of all weights that the output depends on, frozen ones included.
        activations: of the units of all elementwise activations that ran.
    """

    weights: float | None = None
    activations: float | None = None

    @property
    def text(self) -> str:
        """As it is stored beside a score."""
        shown = [_NONE if share is None else f"{share:.6g}" for share in (self.weights, self.activations)]
        return f"coverage: weights {shown[0]}, activations {shown[1]}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The coverage that `text` states; None if it states none."""
        found = _TEXT.fullmatch(text)
        if found is None:
            return None
        try:
            return cls(*(None if share == _NONE else float(share) for share in found.groups()))
        except ValueError:
            return None


def least(coverages: Iterable[Coverage | None]) -> Coverage | None:
    """The smallest share of each kind over several pieces of evidence or networks; None if none states any."""
    known = [one for one in coverages if one is not None]
    if not known:
        return None
    weights = [one.weights for one in known if one.weights is not None]
    activations = [one.activations for one in known if one.activations is not None]
    return Coverage(min(weights, default=None), min(activations, default=None))


def share(seen: float, everything: float) -> float:
    """A share; 1 of nothing."""
    return seen / everything if everything else 1.0
