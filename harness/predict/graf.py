"""Features of an architecture's graph, as in GRAF. Kadlecova et al., ICML 2024, arXiv:2404.16551.

For each set of operations: the fewest and the most operations on a path from input to output that is built from the set
alone, and degrees over it: of the output, of the input, and the mean over vertices; and the number of each operation.
Where operations are on vertices, the degree of the input counts the vertices of the set that read it, that of the
output those that it reads. The authors' code also has `none` among the operations, which adds sets but no information.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from harness.space.graph import ArchitectureGraph

NONE = "none"
MOST_OPERATIONS = 8  # of which there are 255 sets
_ENDS = ("input", "output")


@dataclass(frozen=True)
class _Step:
    """An edge with the operation that a path performs along it (None: none), and the one at its source."""

    source: int
    target: int
    operation: str | None
    before: str | None


def operations_of(graphs: Sequence[ArchitectureGraph]) -> tuple[str, ...]:
    """The operations of some graphs, sorted."""
    return tuple(sorted({name for graph in graphs for step in _steps(graph) for name in [step.operation] if name}))


def graf_names(operations: Sequence[str]) -> list[str]:
    """The names of the features, in their order."""
    kinds = ("shortest", "longest", "into output", "out of input", "mean degree")
    of_sets = [f"{kind} ({', '.join(chosen)})" for chosen in _sets(operations) for kind in kinds]
    return [f"number of {name}" for name in operations] + of_sets


def graf_features(graph: ArchitectureGraph, operations: Sequence[str]) -> NDArray[np.float64]:
    """The features of one graph, [n_features] as in `graf_names`.

    Without a path, the fewest operations are one more than there are edges, and the most are 0.
    """
    steps = sorted(_steps(graph), key=lambda step: step.target)
    last, n_vertices = len(graph.vertices) - 1, len(graph.vertices)
    performed = _performed(graph, steps)
    found = [float(performed.count(name)) for name in operations]
    for chosen in map(frozenset, _sets(operations)):
        own = [step for step in steps if step.operation is None or step.operation in chosen]
        shortest, longest = {0: 0}, {0: 0}
        for step in own:
            length = step.operation is not None
            if step.source in shortest:
                short, long = shortest[step.source] + length, longest[step.source] + length
                shortest[step.target] = min(short, shortest.get(step.target, short))
                longest[step.target] = max(long, longest.get(step.target, long))
        into = sum((step.operation or step.before) in chosen for step in steps if step.target == last)
        out = sum((step.operation or step.before) in chosen for step in steps if step.source == 0)
        degree = sum(step.operation in chosen for step in steps) / n_vertices
        found += [shortest.get(last, len(steps) + 1), longest.get(last, 0), into, out, degree]
    return np.array(found, dtype=np.float64)


def _performed(graph: ArchitectureGraph, steps: Sequence[_Step]) -> list[str]:
    if any(edge.label for edge in graph.edges):
        return [step.operation for step in steps if step.operation]
    return [name for name in graph.vertices if name not in _ENDS]


def _sets(operations: Sequence[str]) -> list[tuple[str, ...]]:
    sizes = range(1, len(operations) + 1)
    return [chosen for size in sizes for chosen in combinations(operations, size)]


def _steps(graph: ArchitectureGraph) -> list[_Step]:
    """The edges that carry something; of operations on vertices, each edge performs that of its target."""
    if any(edge.label for edge in graph.edges):
        return [_Step(edge.source, edge.target, edge.label, None) for edge in graph.edges if edge.label != NONE]

    def operation(vertex: int) -> str | None:
        name = graph.vertices[vertex]
        return None if name in _ENDS else name

    return [_Step(edge.source, edge.target, operation(edge.target), operation(edge.source)) for edge in graph.edges]
