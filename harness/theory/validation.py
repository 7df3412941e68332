"""What choosing a network by m validation images costs, and how many images and trainings a shortlist saves.

The networks of a benchmark have known accuracies, which stand for the probability of having an image right. Each has a
number of m images right, the one with most is chosen, and its regret is the best accuracy of the space minus its own.
With independent images this is exact (`winners.chosen`); with images that are the same for all networks it is drawn.
First all networks are candidates, then only the k best by a proxy, a count, or at random: their regret falls to what
the best of the shortlist costs, with fewer images and k trainings.

Question and rate are those of Oymak, Li and Soltanolkotabi, ICML 2021, arXiv:2104.14132, who bound the gap between
validation and test for a continuous space of architectures. This is no reproduction of it: networks here are separate,
already trained, and training is not shortened by what validation takes.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.errors import OptionError
from harness.progress import Progress
from harness.randomness import derive_seed
from harness.theory.finding import Finding
from harness.theory.settings import TheorySettings, ValidationSettings
from harness.theory.validation_pool import Pool, open_pools, shortlists
from harness.theory.validation_table import (
    ALL_NETWORKS,
    RANDOM,
    needed_listing,
    notes_of,
    regret_listing,
    shortlist_listing,
    validation_figure,
    with_savings,
)
from harness.theory.winners import QUANTILES, Candidates, Winner, chosen, chosen_by_draws, hoeffding

N_ORDERS = (8, 200)
"""At least and at most so many shortlists are averaged where the k-th network is tied with others; long ones less."""
_LISTED = 4_000
_PRECISION = 1.02
_FEWEST_IMAGES = 1


@dataclass(frozen=True, eq=False)
class Family:
    """What is validated: `k` networks of a pool, one of several equally likely sets of `candidates`.

    `first` is what drew up the shortlist.
    """

    first: str
    k: int
    candidates: Sequence[Candidates]

    @property
    def accuracies(self) -> NDArray[np.float64]:
        """All accuracies of the candidates, ascending."""
        return np.unique(np.concatenate([one.accuracies for one in self.candidates]))

    @property
    def best(self) -> float:
        """Mean over the sets of the best accuracy: what the chosen network's tends to with ever more images."""
        return float(np.mean([one.accuracies[-1] for one in self.candidates]))


def validation(settings: TheorySettings) -> Finding:
    """The study.

    Raises:
        OptionError: for a truth that is no accuracy.
        HarnessError: for names that are unknown and data that are missing.
    """
    chosen_settings = settings.validation
    pools = open_pools(chosen_settings)
    _refuse_long_lists(pools, chosen_settings.shortlists)
    rows: list[dict[str, Any]] = []
    needed: list[dict[str, Any]] = []
    n_steps = len(pools) * len(chosen_settings.correlation)
    with Progress("validation", n_steps, unit="data sets") as progress:
        for pool in pools:
            listed = list(families(pool, chosen_settings, settings.seed))
            for correlation in chosen_settings.correlation:
                study = Study(pool, chosen_settings, correlation, settings.seed)
                for family in listed:
                    own = list(study.rows(family))
                    rows += own
                    needed += study.needed(family, [row["regret"] for row in own])
                progress.advance()
    points, wanted = pd.DataFrame(rows), with_savings(pd.DataFrame(needed))
    return Finding(
        name="validation",
        title="What choosing by m validation images costs",
        source="; ".join(
            f"{pool.bench} / {pool.dataset}, {pool.truth.name}, {pool.accuracies.size:,} networks" for pool in pools
        ),
        data="Accuracies",
        points=points,
        trends=(),
        pictures={"validation": partial(validation_figure, points)},
        notes=tuple(notes_of(pools, points, wanted)),
        listing=regret_listing(points),
        further=(shortlist_listing(points), needed_listing(wanted)),
    )


def _refuse_long_lists(pools: Sequence[Pool], lengths: Sequence[int]) -> None:
    """Nothing, if each shortlist is one in some pool.

    Raises:
        OptionError: if not.
    """
    largest = max(pools, key=lambda pool: pool.accuracies.size)
    n = largest.accuracies.size
    for k in lengths:
        if k >= n:
            raise OptionError(
                f"k={k} is invalid: a shortlist must be shorter than the {n:,} networks of {largest.bench} on "
                f"{largest.dataset}."
            )


def families(pool: Pool, settings: ValidationSettings, seed: int) -> Iterator[Family]:
    """All networks, then the shortlists by each proxy and at random."""
    yield Family(ALL_NETWORKS, pool.accuracies.size, [Candidates.of(pool.accuracies)])
    ranked = {**pool.scores, RANDOM: np.zeros(pool.accuracies.size)}
    for name, scores in ranked.items():
        for k in settings.shortlists:
            if k < pool.accuracies.size:
                random = np.random.default_rng(derive_seed("shortlist", seed, pool.bench, pool.dataset, name, k))
                lists = shortlists(scores, k, int(np.clip(_LISTED // k, *N_ORDERS)), random)
                yield Family(name, k, [Candidates.of(pool.accuracies[rows]) for rows in lists])


@dataclass(frozen=True, eq=False)
class Study:
    """One pool at one correlation."""

    pool: Pool
    settings: ValidationSettings
    correlation: float
    seed: int

    def winner(self, family: Family, m: int) -> Winner:
        """Who is chosen from a family by m images."""
        if self.correlation == 0:
            return Winner.mean([chosen(one, m) for one in family.candidates], family.accuracies)
        key = (self.pool.bench, self.pool.dataset, str(self.correlation), family.first, family.k, m)
        random = np.random.default_rng(derive_seed("validation", self.seed, *key))
        n_draws = max(2, self.settings.draws // len(family.candidates))
        drawn = [
            chosen_by_draws(one, m, correlation=self.correlation, n_draws=n_draws, random=random)
            for one in family.candidates
        ]
        return Winner.mean(drawn, family.accuracies)

    def rows(self, family: Family) -> Iterator[dict[str, Any]]:
        """One row per size; shares are in percentage points."""
        best = self.pool.best
        for m in self.settings.sizes:
            found = self.winner(family, m)
            yield self._about(family) | {
                "m": m,
                "regret": 100 * found.regret(best),
                "regret_error": 100 * found.error,
                **{f"regret_q{100 * share:.0f}": 100 * found.quantile(share, best) for share in QUANTILES},
                "p_best": found.finds(best),
                "floor": 100 * (best - family.best),
                "hoeffding": 100 * hoeffding(family.k, m),
                "gap": 100 * found.gap,
                "gap_sd": 100 * found.gap_sd,
            }

    def needed(self, family: Family, regrets: Sequence[float]) -> Iterator[dict[str, Any]]:
        """One row per wanted regret: the images that it takes, from the regrets at the sizes on."""
        for wanted in self.settings.wanted:
            yield self._about(family) | {
                "n_networks": self.pool.accuracies.size,
                "epochs": self.pool.epochs(family.first, family.k),
                "wanted": wanted,
                "m_needed": self.images_for(family, wanted, regrets),
                "reachable": "yes" if 100 * (self.pool.best - family.best) <= wanted else "no",
            }

    def images_for(self, family: Family, wanted: float, regrets: Sequence[float]) -> float:
        """The smallest number of images with a mean regret of at most `wanted` points, to 2 %.

        NaN if the largest of the sizes is not enough. From draws it is interpolated between sizes on both log scales,
        and no smaller than the smallest size.
        """
        sizes = self.settings.sizes
        enough = next((m for m, regret in zip(sizes, regrets, strict=True) if regret <= wanted), None)
        if enough is None:
            return math.nan
        if self.correlation > 0:
            return _interpolated(sizes, regrets, wanted)
        low, high = max((m for m in sizes if m < enough), default=_FEWEST_IMAGES - 1), enough
        while high - low > 1 and high > _PRECISION * low:
            middle = math.isqrt(max(low, 1) * high)
            middle = min(max(middle, low + 1), high - 1)
            if self._regret(family, middle) <= wanted:
                high = middle
            else:
                low = middle
        return float(high)

    def _regret(self, family: Family, m: int) -> float:
        return 100 * self.winner(family, m).regret(self.pool.best)

    def _about(self, family: Family) -> dict[str, Any]:
        return {
            "bench": self.pool.bench,
            "dataset": self.pool.dataset,
            "truth": self.pool.truth.name,
            "correlation": self.correlation,
            "first": family.first,
            "k": family.k,
        }


def _interpolated(sizes: Sequence[int], regrets: Sequence[float], wanted: float) -> float:
    """The size at which regrets pass what is wanted, between the first that suffices and the one before it."""
    at = next((at for at, regret in enumerate(regrets) if regret <= wanted), None)
    if at is None:
        return math.nan
    if at == 0 or regrets[at] <= 0:
        return float(sizes[at])
    ends = np.log(regrets[at - 1]), np.log(regrets[at])
    share = float((ends[0] - np.log(wanted)) / (ends[0] - ends[1]))
    return float(np.exp(np.log(sizes[at - 1]) + share * (np.log(sizes[at]) - np.log(sizes[at - 1]))))
