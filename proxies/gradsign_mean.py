"""GradSign, mean over weights: sign agreement of per-image gradients. Zhang and Jia, ICLR 2022, arXiv:2110.08616."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from harness.evidence import Layers, PerImageGradients
from harness.proxy import PROXIES, Proxy, Sees
from proxies.gradsign import GradSign
from proxies.n_weights import NWeights

if TYPE_CHECKING:
    import pandas as pd


@PROXIES.register("gradsign_mean")
@dataclass(frozen=True)
class GradSignMean(Proxy):
    """`gradsign` divided by the number of weights, including those of dead layers: the nanmean of other versions.

    As in the authors' `gradsign.py` and the comparison in AZ-NAS (arXiv:2403.19232). It ranks differently.
    """

    version: ClassVar[int] = 2  # 1 recomputed gradsign for each architecture
    paper: ClassVar[str] = "arXiv:2110.08616"
    sees: ClassVar[Sees] = Sees.ALL

    def parts(self) -> dict[str, Proxy]:
        """The live network suffices, because dead weights have zero gradients."""
        return {"gradsign": GradSign(), "n_weights": NWeights()}

    def measure(self, gradients: PerImageGradients, layers: Layers) -> dict[str, float]:
        """Numerator and denominator."""
        return {"gradsign": GradSign().measure(gradients), "n_weights": float(NWeights().measure(layers)[0])}

    def combine(self, table: "pd.DataFrame") -> "pd.Series[float]":
        """Higher is better; at most the number of images."""
        return table["gradsign"] / table["n_weights"]
