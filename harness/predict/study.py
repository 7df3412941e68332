"""Each model fitted to draws of n trained networks and measured on all that are no copies of these."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.agreement import correlations
from harness.errors import OptionError
from harness.evaluation.evaluation_set import EvaluationSet
from harness.predict.features import FeatureTable
from harness.predict.settings import Model
from harness.predictors.base import Model as Fitted
from harness.progress import Progress
from harness.randomness import derive_seed

FEWEST_LEFT = 20


@dataclass(frozen=True, eq=False)
class Known:
    """The networks whose truth is known: they are trained in a draw, or predicted.

    Attributes:
        evaluated: of these networks alone.
        features: by name of the set.
    """

    evaluated: EvaluationSet
    features: Mapping[str, FeatureTable]

    @cached_property
    def classes(self) -> NDArray[np.intp]:
        """Labels 0, 1, ... of isomorphism classes, [n]."""
        return np.unique(np.array(self.evaluated.classes), return_inverse=True)[1]

    @cached_property
    def first_of_class(self) -> NDArray[np.bool_]:
        """Whether each is the first of its class, [n]."""
        found = np.zeros(self.classes.size, dtype=bool)
        found[np.unique(self.classes, return_index=True)[1]] = True
        return found

    @property
    def values(self) -> NDArray[np.float64]:
        """The truth, as in its table, [n]."""
        return self.evaluated.values

    @property
    def sign(self) -> int:
        """1 where a higher truth is better, otherwise -1."""
        return 1 if self.evaluated.truth.higher_is_better else -1

    def __len__(self) -> int:
        return len(self.evaluated.archs)


@dataclass(frozen=True, eq=False)
class Drawn:
    """A model fitted to the networks `trained` (rows of `Known`), and what it predicts of all, in the truth's unit."""

    model: Model
    n: int
    draw: int
    trained: NDArray[np.intp]
    fitted: Fitted
    predicted: NDArray[np.float64]


def refuse_too_many(n: Sequence[int], known: int, truth: str) -> None:
    """Nothing, if enough networks are left to predict.

    Raises:
        OptionError: if not.
    """
    if max(n) > known - FEWEST_LEFT:
        raise OptionError(
            f"n={max(n)} is invalid: truth={truth} is known of {known:,} networks, {FEWEST_LEFT} of which must be left "
            f"to be predicted, so that n is at most {max(known - FEWEST_LEFT, 0):,}."
        )


def draws(known: Known, models: Sequence[Model], numbers: Sequence[int], design: tuple[int, int]) -> Iterator[Drawn]:
    """Every model fitted to every draw of every number; `design` is (number of draws, seed).

    Draws are uniform without replacement over the known networks, whatever a budget says, nested in n, and equal for
    all models. A predictor of orders is fitted to accuracies where higher is better.
    """
    n_draws, seed = design
    with Progress("predictors", len(numbers) * n_draws * len(models), "fits") as progress:
        for draw in range(n_draws):
            order = np.random.default_rng(derive_seed("predict", seed, draw)).permutation(len(known))
            for n in numbers:
                trained = order[:n]
                for model in models:
                    values = known.features[model.features].values
                    predictor = model.make()
                    sign = 1 if predictor.in_units else known.sign
                    fitted = predictor.fit(values[trained], sign * known.values[trained])
                    predicted = np.asarray(fitted.predict(values), dtype=np.float64) * sign
                    yield Drawn(model, n, draw, trained, fitted, predicted)
                    progress.advance()


def measured(known: Known, drawn: Drawn) -> dict[str, object]:
    """One row of predictor.csv, over the networks of whose class none was trained.

    `tau`, `rho` give each name one vote, `tau_networks` each class one; `r2` and `rmse`, in the truth's unit, are those
    of predictors of accuracies.
    """
    rest = ~np.isin(known.classes, known.classes[drawn.trained])
    truth, predicted = known.values[rest], drawn.predicted[rest]
    row: dict[str, object] = {"n": drawn.n, "draw": drawn.draw, "predictor": drawn.model.predictor}
    row |= {"features": drawn.model.features, "learned_from": drawn.n, "n_predicted": int(rest.sum())}
    if drawn.model.make().in_units:
        residual = float(((truth - predicted) ** 2).mean())
        row |= {"r2": 1 - residual / float(truth.var()), "rmse": residual**0.5}
    else:
        row |= {"r2": np.nan, "rmse": np.nan}
    if np.ptp(predicted) == 0:
        return row | {"tau": 0.0, "rho": 0.0, "tau_networks": 0.0}
    both = correlations(predicted, truth)
    networks = rest & known.first_of_class
    tau_networks = correlations(drawn.predicted[networks], known.values[networks]).tau
    return row | {"tau": both.tau, "rho": both.rho, "tau_networks": tau_networks}


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Per number and model: the median of R2 and RMSE with the 5 and 95 % quantiles, the mean of the others."""
    found = []
    for (n, predictor, features), own in rows.groupby(["n", "predictor", "features"], sort=False):
        row: dict[str, object] = {"n": n, "predictor": predictor, "features": features, "draws": len(own)}
        for name in ("r2", "rmse"):
            low, middle, high = own[name].quantile([0.05, 0.5, 0.95])
            row |= {name: middle, f"{name}_low": low, f"{name}_high": high}
        for name in ("tau", "rho", "tau_networks"):
            row[name] = own[name].mean()
        low, high = own["tau"].quantile([0.05, 0.95])
        found.append(row | {"tau_low": low, "tau_high": high})
    return pd.DataFrame(found)
