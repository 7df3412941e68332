"""How people write the cells of NATS-Bench topology, which are those of NAS-Bench-201 in the same official order."""

import re
from typing import TYPE_CHECKING

from benchmarks.cell_graph import NONE, SKIP
from benchmarks.cell_notations import CellNotations
from benchmarks.edge_notations import NASLIB_EDGES, EdgeWriting
from harness.space import Architecture, Notation

if TYPE_CHECKING:
    from benchmarks.nats_tss.space import NatsTss

NASLIB_OPERATIONS = (SKIP, NONE, "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3")
"""By NASLib's index."""

_NASLIB_NAMES = {"ReLUConvBN3x3": "nor_conv_3x3", "ReLUConvBN1x1": "nor_conv_1x1", "AvgPool1x1": "avg_pool_3x3"}
_STRUCTURE = re.compile(r"Structure\((?:\d+ nodes with)?(.*)\)", re.DOTALL)
_EDGE = re.compile(r"\|([^|~+]*)~", re.ASCII)


def notations(space: "NatsTss") -> tuple[Notation, ...]:
    """Those of NASLib, of the authors' logs, and of AutoDL-Projects, besides string and index."""
    writing = EdgeWriting(space.edges, space.operations, _NASLIB_NAMES)
    cells = CellNotations(space, writing)

    def of_structure(text: str) -> Architecture | None:
        found = _STRUCTURE.fullmatch(text.strip())
        inner = found[1] if found else text
        arch = space.read_official(inner)
        if arch is None and (found or inner.count("|") > len(space.edges)):
            for word in _EDGE.findall("".join(inner.split())):
                writing.operation(word)  # raises for one that is misspelt
        return arch if found else None

    return (
        Notation(
            "structure",
            "the repr in the logs of NAS-Bench-201's authors: Structure(4 nodes with |...|+|...|+|...|)",
            of_structure,
            lambda arch: f"Structure({space.n_nodes} nodes with {arch})",
        ),
        cells.tuples(
            "naslib",
            "NASLib's tuple of operations on the edges 01 02 03 12 13 23: 0 skip, 1 none, 2 conv 3x3, 3 conv 1x1, "
            "4 avg pool",
            NASLIB_OPERATIONS,
            NASLIB_EDGES,
        ),
        cells.dictionaries(
            "a dictionary from edge to operation, nodes from 0 or 1: {(0, 1): 'nor_conv_3x3', ...}, also '0-1', '1<-0' "
            "and NASLib's names"
        ),
        cells.lists(
            "for each node after the first a list of (operation, source), as Structure.nodes: "
            "[[('nor_conv_3x3', 0)], ...]"
        ),
    )
