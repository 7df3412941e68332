"""Pearson correlations of the rows of a matrix, shared by the proxies of the Jacobian."""

import numpy as np
from numpy.typing import NDArray
from torch import Tensor


def correlations(rows: Tensor) -> NDArray[np.float64]:
    """Correlations [n, n] between rows [n, m], in float64; NaN where a row is constant."""
    values = rows.double().cpu().numpy()
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.atleast_2d(np.corrcoef(values)), dtype=np.float64)
