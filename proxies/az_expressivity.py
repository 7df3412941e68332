"""Expressivity of AZ-NAS: isotropy of the features. Lee and Ham, CVPR 2024, arXiv:2403.19232."""

import math
from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import CellFeatures
from harness.proxy import PROXIES, Proxy, Sees, require_positive


@PROXIES.register("az_expressivity")
@dataclass(frozen=True)
class AzExpressivity(Proxy):
    """Sum, over the stem and all cells, of the entropy of the features' principal components (s^E in the paper).

    Features are of N(0,1) images under weights N(0, 2 / fan_in); the entropy is -sum_i p_i log(p_i + 1e-8), p_i being
    the eigenvalues of the covariance of channels, scaled to sum to 1. As in the authors' code, -inf if some features
    are constant.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2403.19232"
    sees: ClassVar[Sees] = Sees.LIVE

    n_images: int = 64

    def __post_init__(self) -> None:
        require_positive(self, "n_images")

    def measure(self, cells: CellFeatures) -> float:
        """Higher is better."""
        total = sum(cells.statistics(self.n_images).entropies)
        return -math.inf if math.isnan(total) else total
