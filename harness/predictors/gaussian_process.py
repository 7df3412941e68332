"""Gaussian process regression of the accuracy. Rasmussen & Williams, MIT Press 2006."""

import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from harness.errors import OptionError
from harness.predictors.base import PREDICTORS, Model, Predictor


@PREDICTORS.register("gaussian_process")
@dataclass(frozen=True)
class GaussianProcess(Predictor):
    """The posterior mean of scikit-learn's GaussianProcessRegressor on standardised features.

    The kernel is a Matern of smoothness 5/2 with one length for all features, and noise; their parameters maximise the
    likelihood of the first `n_tuned` trained architectures, all of which then enter the posterior.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "ISBN:026218253X"
    in_units: ClassVar[bool] = True
    smooth: ClassVar[bool] = True
    n_tuned: int = 200

    def __post_init__(self) -> None:
        if self.n_tuned < 2:
            raise OptionError(f"GaussianProcess with n_tuned={self.n_tuned} is invalid: it must be at least 2.")

    def fit(self, features: NDArray[np.float64], accuracies: NDArray[np.float64]) -> Model:
        """See `Predictor`."""
        scaler = StandardScaler().fit(features)
        scaled = scaler.transform(features)
        start = np.sqrt(features.shape[1])
        kernel = ConstantKernel(1.0) * Matern(start, nu=2.5) + WhiteKernel(0.1)
        few = slice(0, self.n_tuned)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a parameter at its bound is an answer, too
            tuned = GaussianProcessRegressor(kernel, normalize_y=True).fit(scaled[few], accuracies[few])
        if len(features) > self.n_tuned:
            tuned = GaussianProcessRegressor(tuned.kernel_, optimizer=None, normalize_y=True).fit(scaled, accuracies)
        fitted: Model = make_pipeline(scaler, tuned)
        return fitted
