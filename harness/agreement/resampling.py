"""Bootstrap resamples of clusters of rows (Efron, Annals of Statistics 7, 1979), the same ones for every proxy.

A row of a cluster is drawn with its whole cluster, so architectures that are one network under several names do not
count as independent evidence. One cluster per row is the ordinary bootstrap.

How many replicates: the end of a percentile interval has, over bootstrap seeds, a standard error of
sqrt(.025 * .975 / B) / .058 = 2.67 / sqrt(B) standard errors of the estimate (.058 is the normal density at 1.96):
.084 of it for B = 1,000, .118 for 512, .19 for 200, against a half width of 1.96. Fewer than 200 would be noise; the
largest sample that a budget of 8 million rows pays 200 for has 40,000, and above, intervals come from influences.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from harness.agreement.correlation import Pairs

MOST_REPLICATES = 1_000
FEWEST_REPLICATES = 200
# Rows times replicates: about a second per proxy.
_ROWS_BUDGET = 8_000_000


def default_replicates(n_rows: int) -> int:
    """1,000 replicates up to 8,000 rows, then fewer in proportion to 200 at 40,000; above 0, for none."""
    affordable = _ROWS_BUDGET // max(n_rows, 1)
    return min(affordable, MOST_REPLICATES) if affordable >= FEWEST_REPLICATES else 0


@dataclass(frozen=True)
class Resampling:
    """A plan of resamples: iterating gives the multiplicity (n_rows,) of each row, the same sequence every time.

    Multiplicities are drawn anew at each pass rather than kept: all of a default plan would be 64 MB.

    Attributes:
        cluster: (n_rows,) cluster of each row, 0 ... n_clusters - 1 by first appearance.
        n_replicates: number of resamples.
        seed: seed of the generator; equal seeds and equal numbers of clusters draw equal clusters.
    """

    cluster: NDArray[np.intp]
    n_replicates: int
    seed: int = 0

    @property
    def n_clusters(self) -> int:
        """Number of distinct clusters."""
        return int(self.cluster.max()) + 1 if self.cluster.size else 0

    def __iter__(self) -> Iterator[NDArray[np.intp]]:
        random = np.random.default_rng(self.seed)
        n_clusters = self.n_clusters
        for _ in range(self.n_replicates):
            drawn = random.integers(n_clusters, size=n_clusters)
            yield np.bincount(drawn, minlength=n_clusters)[self.cluster]


def replicates(pairs: Pairs, resampling: Resampling) -> NDArray[np.float64]:
    """(n_replicates, 2) tau-b and rho of each resample; NaN where a resample is constant.

    Two proxies given the same resampling can be compared replicate by replicate.
    """
    values: ArrayLike = [pairs.resampled(multiplicity) for multiplicity in resampling]
    return np.asarray(values, dtype=np.float64).reshape(-1, 2)
