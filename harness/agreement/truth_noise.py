"""Noise of the truth: what training the same networks again would do to tau, where a whole space was evaluated.

Canonical-equal architectures that were trained separately, or seeds, show how far accuracies move; the deviations of
repeated trainings, each from the mean of its own and scaled by sqrt(m / (m - 1)), are a pool from which an architecture
draws among those of its neighbours in accuracy, since weak networks vary more than strong ones. Trainings are
independent, so the variance of tau is the sum over architectures of what moving each one alone does to it (the first
term of Efron and Stein's decomposition, Annals of Statistics 9, 1981), found on a random part of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from harness.agreement.correlation import Pairs, untied
from harness.randomness import derive_seed

N_DRAWS = 8
MOST_MOVED = 512
_BUDGET = 8_000_000  # moved architectures times all of them
_NEIGHBOURS = 25
FEWEST_DEVIATIONS = 20


@dataclass(frozen=True, eq=False)
class TruthNoise:
    """Deviations (n,) of single trainings, in the truth's unit, sorted by the accuracies (n,) that they are from."""

    accuracies: NDArray[np.float64]
    deviations: NDArray[np.float64]

    @classmethod
    def of_classes(cls, truth: ArrayLike, classes: ArrayLike) -> "TruthNoise | None":
        """From canonical-equal architectures trained separately; None where they share one training or are too few.

        Args:
            truth: (n_rows,) NaN where unknown.
            classes: (n_rows,) canonical class, any labels.
        """
        frame = pd.DataFrame({"truth": np.asarray(truth, dtype=np.float64), "class": np.asarray(classes)}).dropna()
        grouped = frame.groupby("class")["truth"]
        size, mean = grouped.transform("size"), grouped.transform("mean")
        several = size > 1
        size, mean, own = size[several], mean[several], frame["truth"][several]
        return cls._of(mean.to_numpy(), ((own - mean) * np.sqrt(size / (size - 1))).to_numpy())

    @classmethod
    def of_seeds(cls, truth_by_seed: Sequence[ArrayLike]) -> "TruthNoise | None":
        """From the seeds whose mean is the truth: deviations of one seed, over the root of their number."""
        seeds = np.array([np.asarray(column, dtype=np.float64) for column in truth_by_seed])
        if len(seeds) < 2:
            return None
        seeds = seeds[:, ~np.isnan(seeds).any(axis=0)]
        mean = seeds.mean(axis=0)
        deviations = (seeds - mean) / np.sqrt(len(seeds) - 1)
        return cls._of(np.tile(mean, len(seeds)), deviations.ravel())

    @classmethod
    def _of(cls, accuracies: NDArray[np.float64], deviations: NDArray[np.float64]) -> "TruthNoise | None":
        if accuracies.size < FEWEST_DEVIATIONS or not np.any(np.abs(deviations) > 1e-9):
            return None
        order = np.argsort(accuracies, kind="stable")
        return cls(accuracies[order], deviations[order])

    def draws(self, accuracies: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
        """(n, N_DRAWS) accuracies that networks of these accuracies (n,) might have had in another training."""
        near = np.searchsorted(self.accuracies, accuracies)[:, None]
        chosen = near + random.integers(-_NEIGHBOURS, _NEIGHBOURS, (accuracies.size, N_DRAWS))
        return np.asarray(accuracies[:, None] + self.deviations[np.clip(chosen, 0, self.deviations.size - 1)])

    def shifts(self, pairs: Pairs, truth: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n_moved, N_DRAWS) changes of tau when one architecture alone is trained again.

        Pairs with the same rows move the same architectures by as much, so that shifts can be subtracted.

        Args:
            pairs: scores and truth.
            truth: (n_rows,) accuracies of the original rows.
        """
        accuracies = truth[pairs.rows]
        n_rows = accuracies.size
        weights = np.ones(n_rows) if pairs.weights is None else pairs.weights
        random = np.random.default_rng(derive_seed("truth noise", str(n_rows)))
        n_moved = min(n_rows, MOST_MOVED, max(_BUDGET // n_rows, 32))
        moved = np.sort(random.permutation(n_rows)[:n_moved])
        drawn = self.draws(accuracies[moved], random)
        spread = (untied(pairs.scores, weights) @ weights) * (untied(pairs.truth, weights) @ weights)
        found = np.empty(drawn.shape)
        values = np.concatenate([drawn, accuracies[moved][:, None]], axis=1)
        # Ascending truth: rows below a value come first, rows above it last.
        starts, ends = (np.searchsorted(accuracies, values, side=side) for side in ("left", "right"))
        for row, (at, low, high) in enumerate(zip(moved, starts.min(axis=1), ends.max(axis=1), strict=True)):
            # Rows beyond all of its values are on the same side of each, and change nothing.
            signed = np.sign(pairs.scores[at] - pairs.scores[low:high]) * weights[low:high]
            below = np.concatenate([np.zeros(1), np.cumsum(signed)])
            concordance = below[starts[row] - low] - (below[-1] - below[ends[row] - low])
            found[row] = 2 * weights[at] * (concordance[:-1] - concordance[-1])
        return found / np.sqrt(spread)


def error_of(shifts: NDArray[np.float64], n_rows: int) -> float:
    """Standard error from the changes (n_moved, N_DRAWS) by a part of n_rows architectures."""
    return float(np.sqrt(shifts.var(axis=1, ddof=1).mean() * n_rows))
