"""Number of linear regions: expressivity of TE-NAS. Chen et al., ICLR 2021, arXiv:2102.11535."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import LinearRegionsSeen
from harness.proxy import PROXIES, Proxy, Sees, require_positive


@PROXIES.register("linear_regions")
@dataclass(frozen=True)
class LinearRegions(Proxy):
    """The number of different activation patterns that a batch of N(0,1) images has, at most n_images.

    The authors' search feeds 3,000 images of 1 x 3 x 3 to a network of one channel and one cell per stage. On the
    benchmarks' own networks, as in the comparison of AZ-NAS (arXiv:2403.19232) whose batch of 64 is the default, nearly
    every image lies in a region of its own, and nearly every network has the highest score; smaller images (`size`; 0
    stands for the data set's) tell more apart. Dead ReLUs count, as published.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2102.11535"
    sees: ClassVar[Sees] = Sees.ALL

    n_images: int = 64
    size: int = 0

    def __post_init__(self) -> None:
        require_positive(self, "n_images")

    def measure(self, regions: LinearRegionsSeen) -> float:
        """Higher is better."""
        return regions.count(self.n_images, self.size)
