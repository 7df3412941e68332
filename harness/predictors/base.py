"""The interface of predictors: features and accuracies of trained architectures -> a model that scores others."""

from abc import ABC, abstractmethod
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from harness.registry import Registry


class Model(Protocol):
    """What a predictor has learned."""

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scores [n], higher is better, from features [n, n_features] as in `Predictor.fit`."""
        ...


class Predictor(ABC):
    """A predictor is a frozen dataclass in one file; its fields are its options.

    What it learns is in the model that `fit` returns and nowhere else: a predictor that is fitted to some architectures
    knows nothing of those that it was fitted to before. Whoever calls it keeps those that are to be predicted, and all
    that compute the same function, out of `fit`.
    """

    version: ClassVar[int]
    paper: ClassVar[str] = ""
    fewest: ClassVar[int] = 4
    """Fewest trained architectures that it learns from."""
    in_units: ClassVar[bool] = False
    """Whether it predicts accuracies in their unit, from features of any scale, as `nas-harness predict` compares them;
    the others predict an order, from ranks."""
    smooth: ClassVar[bool] = False
    """Whether what it predicts is a differentiable function of the features, as optimisers by gradients need."""

    @abstractmethod
    def fit(self, features: NDArray[np.float64], accuracies: NDArray[np.float64]) -> Model:
        """A model of trained architectures.

        Args:
            features: [n, n_features] one column per proxy, in (0, 1]: the architecture's rank among all candidates,
                divided by their number; 1 is the highest score, ties share the mean. Of a predictor that is
                `in_units`, any numbers.
            accuracies: [n] higher is better, all finite.
        """


def centred_ranks(accuracies: NDArray[np.float64]) -> NDArray[np.float64]:
    """The target of regressions: ranks [n] of accuracies less their mean, over n; in [-.5, .5].

    With the accuracy itself, a prediction would contain the mean of the training architectures, which is high where
    that of the others is low.
    """
    ranks = stats.rankdata(accuracies)
    return np.asarray((ranks - ranks.mean()) / ranks.size)


PREDICTORS: Registry[type[Predictor]] = Registry("predictor", "harness.predictors")
