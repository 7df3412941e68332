"""Log-rank sum: the non-linear ranking aggregation of AZ-NAS. Lee & Ham, CVPR 2024, arXiv:2403.19232."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from harness.ensembles.base import ENSEMBLES, Ensemble, Known


@ENSEMBLES.register("log_rank_sum")
@dataclass(frozen=True)
class LogRankSum(Ensemble):
    """Sum over the proxies of log(rank / n), rank 1 the worst of n: low ranks weigh more than high ones."""

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2403.19232"

    def combine(self, ranks: NDArray[np.float64], known: Known | None) -> NDArray[np.float64]:
        return np.asarray(np.log(ranks / len(ranks)).sum(axis=1))
