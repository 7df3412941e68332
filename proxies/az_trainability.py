"""Trainability of AZ-NAS: whether cells preserve the norm of gradients. Lee and Ham, CVPR 2024, arXiv:2403.19232."""

import math
from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import CellFeatures
from harness.proxy import PROXIES, Proxy, Sees, require_positive


@PROXIES.register("az_trainability")
@dataclass(frozen=True)
class AzTrainability(Proxy):
    """Mean over cells of 2 - s - 1 / (s + 1e-6), s being the cell's gradient gain (s^T in the paper).

    s is the largest singular value of E[g_in g_out^T], with random signs g_out at the cell's output and the resulting
    gradient g_in at its input; the term is maximal, 0, at s = 1. If a cell halves the resolution, the pixels of g_in
    are moved to its channels. As in the authors' code, -inf if a cell is the identity.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2403.19232"
    sees: ClassVar[Sees] = Sees.LIVE

    n_images: int = 64

    def __post_init__(self) -> None:
        require_positive(self, "n_images")

    def measure(self, cells: CellFeatures) -> float:
        """Higher is better; at most about 0."""
        gains = cells.statistics(self.n_images).gains
        mean = sum(2 - gain - 1 / (gain + 1e-6) for gain in gains) / len(gains)
        return -math.inf if math.isnan(mean) else mean
