"""TE-NAS: ranks by NTK condition number and by linear regions. Chen et al., ICLR 2021, arXiv:2102.11535."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from harness.evidence import LinearRegionsSeen, TangentKernel
from harness.proxy import PROXIES, Proxy, Sees, require_positive
from proxies.linear_regions import LinearRegions
from proxies.ntk_cond import NtkCondition

if TYPE_CHECKING:
    import pandas as pd


@PROXIES.register("te_nas")
@dataclass(frozen=True)
class TeNas(Proxy):
    """Sum of the ranks of `ntk_cond` and `linear_regions` in the population, ascending, average ranks for ties.

    The authors rank the operations of a supernet that they prune; ranking architectures follows the comparison in
    AZ-NAS (arXiv:2403.19232), which uses 64 images for both, and train_mode=True. The score is relative to the
    population: it changes with the sample.
    """

    version: ClassVar[int] = 2  # 1 recomputed its parts for each architecture
    paper: ClassVar[str] = "arXiv:2102.11535"
    sees: ClassVar[Sees] = Sees.ALL

    n_images_tangent: int = 72
    n_images_regions: int = 64
    size: int = 0
    train_mode: bool = False

    def __post_init__(self) -> None:
        require_positive(self, "n_images_tangent", "n_images_regions")

    def parts(self) -> dict[str, Proxy]:
        """The condition number is that of the live network, because dead weights have zero gradients."""
        return {"ntk_cond": self._condition, "linear_regions": self._regions}

    def measure(self, tangent: TangentKernel, regions: LinearRegionsSeen) -> dict[str, float]:
        """The two components; higher is better for each."""
        return {"ntk_cond": self._condition.measure(tangent), "linear_regions": self._regions.measure(regions)}

    @property
    def _condition(self) -> NtkCondition:
        return NtkCondition(self.n_images_tangent, self.train_mode)

    @property
    def _regions(self) -> LinearRegions:
        return LinearRegions(self.n_images_regions, self.size)

    def combine(self, table: "pd.DataFrame") -> "pd.Series[float]":
        """Between 2 and twice the number of architectures; NaN if a component is NaN."""
        return table.rank().sum(axis=1, skipna=False)
