"""Random forest regression of the accuracy. Breiman, Machine Learning 45, 2001."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestRegressor

from harness.errors import OptionError
from harness.predictors.base import PREDICTORS, Model, Predictor


@PREDICTORS.register("random_forest")
@dataclass(frozen=True)
class RandomForest(Predictor):
    """The accuracy as predicted by scikit-learn's random forest: on features of the graph, the predictor of GRAF.

    Kadlecova et al., ICML 2024, arXiv:2404.16551, fit it to 32, 128 and 1,024 accuracies.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "doi:10.1023/A:1010933404324"
    in_units: ClassVar[bool] = True
    n_trees: int = 100
    min_leaf: int = 1

    def __post_init__(self) -> None:
        for name in ("n_trees", "min_leaf"):
            if getattr(self, name) < 1:
                raise OptionError(f"RandomForest with {name}={getattr(self, name)} is invalid: it must be at least 1.")

    def fit(self, features: NDArray[np.float64], accuracies: NDArray[np.float64]) -> Model:
        """See `Predictor`."""
        model = RandomForestRegressor(self.n_trees, min_samples_leaf=self.min_leaf, random_state=0)
        fitted: Model = model.fit(features, accuracies)
        return fitted
