"""NN-Degree: links per channel, including those of concatenations. Li et al., FLASH, arXiv:2108.00568."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import ConcatenatingCells
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("nn_degree")
@dataclass(frozen=True)
class NnDegree(Proxy):
    """Sum over cells of w + S / (w d), the average degree of a channel in a cell of w channels and d layers.

    S is the number of links added by concatenating skip connections. The metric is defined for DenseNet-type cells; for
    nodes that sum their inputs, as in NAS-Bench-201, it is undefined, and so it is on every included benchmark. A
    search space with such cells describes them in `concatenating_cells`. The formula is unverified: it was written from
    memory, because paper and code were not available.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2108.00568"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, dense: ConcatenatingCells) -> float:
        """Higher is better."""
        return sum(cell.width + cell.n_skip_links / (cell.width * cell.depth) for cell in dense.cells)
