"""GradSign by mean: agreement in sign per weight. Zhang and Jia, ICLR 2022, arXiv:2110.08616."""

from dataclasses import dataclass
from typing import ClassVar

import pandas as pd

from harness.evidence import Layers, PerImageGradients
from harness.proxy import PROXIES, Proxy, Sees
from proxies.gradsign import GradSign
from proxies.n_weights import NWeights


@PROXIES.register("gradsign_mean")
@dataclass(frozen=True)
class GradSignMean(Proxy):
    """`gradsign` divided by the number of weights, those of dead layers included: the nanmean of other versions.

    So it is in the authors' `gradsign.py` and in the comparison of AZ-NAS (arXiv:2403.19232). It ranks differently.
    """

    version: ClassVar[int] = 2  # 1 measured gradsign anew on each architecture
    paper: ClassVar[str] = "arXiv:2110.08616"
    sees: ClassVar[Sees] = Sees.ALL

    def parts(self) -> dict[str, Proxy]:
        """Dead weights have gradients of zero, so gradsign is that of the live network."""
        return {"gradsign": GradSign(), "n_weights": NWeights()}

    def measure(self, gradients: PerImageGradients, layers: Layers) -> dict[str, float]:
        """What is divided, and by what."""
        return {"gradsign": GradSign().measure(gradients), "n_weights": float(NWeights().measure(layers)[0])}

    def combine(self, table: pd.DataFrame) -> "pd.Series[float]":
        """Higher is better; at most the number of images."""
        return table["gradsign"] / table["n_weights"]
