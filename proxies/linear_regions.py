"""Number of linear regions: expressivity of TE-NAS. Chen et al., ICLR 2021, arXiv:2102.11535."""

from dataclasses import dataclass
from typing import ClassVar

from harness.evidence import LinearRegionsSeen
from harness.proxy import PROXIES, Proxy, Sees, require_positive


@PROXIES.register("linear_regions")
@dataclass(frozen=True)
class LinearRegions(Proxy):
    """The number of distinct activation patterns of a batch of N(0,1) images, at most n_images.

    The authors' search uses 3,000 images of 1 x 3 x 3 and a network with one channel and one cell per stage. On the
    benchmarks' own networks, as in the comparison in AZ-NAS (arXiv:2403.19232), whose batch of 64 is the default,
    nearly every image lies in a region of its own, and nearly every network has the maximum score; smaller images
    (`size`; 0: that of the data set) discriminate better. Dead ReLUs count, as published.
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
