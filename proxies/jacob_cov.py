"""Jacobian covariance. Mellor et al., arXiv:2006.04647 (first version); as a proxy: arXiv:2101.08134."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from harness.evidence import InputGradients
from harness.proxy import PROXIES, Proxy, Sees, Undefined
from proxies._correlation import correlations

_OFFSET = 1e-5


@PROXIES.register("jacob_cov")
@dataclass(frozen=True)
class JacobCov(Proxy):
    """Minus the sum of log(v + k) + 1 / (v + k) over the eigenvalues v of the correlation of the Jacobian, k = 1e-5.

    Rows of the Jacobian are the gradients of the summed outputs with respect to each image of one batch; no labels. In
    float64, with a symmetric eigenvalue solver: the authors' np.linalg.eig can return complex numbers, and small
    negative ones whose logarithm is NaN. Undefined if an image has a constant gradient, or if the summed outputs do not
    depend on the images, as in train mode for networks that end in a normalisation: those of TransNAS-Bench-101, for
    which the authors' code correlates rounding errors.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "arXiv:2006.04647"
    sees: ClassVar[Sees] = Sees.LIVE

    def measure(self, gradients: InputGradients) -> float:
        """Higher is better."""
        if gradients.is_rounding:
            raise Undefined("the summed outputs do not depend on the images")
        if len(gradients.rows) < 2:
            raise Undefined("one image correlates with no other")
        matrix = correlations(gradients.rows)
        if np.isnan(matrix).any():
            raise Undefined("the gradient of an image is constant, so it correlates with none")
        eigenvalues = np.linalg.eigvalsh(matrix).clip(min=0)
        return float(-np.sum(np.log(eigenvalues + _OFFSET) + 1 / (eigenvalues + _OFFSET)))
