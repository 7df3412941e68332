"""Effects of what an architecture holds at each position: means, the best with it, and shares of variance.

Where the architectures are a full factorial, every combination of values once, the functional analysis of variance is
exact (Hoeffding 1948; Hutter, Hoos, Leyton-Brown, ICML 2014): the variance is a sum over sets of positions. Elsewhere
combinations are missing or unequally frequent, so that only means are given, with an interval over canonical classes.
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from harness.space.positions import Position

N_REPLICATES = 400
_LEVEL = 0.95
_FEWEST_CLASSES = 10

Held = Sequence[NDArray[np.bool_]]
"""For each position, whether each architecture holds each value, [n_archs, n_values]."""


def is_factorial(positions: Sequence[Position], held: Held) -> bool:
    """Whether the architectures are every combination of the values of all positions, each once."""
    if not positions or any(position.is_shared for position in positions):
        return False
    if any((of_position.sum(axis=1) != 1).any() for of_position in held):
        return False
    shape = [of_position.shape[1] for of_position in held]
    cells = np.ravel_multi_index([of_position.argmax(axis=1) for of_position in held], shape)
    return bool(cells.size == np.prod(shape) and np.unique(cells).size == cells.size)


def variance_shares(values: NDArray[np.float64], positions: Sequence[Position], held: Held) -> pd.DataFrame:
    """Shares of the variance of values (n_archs,) of a full factorial, by set of positions; they sum to 1.

    One row per position (order 1), per pair (order 2), and one for all larger sets together (order 3). The share of a
    set is the variance of its means less the shares of all its subsets.
    """
    shape = [of_position.shape[1] for of_position in held]
    table = np.empty(int(np.prod(shape)))
    table[np.ravel_multi_index([of_position.argmax(axis=1) for of_position in held], shape)] = values
    table = table.reshape(shape)
    total = float(table.var())
    if total == 0:
        return pd.DataFrame(columns=["order", "positions", "share"])
    names = [position.name for position in positions]
    every = range(len(shape))
    main = {at: float(table.mean(axis=tuple(set(every) - {at})).var()) / total for at in every}
    rows: list[tuple[int, str, float]] = [(1, names[at], share) for at, share in main.items()]
    for first, second in combinations(every, 2):
        means = table.mean(axis=tuple(set(every) - {first, second}))
        rows.append((2, f"{names[first]} x {names[second]}", float(means.var()) / total - main[first] - main[second]))
    rows.append((3, "larger sets", 1 - sum(share for _, _, share in rows)))
    return pd.DataFrame(rows, columns=["order", "positions", "share"])


def effects_table(
    values: NDArray[np.float64], positions: Sequence[Position], held: Held, classes: NDArray[np.intp] | None
) -> pd.DataFrame:
    """One row per position and value that some architecture holds.

    Args:
        values: (n_archs,) scores or truth, higher is better; NaN and infinite ones are left out.
        positions: of the space.
        held: what each architecture holds.
        classes: (n_archs,) canonical class, 0, 1, ..., for the intervals; None: exact, without intervals.

    Columns: n architectures, `mean`, its 95 % interval (percentile bootstrap over classes), `mean_rank` (share of the
    architectures that are worse, ties counted half, mean), `best` value with it, its row among all (`best_at`) and
    `best_rank`, how many architectures are better than that one, plus 1.
    """
    known = np.flatnonzero(np.isfinite(values))
    own = values[known]
    ranks = (rankdata(own) - 0.5) / max(own.size, 1)
    descending = np.sort(-own)
    found = []
    masks = []
    for position, of_position in zip(positions, held, strict=True):
        for place, value in enumerate(position.values):
            mask = of_position[known, place]
            if not mask.any():
                continue
            best_at = int(known[mask][own[mask].argmax()])
            masks.append(mask)
            found.append(
                {
                    "position": position.name, "value": value, "n": int(mask.sum()), "mean": float(own[mask].mean()),
                    "mean_rank": float(ranks[mask].mean()), "best": float(values[best_at]), "best_at": best_at,
                    "best_rank": int(np.searchsorted(descending, -values[best_at])) + 1,
                }
            )  # fmt: skip
    table = pd.DataFrame(found)
    if table.empty:
        return table
    low, high = (np.full(len(table), np.nan),) * 2
    if classes is not None:
        low, high = _intervals(own, np.array(masks), np.unique(classes[known], return_inverse=True)[1])
    table.insert(4, "mean_low", low)
    table.insert(5, "mean_high", high)
    return table


def _intervals(
    values: NDArray[np.float64], masks: NDArray[np.bool_], classes: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends (n_masks,) of intervals of the means over the rows of each mask [n_masks, n_rows], resampling classes.

    NaN where fewer than ten classes hold the value.
    """
    n_classes = int(classes.max()) + 1
    centred = values - values.mean()
    sums = np.array([np.bincount(classes, weights=mask * centred, minlength=n_classes) for mask in masks]).T
    sizes = np.array([np.bincount(classes, weights=mask, minlength=n_classes) for mask in masks]).T
    random = np.random.default_rng(0)
    drawn = np.full((N_REPLICATES, len(masks)), np.nan)
    for replicate in range(N_REPLICATES):
        weights = np.bincount(random.integers(0, n_classes, n_classes), minlength=n_classes).astype(np.float64)
        size = weights @ sizes
        np.divide(weights @ sums, size, out=drawn[replicate], where=size > 0)
    few = (sizes > 0).sum(axis=0) < _FEWEST_CLASSES
    ends = np.nanquantile(drawn, [(1 - _LEVEL) / 2, (1 + _LEVEL) / 2], axis=0) + values.mean()
    ends[:, few] = np.nan
    return ends[0], ends[1]
