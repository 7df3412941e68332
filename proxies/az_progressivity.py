"""Progressivity of AZ-NAS: whether each cell increases expressivity. Lee and Ham, CVPR 2024, arXiv:2403.19232."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from harness.evidence import CellFeatures
from harness.proxy import PROXIES, Proxy, Sees, require_positive


@PROXIES.register("az_progressivity")
@dataclass(frozen=True)
class AzProgressivity(Proxy):
    """The smallest increase in entropy from one cell's features to the next (s^P in the paper); see `az_expressivity`.

    As in the authors' code, -inf if some features are constant.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2403.19232"
    sees: ClassVar[Sees] = Sees.LIVE

    n_images: int = 64

    def __post_init__(self) -> None:
        require_positive(self, "n_images")

    def measure(self, cells: CellFeatures) -> float:
        """Higher is better."""
        entropies = cells.statistics(self.n_images).entropies
        if any(math.isnan(entropy) for entropy in entropies):
            return -math.inf
        return min(after - before for before, after in pairwise(entropies))
