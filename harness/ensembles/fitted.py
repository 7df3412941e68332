"""Fitted ensemble: extremely randomised trees (Machine Learning 63, 2006) over the proxies' ranks, cross-fitted."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import GroupKFold

from harness.ensembles.base import ENSEMBLES, Ensemble, Known
from harness.proxy import Undefined


@ENSEMBLES.register("fitted")
@dataclass(frozen=True)
class Fitted(Ensemble):
    """Each architecture's accuracy as predicted by scikit-learn's extra trees fitted to the other folds.

    Architectures with the same canonical form are in one fold, so that neither an architecture's own accuracy nor that
    of an isomorphic one contributes to its score. Folds depend only on canonical forms. The target is the rank of the
    accuracy among the training rows minus the mean rank: with the accuracy itself, each fold's prediction would
    contain the mean of the other folds, which is high if that of the fold is low.

    Unlike a proxy, it needs trained networks, so its tau is not a training-free result: it measures the joint
    information of the proxies, given n_folds - 1 of n_folds of the sample's ground truth.
    """

    version: ClassVar[int] = 1
    needs_truth: ClassVar[bool] = True
    n_folds: int = 5
    n_trees: int = 100
    min_leaf: int = 5

    def combine(self, ranks: NDArray[np.float64], known: Known | None) -> NDArray[np.float64]:
        assert known is not None  # because it needs ground truth
        n_groups = np.unique(known.groups).size
        if n_groups < self.n_folds:
            raise Undefined(f"{n_groups} different networks cannot be dealt into {self.n_folds} folds")
        features = ranks / len(ranks)
        found = np.full(len(ranks), np.nan)
        for others, fold in GroupKFold(self.n_folds).split(features, groups=known.groups):
            training = others[~np.isnan(known.truth[others])]
            if training.size < 2 * self.min_leaf:
                raise Undefined(f"{training.size} networks with truth are too few to learn from: {2 * self.min_leaf}")
            target = stats.rankdata(known.truth[training])
            model = ExtraTreesRegressor(self.n_trees, min_samples_leaf=self.min_leaf, random_state=0)
            model.fit(features[training], (target - target.mean()) / training.size)
            found[fold] = model.predict(features[fold])
        return found
