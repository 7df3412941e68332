"""Rank ridge: a penalised linear combination of the proxies' ranks. Hoerl & Kennard, Technometrics 12, 1970."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from harness.errors import OptionError
from harness.predictors.base import PREDICTORS, Model, Predictor, centred_ranks


@dataclass(frozen=True, eq=False)
class Weights:
    """A linear combination of ranks; `weights` is [n_features]."""

    weights: NDArray[np.float64]

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """See `Model`."""
        return np.asarray(features @ self.weights)


@PREDICTORS.register("rank_ridge")
@dataclass(frozen=True)
class RankRidge(Predictor):
    """Ridge regression of the rank of the accuracy on the proxies' ranks, with weights of any sign.

    The penalty is `penalty` times the mean sum of squares of a feature over the trained architectures, so that it means
    the same whatever their number.
    """

    version: ClassVar[int] = 1
    paper: ClassVar[str] = "doi:10.1080/00401706.1970.10488634"
    penalty: float = 1.0

    def __post_init__(self) -> None:
        if not self.penalty > 0:
            raise OptionError(f"{type(self).__name__} with penalty={self.penalty} is invalid: it must be above 0.")

    def fit(self, features: NDArray[np.float64], accuracies: NDArray[np.float64]) -> Model:
        """See `Predictor`."""
        centred, target, strength = self._prepared(features, accuracies)
        gram = centred.T @ centred + strength * np.eye(features.shape[1])
        return Weights(np.linalg.solve(gram, centred.T @ target))

    def _prepared(
        self, features: NDArray[np.float64], accuracies: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
        """Centred features, the target, and the penalty; one above 0 also where no feature varies."""
        centred = features - features.mean(axis=0)
        scale = float((centred**2).sum() / max(features.shape[1], 1))
        return centred, centred_ranks(accuracies), self.penalty * scale or 1.0


@PREDICTORS.register("positive_ridge")
@dataclass(frozen=True)
class PositiveRidge(RankRidge):
    """`rank_ridge` with weights of 0 or more: every proxy claims that higher is better, which few accuracies test.

    Solved as non-negative least squares (Lawson & Hanson, 1974) with the penalty as further rows.
    """

    def fit(self, features: NDArray[np.float64], accuracies: NDArray[np.float64]) -> Model:
        """See `Predictor`."""
        centred, target, strength = self._prepared(features, accuracies)
        n_features = features.shape[1]
        rows = np.vstack([centred, np.sqrt(strength) * np.eye(n_features)])
        found, _ = nnls(rows, np.concatenate([target, np.zeros(n_features)]))
        return Weights(found)
