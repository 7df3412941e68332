"""Predictors: proxies' scores and the accuracies of trained architectures -> scores of the others.

One file each, registered automatically. All that learns from ground truth is here, so that it can be named wherever it
is used: the ensemble `fitted` cross-fits a predictor, `nas-harness choose` compares them with rankings that learn
nothing, and `nas-harness predict` says how well they predict from how many trained networks.
"""

from harness.predictors.base import PREDICTORS as PREDICTORS
from harness.predictors.base import Model as Model
from harness.predictors.base import Predictor as Predictor
