"""An architecture as a graph for drawing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class GraphEdge:
    """An edge between two vertices; `label` names its operation, `none` the one that outputs zeros.

    It is live if it lies on a path from the network's input to its output.
    """

    source: int
    target: int
    label: str = ""
    live: bool = True


@dataclass(frozen=True)
class ArchitectureGraph:
    """The part of an architecture that differs between architectures of its space, as a graph for drawing.

    `vertices` are labels, input first and output last; every edge leads to a later vertex. `caption` is one line on
    what the graph shows and what all architectures share.
    """

    vertices: tuple[str, ...]
    edges: tuple[GraphEdge, ...]
    caption: str

    @classmethod
    def chain(cls, vertices: Sequence[str], caption: str) -> Self:
        """A chain of vertices."""
        return cls(tuple(vertices), tuple(GraphEdge(at, at + 1) for at in range(len(vertices) - 1)), caption)
