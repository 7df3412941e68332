"""GradSign by mean: agreement in sign per weight. Zhang and Jia, ICLR 2022, arXiv:2110.08616."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import PerImageGradients
from harness.proxy import PROXIES, Proxy, Sees
from proxies.gradsign import GradSign


@PROXIES.register("gradsign_mean")
@dataclass(frozen=True)
class GradSignMean(Proxy):
    """`gradsign` divided by the number of weights, those of dead layers included: the nanmean of other versions.

    So it is in the authors' `gradsign.py` and in the comparison of AZ-NAS (arXiv:2403.19232). It ranks differently.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2110.08616"
    sees: ClassVar[Sees] = Sees.ALL

    def measure(self, gradients: PerImageGradients) -> float:
        """Higher is better; at most the number of images."""
        return GradSign().measure(gradients) / gradients.n_weights
