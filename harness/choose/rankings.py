"""What may rank the pool: each proxy and count, ensembles of them, and predictors that learn from the accuracies."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.choose.pool import Pool
from harness.ensembles import ENSEMBLES
from harness.predictors import PREDICTORS, Predictor

FEWEST_PROXIES = 2  # that an ensemble combines


@dataclass(frozen=True, eq=False)
class Rankings:
    """All rankings of a pool.

    Attributes:
        fixed: values [n_pool] by name, higher is better; they know no accuracies.
        learned: predictors by name.
        kinds: by name, "count", "proxy", "ensemble" or "predictor".
    """

    fixed: Mapping[str, NDArray[np.float64]]
    learned: Mapping[str, Predictor]
    kinds: Mapping[str, str]

    @property
    def names(self) -> list[str]:
        """Of all, the fixed ones first."""
        return [*self.fixed, *self.learned]


def rankings_of(pool: Pool, predictors: Mapping[str, Predictor] | None = None) -> Rankings:
    """The rankings of a pool.

    Args:
        pool: with scores.
        predictors: by name; None: all registered ones that predict an order, with their defaults.

    Returns:
        Columns that are constant on the trained architectures are left out: they rank nothing.
    """
    features = pool.features
    kept = {name: at for at, name in enumerate(map(str, pool.scores.columns))}
    fixed = {name: features[:, at] for name, at in kept.items() if np.ptp(features[pool.trained, at]) > 0}
    kinds = {name: "count" if name in pool.counts else "proxy" for name in fixed}
    proxies = [kept[name] for name, kind in kinds.items() if kind == "proxy"]
    if len(proxies) >= FEWEST_PROXIES:
        for name in ENSEMBLES:
            kind = ENSEMBLES.get(name)
            if not kind.needs_truth:
                fixed[name] = kind().combine(features[:, proxies] * len(features), None)
                kinds[name] = "ensemble"
    ranking = [name for name in PREDICTORS if not PREDICTORS.get(name).in_units]
    learned = dict(predictors) if predictors is not None else {name: PREDICTORS.get(name)() for name in ranking}
    if len(kept) < FEWEST_PROXIES:
        learned = {}
    kinds |= dict.fromkeys(learned, "predictor")
    return Rankings(fixed, learned, kinds)
