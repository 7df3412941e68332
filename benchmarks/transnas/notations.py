"""How people write the architectures of TransNAS-Bench-101 besides its official strings.

NASLib uses one tuple for a micro cell in two ways: its networks are built from the operations Identity, Zero, 3x3, 1x1
on the edges 01 02 03 12 13 23, while its queries of the ground truth write the same six digits into the official string
(naslib/search_spaces/transbench101/conversions.py). A tuple alone says not which is meant, so it is not guessed.
"""

from typing import TYPE_CHECKING

from benchmarks.cell_graph import NONE, SKIP
from benchmarks.cell_notations import CellNotations
from benchmarks.edge_notations import NASLIB_EDGES, EdgeWriting
from benchmarks.literals import whole_numbers
from harness.errors import UnknownNameError
from harness.space import Architecture, Notation

if TYPE_CHECKING:
    from benchmarks.transnas.macro import TransnasMacro
    from benchmarks.transnas.micro import TransnasMicro

_NASLIB_OPERATIONS = (SKIP, NONE, "conv3x3", "conv1x1")
_NAMES = {
    "ReLUConvBN3x3": "conv3x3", "ReLUConvBN1x1": "conv1x1", "nor_conv_3x3": "conv3x3", "nor_conv_1x1": "conv1x1",
}  # fmt: skip
_LONGEST_MACRO = 6


def micro_notations(space: "TransnasMicro") -> tuple[Notation, ...]:
    """NASLib's tuples by both of their meanings, and dictionaries of edges."""
    cells = CellNotations(space, EdgeWriting(space.edges, space.operations, _NAMES))
    return (
        cells.tuples(
            "naslib",
            "NASLib's tuple as its queries of the ground truth read it: the six digits of the official string",
            space.operations,
            space.edges,
        ),
        cells.tuples(
            "naslib_network",
            "NASLib's tuple as its networks are built: operations on the edges 01 02 03 12 13 23, 0 skip, 1 none, "
            "2 conv 3x3, 3 conv 1x1",
            _NASLIB_OPERATIONS,
            NASLIB_EDGES,
        ),
        cells.dictionaries("a dictionary from edge to operation, nodes from 0 or 1: {(0, 1): 'conv3x3', ...}"),
    )


def macro_notations(space: "TransnasMacro") -> tuple[Notation, ...]:
    """NASLib's tuple."""

    def of_tuple(text: str) -> Architecture | None:
        numbers = whole_numbers(text)
        if numbers is None:
            return None
        arch = f"64-{''.join(str(number) for number in numbers if number)}-basic"
        if arch not in space:
            raise UnknownNameError("it must have four to six modules, 1 to 4, as one of the official strings does")
        return Architecture(arch)

    def tuple_text(arch: Architecture) -> str:
        modules = [int(digit) for digit in arch.split("-")[1]]
        return str(tuple(modules + [0] * (_LONGEST_MACRO - len(modules))))

    words = "NASLib's tuple: the modules' digits, zeros at the end"
    return (Notation("naslib", words, of_tuple, tuple_text),)
