"""How people write the cells of NAS-Bench-101 besides their module hashes: an adjacency matrix with operations.

The keys are those of the official API (`module_adjacency`, `module_operations`), of its `ModelSpec` and of NASLib
(`matrix`, `ops`); NASLib's tuple is the matrix row by row and the operations by index, see
https://github.com/automl/NASLib, naslib/search_spaces/nasbench101/conversions.py.
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from benchmarks.literals import literal, matrix_of, whole_numbers
from benchmarks.nasbench101.cell import CONV_1X1, CONV_3X3, MAX_EDGES, MAX_POOL, MAX_VERTICES, OPERATIONS, pruned
from harness.errors import UnknownNameError
from harness.registry import unknown_name
from harness.space import Architecture, Notation

if TYPE_CHECKING:
    from benchmarks.nasbench101.space import NasBench101

_INPUT, _OUTPUT = "input", "output"
_NASLIB = (_INPUT, _OUTPUT, MAX_POOL, CONV_1X1, CONV_3X3)
_NAMES = {"conv3x3": CONV_3X3, "conv1x1": CONV_1X1, "maxpool": MAX_POOL, "max_pool3x3": MAX_POOL}
_MATRIX_KEYS = ("matrix", "module_adjacency", "adjacency", "adj")
_OPERATION_KEYS = ("ops", "module_operations", "operations")


def notations(space: "NasBench101") -> tuple[Notation, ...]:
    """Matrix and operations as text, and NASLib's tuple, besides hash and index."""

    def of_spec(text: str) -> Architecture | None:
        found = _parts(literal(text)) if text.strip()[:1] in ("{", "(", "[") else None
        return None if found is None else _named(space, *found)

    def of_tuple(text: str) -> Architecture | None:
        numbers = whole_numbers(text)
        n_vertices = 0 if numbers is None else (math.isqrt(1 + 4 * len(numbers)) - 1) // 2
        if numbers is None or n_vertices < 2 or n_vertices * (n_vertices + 1) != len(numbers):
            return None
        matrix = [list(numbers[at * n_vertices : (at + 1) * n_vertices]) for at in range(n_vertices)]
        labels = numbers[n_vertices**2 :]
        if max(max(row) for row in matrix) > 1 or max(labels) >= len(_NASLIB):
            raise UnknownNameError(f"it must be a matrix of 0 and 1, and operations from 0 to {len(_NASLIB) - 1}")
        return _named(space, matrix, [_NASLIB[label] for label in labels])

    def spec_text(arch: Architecture) -> str:
        matrix, operations = _written(space, arch)
        return json.dumps({"matrix": matrix, "ops": operations})

    def tuple_text(arch: Architecture) -> str:
        matrix, operations = _written(space, arch)
        return str((*(entry for row in matrix for entry in row), *map(_NASLIB.index, operations)))

    return (
        Notation(
            "spec",
            'adjacency matrix and operations: {"matrix": [[0, 1, ...], ...], "ops": ["input", ..., "output"]}, also in '
            "two columns of a file",
            of_spec,
            spec_text,
        ),
        Notation(
            "naslib",
            "NASLib's tuple: the matrix row by row, then 0 input, 1 output, 2 max pool, 3 conv 1x1, 4 conv 3x3",
            of_tuple,
            tuple_text,
        ),
    )


def _parts(value: object) -> tuple[list[list[int]], list[str]] | None:
    """Matrix and operations of a dictionary or pair; None if the value is nothing of the kind."""
    if isinstance(value, Mapping):
        matrix = next((value[key] for key in _MATRIX_KEYS if key in value), None)
        operations = next((value[key] for key in _OPERATION_KEYS if key in value), None)
    elif isinstance(value, Sequence) and len(value) == 2:
        matrix, operations = value
    else:
        return None
    if not (isinstance(operations, Sequence) and all(isinstance(name, str) for name in operations)):
        return None
    found = matrix_of(matrix)
    if found is None:
        raise UnknownNameError("its matrix is not a square of 0 and 1")
    return found, list(operations)


def _named(space: "NasBench101", matrix: list[list[int]], operations: list[str]) -> Architecture:
    """The module hash of a graph, pruned as the official API prunes it.

    Raises:
        UnknownNameError: if it is no cell of the space, with the reason alone.
    """
    n_vertices = len(matrix)
    if len(operations) != n_vertices or operations[0] != _INPUT or operations[-1] != _OUTPUT:
        raise UnknownNameError(
            f"its {len(operations)} operations must be input, one for each inner vertex of the {n_vertices}, and output"
        )
    if any(matrix[row][column] for row in range(n_vertices) for column in range(row + 1)):
        raise UnknownNameError("its matrix has an entry on or below the diagonal")
    inner = [_NAMES.get(name, name) for name in operations[1:-1]]
    for name in inner:
        if name not in OPERATIONS:
            raise UnknownNameError(unknown_name("operation", name, list(OPERATIONS)))
    edges = [(row, column) for row in range(n_vertices) for column in range(n_vertices) if matrix[row][column]]
    if n_vertices > MAX_VERTICES:
        raise UnknownNameError(f"it has {n_vertices} vertices; a cell has at most {MAX_VERTICES}")
    cell = pruned(edges, inner)
    if cell is None or len(cell.edges) > MAX_EDGES:
        why = "no path from input to output" if cell is None else f"{len(cell.edges)} edges, more than {MAX_EDGES}"
        raise UnknownNameError(f"it has {why}")
    return space.check(cell.name)


def _written(space: "NasBench101", arch: Architecture) -> tuple[list[list[int]], list[str]]:
    cell = space.cell(arch)
    matrix = [[0] * cell.n_vertices for _ in range(cell.n_vertices)]
    for source, target in cell.edges:
        matrix[source][target] = 1
    return matrix, [_INPUT, *cell.operations, _OUTPUT]
