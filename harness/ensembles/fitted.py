"""Fitted ensemble: a predictor over the proxies' ranks, by default extremely randomised trees, cross-fitted."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold

from harness.ensembles.base import ENSEMBLES, Ensemble, Known
from harness.predictors import PREDICTORS, Predictor
from harness.predictors.extra_trees import ExtraTrees
from harness.proxy import Undefined

_TREES = "extra_trees"


@ENSEMBLES.register("fitted")
@dataclass(frozen=True)
class Fitted(Ensemble):
    """Each architecture's accuracy as predicted by a registered predictor that was fitted to the other folds.

    Architectures with the same canonical form are in one fold, so that neither an architecture's own accuracy nor that
    of an isomorphic one contributes to its score. Folds depend only on canonical forms. `n_trees` and `min_leaf` are
    those of the default predictor.

    Unlike a proxy, it needs trained networks, so its tau is not a training-free result: it measures the joint
    information of the proxies, given n_folds - 1 of n_folds of the sample's ground truth.
    """

    version: ClassVar[int] = 1
    needs_truth: ClassVar[bool] = True
    n_folds: int = 5
    n_trees: int = 100
    min_leaf: int = 5
    predictor: str = _TREES

    def __post_init__(self) -> None:
        _ = self._learner

    @property
    def _learner(self) -> Predictor:
        return ExtraTrees(self.n_trees, self.min_leaf) if self.predictor == _TREES else PREDICTORS.get(self.predictor)()

    def combine(self, ranks: NDArray[np.float64], known: Known | None) -> NDArray[np.float64]:
        assert known is not None  # because it needs ground truth
        n_groups = np.unique(known.groups).size
        if n_groups < self.n_folds:
            raise Undefined(f"{n_groups} different networks cannot be dealt into {self.n_folds} folds")
        features = ranks / len(ranks)
        learner = self._learner
        fewest = 2 * self.min_leaf if self.predictor == _TREES else learner.fewest
        found = np.full(len(ranks), np.nan)
        for others, fold in GroupKFold(self.n_folds).split(features, groups=known.groups):
            training = others[~np.isnan(known.truth[others])]
            if training.size < fewest:
                raise Undefined(f"{training.size} networks with truth are too few to learn from: {fewest}")
            found[fold] = learner.fit(features[training], known.truth[training]).predict(features[fold])
        return found
