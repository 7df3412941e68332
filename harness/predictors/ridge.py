"""Ridge regression of the accuracy on standardised features. Hoerl & Kennard, Technometrics 12, 1970."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from harness.errors import OptionError
from harness.predictors.base import PREDICTORS, Model, Predictor

_PENALTIES = (-4.0, 3.0)  # powers of ten


@PREDICTORS.register("ridge")
@dataclass(frozen=True)
class Ridge(Predictor):
    """The accuracy as a linear function of the features, by scikit-learn's RidgeCV.

    The penalty is the one of `n_penalties` from 1e-4 to 1e3 with the smallest leave-one-out error on the trained
    architectures. On logarithms of widths this is FLASH's setting with a simpler function: the predictor of that paper
    is learned from 25 networks (Li et al., arXiv:2108.00568), and its formula was not available here.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "doi:10.1080/00401706.1970.10488634"
    in_units: ClassVar[bool] = True
    smooth: ClassVar[bool] = True
    n_penalties: int = 15

    def __post_init__(self) -> None:
        if self.n_penalties < 1:
            raise OptionError(f"Ridge with n_penalties={self.n_penalties} is invalid: it must be at least 1.")

    def fit(self, features: NDArray[np.float64], accuracies: NDArray[np.float64]) -> Model:
        """See `Predictor`."""
        fitted: Model = make_pipeline(StandardScaler(), RidgeCV(np.logspace(*_PENALTIES, self.n_penalties)))
        fitted.fit(features, accuracies)  # type: ignore[attr-defined]
        return fitted
