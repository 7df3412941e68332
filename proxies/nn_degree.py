"""NN-Degree: links per channel, those of concatenation included. Li et al., FLASH, arXiv:2108.00568."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import ConcatenatingCells
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("nn_degree")
@dataclass(frozen=True)
class NnDegree(Proxy):
    """Sum over cells of w + S / (w d), the average degree of a channel in a cell of w channels and d layers.

    S is the number of links that skips by concatenation add. The metric is defined for DenseNet-type cells; where nodes
    sum what they read, as in NAS-Bench-201, it is undefined, and so it is in every benchmark here. A search space that
    has such cells gives them by `concatenating_cells`. The formula is unverified, written from memory: its own text
    and code were not at hand.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2108.00568"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, dense: ConcatenatingCells) -> float:
        """Higher is better."""
        return sum(cell.width + cell.n_skip_links / (cell.width * cell.depth) for cell in dense.cells)
