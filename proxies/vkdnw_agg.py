"""VKDNW_agg: rank aggregation of VKDNW with four other proxies. Tybl and Neumann, arXiv:2502.04975."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from harness.evidence import CellFeatures, InputGradients, Layers, LogitFisher, PrivateNetwork
from harness.proxy import PROXIES, Proxy, Sees, require_positive
from proxies.az_expressivity import AzExpressivity
from proxies.az_trainability import AzTrainability
from proxies.flops import Flops
from proxies.jacob_cov import JacobCov
from proxies.n_tensors import NTensors
from proxies.vkdnw_entropy import VkdnwEntropy

if TYPE_CHECKING:
    import pandas as pd


@PROXIES.register("vkdnw_agg")
@dataclass(frozen=True)
class VkdnwAgg(Proxy):
    """Sum over five scores of log(rank / number of candidates), ranks ascending, ties share: as `az_nas` aggregates.

    The scores are `vkdnw` (the sum of its two parts), `jacob_cov`, `az_expressivity`, `az_trainability` and `flops`.
    Which five they are was taken from notes on the paper, not read in it. The score is relative to the population:
    scores and ranks change with the sample. The paper's rows marked `_m` are random forests over 1,024 trained
    networks, not this.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2502.04975"
    sees: ClassVar[Sees] = Sees.ALL

    n_images: int = 64

    def __post_init__(self) -> None:
        require_positive(self, "n_images")

    def parts(self) -> dict[str, Proxy]:
        """The six proxies, those of the authors with the same number of images."""
        return {
            "n_tensors": NTensors(),
            "entropy": VkdnwEntropy(self.n_images),
            "jacob_cov": JacobCov(),
            "expressivity": AzExpressivity(self.n_images),
            "trainability": AzTrainability(self.n_images),
            "flops": Flops(),
        }

    def measure(
        self,
        private: PrivateNetwork,
        fisher: LogitFisher,
        gradients: InputGradients,
        cells: CellFeatures,
        layers: Layers,
    ) -> dict[str, float]:
        """The six components; higher is better for each."""
        return {
            "n_tensors": NTensors().measure(private),
            "entropy": VkdnwEntropy(self.n_images).measure(fisher),
            "jacob_cov": JacobCov().measure(gradients),
            "expressivity": AzExpressivity(self.n_images).measure(cells),
            "trainability": AzTrainability(self.n_images).measure(cells),
            "flops": float(Flops().measure(layers)[0]),
        }

    def combine(self, table: "pd.DataFrame") -> "pd.Series[float]":
        """At most 0; NaN if a component is NaN."""
        of_vkdnw = table["n_tensors"] + table["entropy"]
        scores = table.assign(entropy=of_vkdnw).drop(columns="n_tensors")
        return (scores.rank() / scores.count()).map(math.log, na_action="ignore").sum(axis=1, skipna=False)
