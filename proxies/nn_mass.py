"""NN-Mass: how densely the channels of a cell are linked. Bhardwaj, Li and Marculescu, CVPR 2021, arXiv:1910.00780."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import ConcatenatingCells
from harness.proxy import PROXIES, Proxy, Sees


@PROXIES.register("nn_mass")
@dataclass(frozen=True)
class NnMass(Proxy):
    """Sum over cells of density * w * d, for cells of w channels and d layers.

    The density of a cell is the number of older channels that its layers read by skip connections, over the number that
    they could read: (i - 1) w for the layers i = 2 to d - 1. A cell of fewer than three layers has nothing to skip and
    counts 0, and so does a chain without skips. As in the authors' code for DenseNet-type cells (model_zoo.py of
    SLDGroup/NN_Mass); for sums of inputs, as in NAS-Bench-201, it is undefined, and so it is on every included
    benchmark. A search space with such cells describes them in `concatenating_cells`.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:1910.00780"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, dense: ConcatenatingCells) -> float:
        """Higher is better; between 0 and the sum of w d."""
        total = 0.0
        for cell in dense.cells:
            readable = cell.width * (cell.depth - 1) * (cell.depth - 2) // 2
            n_read = cell.n_skip_links / cell.width
            total += n_read / readable * cell.width * cell.depth if readable > 0 else 0
        return total
