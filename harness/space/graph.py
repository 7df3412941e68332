"""An architecture as a graph to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class GraphEdge:
    """What flows from one vertex to another; `label` names the operation on the way, `none` one that cuts it.

    It is live if it lies on a path from the network's input to its output.
    """

    source: int
    target: int
    label: str = ""
    live: bool = True


@dataclass(frozen=True)
class ArchitectureGraph:
    """What sets an architecture apart from the others of its space, as a graph to look at.

    `vertices` are labels, input first and output last; every edge leads to a later vertex. `caption` says in one line
    what the graph is a picture of, and what is the same in all architectures.
    """

    vertices: tuple[str, ...]
    edges: tuple[GraphEdge, ...]
    caption: str

    @classmethod
    def chain(cls, vertices: Sequence[str], caption: str) -> Self:
        """Vertices that read one after another."""
        return cls(tuple(vertices), tuple(GraphEdge(at, at + 1) for at in range(len(vertices) - 1)), caption)
