"""Extremely randomised trees over the proxies' ranks. Geurts et al., Machine Learning 63, 2006."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesRegressor

from harness.errors import OptionError
from harness.predictors.base import PREDICTORS, Model, Predictor, centred_ranks


@PREDICTORS.register("extra_trees")
@dataclass(frozen=True)
class ExtraTrees(Predictor):
    """The rank of the accuracy as predicted by scikit-learn's extra trees; interactions of proxies count.

    `min_leaf` is the fewest trained architectures in a leaf, so that with few of them a tree is a stump.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "doi:10.1007/s10994-006-6226-1"
    n_trees: int = 50
    min_leaf: int = 5

    def __post_init__(self) -> None:
        for name in ("n_trees", "min_leaf"):
            if getattr(self, name) < 1:
                raise OptionError(f"ExtraTrees with {name}={getattr(self, name)} is invalid: it must be at least 1.")

    def fit(self, features: NDArray[np.float64], accuracies: NDArray[np.float64]) -> Model:
        """See `Predictor`."""
        model = ExtraTreesRegressor(self.n_trees, min_samples_leaf=self.min_leaf, random_state=0)
        model.fit(features, centred_ranks(accuracies))
        fitted: Model = model
        return fitted
