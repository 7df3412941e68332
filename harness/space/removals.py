"""Removing edges: an architecture with one edge less, for searches that shrink."""

from dataclasses import dataclass

from harness.space.notation import Architecture


@dataclass(frozen=True)
class Removal:
    """An architecture that is left when an edge is taken away.

    `edge` names the edge, SOURCE-TARGET, by the vertices of the architecture that it is taken from. Where vertices that
    are on no path any more are pruned, other edges go with it, and `n_left` counts those that stay.
    """

    edge: str
    arch: Architecture
    n_left: int
