"""AZ-NAS: non-linear rank aggregation of four proxies. Lee and Ham, CVPR 2024, arXiv:2403.19232."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from harness.evidence import CellFeatures, Layers
from harness.proxy import PROXIES, Proxy, Sees, require_positive
from proxies.az_complexity import AzComplexity
from proxies.az_expressivity import AzExpressivity
from proxies.az_progressivity import AzProgressivity
from proxies.az_trainability import AzTrainability

if TYPE_CHECKING:
    import pandas as pd


@PROXIES.register("az_nas")
@dataclass(frozen=True)
class AzNas(Proxy):
    """Sum over four components of log(rank / number of candidates): ranks in the population, ascending, ties share.

    Components are those of `az_expressivity`, `az_progressivity`, `az_trainability` and `az_complexity`. The score is
    relative to the population: scores and ranks change with the sample. The authors include the FLOPs of dead
    operations; here they are excluded, as for all proxies that score the live network.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2403.19232"
    sees: ClassVar[Sees] = Sees.LIVE

    n_images: int = 64

    def __post_init__(self) -> None:
        require_positive(self, "n_images")

    def parts(self) -> dict[str, Proxy]:
        """The four proxies, with the same images."""
        return {**self._of_cells, "complexity": AzComplexity()}

    def measure(self, cells: CellFeatures, layers: Layers) -> dict[str, float]:
        """The four components; higher is better for each."""
        of_cells = {component: part.measure(cells) for component, part in self._of_cells.items()}
        return {**of_cells, "complexity": float(AzComplexity().measure(layers)[0])}

    @property
    def _of_cells(self) -> dict[str, Proxy]:
        return {
            "expressivity": AzExpressivity(self.n_images),
            "progressivity": AzProgressivity(self.n_images),
            "trainability": AzTrainability(self.n_images),
        }

    def combine(self, table: "pd.DataFrame") -> "pd.Series[float]":
        """At most 0; NaN if a component is NaN."""
        return (table.rank() / table.count()).map(math.log, na_action="ignore").sum(axis=1, skipna=False)
