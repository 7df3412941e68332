"""Rank sum, as TE-NAS combines its two proxies. Chen et al., ICLR 2021, arXiv:2102.11535."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.ensembles.base import ENSEMBLES, Ensemble, Known


@ENSEMBLES.register("rank_sum")
@dataclass(frozen=True)
class RankSum(Ensemble):
    """Sum over the proxies of the architecture's rank in the pool, 1 the worst."""

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2102.11535"

    def combine(self, ranks: NDArray[np.float64], known: Known | None) -> NDArray[np.float64]:
        return np.asarray(ranks.sum(axis=1))
