"""Agreement of proxies with truth: tau-b, rho and two named 95 % intervals, for all proxies by the same method.

`sampling` says how far the sample's value may be from the value on the whole space: rows are drawn anew and deviations
are scaled by sqrt(1 - n/N) (finite-population factor: Cochran, Sampling Techniques, 1977, section 2.6), so it has no
width where all N architectures were evaluated. `generalisation` says how far the value would move on other
architectures of the same kind: canonical classes are drawn anew (cluster bootstrap: Field & Welsh, JRSS B 69, 2007),
without that factor.

Both are made twice: over cells, where each name of a network counts, and over networks, where each canonical class has
one vote (weights 1 / class size in the whole population, for samples too: Horvitz & Thompson, JASA 47, 1952).

Up to 4,000 rows intervals are percentiles of bootstrap replicates; above, from the influence of each row with t
quantiles, a second or two on the 423,624 architectures of NAS-Bench-101. Few classes may carry most of the variance:
their effective number is found from influences, and below 5 there is no interval over classes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from harness import columns
from harness.agreement.correlation import Correlations, Counts, Pairs
from harness.agreement.influence import Clustered, clustered
from harness.agreement.interval import FEWEST_EFFECTIVE, NO_INTERVAL, Interval, normal_interval, percentile_interval
from harness.agreement.variations import Variations
from harness.errors import OptionError

# With fewer clusters a bootstrap repeats the few values that it has: [1, 1] for any two concordant rows.
FEWEST_CLUSTERS = 10
NAN = float("nan")
NOTHING = Clustered(NAN, NAN, NAN)


@dataclass(frozen=True)
class Sample:
    """The architectures that were evaluated, in the order of the columns of scores.

    Attributes:
        accuracies: (n_rows,) truth, oriented so that higher is better; NaN where an architecture has none.
        classes: (n_rows,) canonical class of each architecture, any labels.
        n_population: architectures of the population that the sample is from.
        class_sizes: (n_rows,) architectures of each one's class in the whole population; None: as many as rows.

    Raises:
        OptionError: lengths differ, or the sample is larger than the population.
    """

    accuracies: ArrayLike
    classes: ArrayLike
    n_population: int
    class_sizes: ArrayLike | None = None

    def __post_init__(self) -> None:
        n_rows, n_labels = np.shape(self.accuracies)[0], np.shape(self.classes)[0]
        if n_rows != n_labels:
            raise OptionError(f"{n_rows} accuracies came with {n_labels} canonical classes: give one per architecture.")
        if n_rows > self.n_population:
            raise OptionError(
                f"A sample of {n_rows} architectures cannot come from a space of {self.n_population}: "
                "n_population is the size of the whole space."
            )

    @cached_property
    def truth(self) -> NDArray[np.float64]:
        """(n_rows,) the accuracies, an infinite one as if there was none."""
        accuracies = np.asarray(self.accuracies, dtype=np.float64)
        return np.where(np.isinf(accuracies), np.nan, accuracies)

    @cached_property
    def weights(self) -> NDArray[np.float64] | None:
        """(n_rows,) 1 / class size, so that each network has one vote; None where each has one name."""
        if self.class_sizes is None:
            _, place, held = np.unique(np.asarray(self.classes), return_inverse=True, return_counts=True)
            sizes = held[place]
        else:
            sizes = np.asarray(self.class_sizes)
        return None if np.all(sizes == 1) else np.asarray(1 / sizes)

    @cached_property
    def n_seen(self) -> int:
        """Architectures of which the truth is known."""
        return int(np.count_nonzero(~np.isnan(self.truth)))

    @property
    def is_population(self) -> bool:
        """Whether nothing was drawn: every architecture of the population was evaluated."""
        return self.n_seen == self.n_population


class Estimated(NamedTuple):
    """Tau-b and rho with their intervals, of one weighting.

    Attributes:
        correlations: tau-b and rho of the rows used.
        tau_generalisation, rho_generalisation: 95 %, other architectures of the same kind; NaN below 10 classes, and
            below 5 effective ones.
        tau_sampling, rho_sampling: 95 %, the whole population; of no width where the sample is the population.
        n_effective: classes that carry the variance of tau.
    """

    correlations: Correlations
    tau_generalisation: Interval
    rho_generalisation: Interval
    tau_sampling: Interval
    rho_sampling: Interval
    n_effective: float


@dataclass(frozen=True)
class Agreement:
    """How one proxy ranks a sample of architectures.

    Attributes:
        counts: rows used and left out.
        n_classes: canonical classes among the rows used.
        n_population: architectures of the whole population.
        cells: each architecture has one vote.
        networks: each canonical class has one; `cells` itself where each network has one name.
    """

    counts: Counts
    n_classes: int
    n_population: int
    cells: Estimated
    networks: Estimated

    @property
    def correlations(self) -> Correlations:
        """Tau-b and rho over cells, as the field prints them."""
        return self.cells.correlations

    @property
    def tau_generalisation(self) -> Interval:
        """Of tau over cells."""
        return self.cells.tau_generalisation

    @property
    def rho_generalisation(self) -> Interval:
        """Of rho over cells."""
        return self.cells.rho_generalisation

    @property
    def tau_sampling(self) -> Interval:
        """Of tau over cells."""
        return self.cells.tau_sampling

    @property
    def rho_sampling(self) -> Interval:
        """Of rho over cells."""
        return self.cells.rho_sampling

    def columns(self) -> dict[str, float]:
        """Its cells of `agreement.csv`, by column name."""
        cells, networks = self.cells, self.networks
        return {
            columns.N: self.counts.n,
            columns.N_NAN: self.counts.n_nan,
            columns.N_INF: self.counts.n_inf,
            columns.TAU: cells.correlations.tau,
            columns.TAU_LOW: cells.tau_generalisation.low,
            columns.TAU_HIGH: cells.tau_generalisation.high,
            columns.RHO: cells.correlations.rho,
            columns.RHO_LOW: cells.rho_generalisation.low,
            columns.RHO_HIGH: cells.rho_generalisation.high,
            columns.TAU_SAMPLING_LOW: cells.tau_sampling.low,
            columns.TAU_SAMPLING_HIGH: cells.tau_sampling.high,
            columns.RHO_SAMPLING_LOW: cells.rho_sampling.low,
            columns.RHO_SAMPLING_HIGH: cells.rho_sampling.high,
            columns.N_CLASSES: self.n_classes,
            columns.N_POPULATION: self.n_population,
            columns.TAU_NETWORKS: networks.correlations.tau,
            columns.TAU_NETWORKS_LOW: networks.tau_generalisation.low,
            columns.TAU_NETWORKS_HIGH: networks.tau_generalisation.high,
            columns.RHO_NETWORKS: networks.correlations.rho,
            columns.RHO_NETWORKS_LOW: networks.rho_generalisation.low,
            columns.RHO_NETWORKS_HIGH: networks.rho_generalisation.high,
            columns.TAU_NETWORKS_SAMPLING_LOW: networks.tau_sampling.low,
            columns.TAU_NETWORKS_SAMPLING_HIGH: networks.tau_sampling.high,
            columns.N_EFFECTIVE: cells.n_effective,
            columns.N_EFFECTIVE_NETWORKS: networks.n_effective,
        }


def agreements(
    scores: Mapping[str, ArrayLike] | pd.DataFrame,
    sample: Sample,
    *,
    n_replicates: int | None = None,
    seed: int = 0,
    variations: Variations | None = None,
) -> dict[str, Agreement]:
    """Agreement of every column of scores with the truth of a sample.

    Args:
        scores: per proxy (n_rows,) scores, higher is better; a data frame of proxies will do.
        sample: truth and classes of the same rows.
        n_replicates: bootstrap replicates; None: 1,000 up to 4,000 rows, above none but intervals by influence.
        seed: seed of the resamples. Equal rows and seed give equal bytes; without resamples it changes nothing.
        variations: the plan of resamples, where comparisons are to use the same; n_replicates and seed are then its.

    Returns:
        Per proxy its agreement, in the order of `scores`.

    Raises:
        OptionError: a column is not of the sample's length, or there are no replicates.
    """
    plan = variations or Variations.of(sample.classes, n_replicates=n_replicates, seed=seed)
    return {str(name): _agreement(column, sample, plan) for name, column in scores.items()}


class _Intervals(NamedTuple):
    tau: Interval
    rho: Interval


_NO_INTERVALS = _Intervals(NO_INTERVAL, NO_INTERVAL)


def _agreement(scores: ArrayLike, sample: Sample, plan: Variations) -> Agreement:
    pairs = plan.pairs(_column(scores, sample), sample.truth, sample.weights)
    cells = _estimated(pairs, sample, plan)
    networks = cells if pairs.votes is None else _estimated(pairs.networks, sample, plan)
    return Agreement(pairs.counts, plan.n_classes(pairs), sample.n_population, cells, networks)


def _column(scores: ArrayLike, sample: Sample) -> NDArray[np.float64]:
    """The scores (n_rows,) of a column.

    Raises:
        OptionError: it is not of the sample's length.
    """
    column = np.asarray(scores, dtype=np.float64)
    if column.shape != sample.truth.shape:
        raise OptionError(
            f"Scores of shape {column.shape} cannot be compared with truth of shape {sample.truth.shape}: "
            "give one score and one accuracy per architecture."
        )
    return column


def _estimated(pairs: Pairs, sample: Sample, plan: Variations) -> Estimated:
    if pairs.counts.n > 1:
        _ = pairs.concordance  # influences need it, and tau is a part of it
    found = pairs.correlations()
    # The share of the space whose truth was seen, not that with a finite score: rows whose score is NaN are a part of
    # the space on which the proxy is not defined, but rows without truth were not seen at all.
    scale = float(np.sqrt(1 - sample.n_seen / sample.n_population))
    if np.isnan(found).any() or pairs.counts.n < 2:
        return Estimated(found, *_NO_INTERVALS, *_NO_INTERVALS, NAN)
    of_classes = [NOTHING, NOTHING]
    if plan.n_classes(pairs) > 1:
        of_classes = [clustered(influence, plan.classes[pairs.rows]) for influence in plan.influences(pairs)]
    if plan.by_class is None or plan.by_row is None:
        generalisation, sampling = _by_influence(plan, pairs, (found, of_classes), scale)
    else:
        generalisation, sampling = _by_bootstrap(plan, pairs, found, scale)
    if scale == 0:
        sampling = _Intervals(*(Interval(value, value) for value in found))
    few = [one.n_effective < FEWEST_EFFECTIVE for one in of_classes]
    generalisation = _Intervals(
        *(NO_INTERVAL if is_few else interval for is_few, interval in zip(few, generalisation, strict=True))
    )
    return Estimated(found, *generalisation, *sampling, of_classes[0].n_effective)


def _by_bootstrap(plan: Variations, pairs: Pairs, found: Correlations, scale: float) -> tuple[_Intervals, _Intervals]:
    def percentiles(resampled: NDArray[np.float64], scale: float) -> _Intervals:
        ends = (percentile_interval(*column, scale=scale) for column in zip(found, resampled.T, strict=True))
        return _Intervals(*ends)

    assert plan.by_class is not None
    assert plan.by_row is not None
    few = plan.n_classes(pairs) < FEWEST_CLUSTERS
    other_classes = np.empty((0, 2)) if few else plan.replicates(pairs, plan.by_class)
    if scale == 0 or plan.by_row is plan.by_class or pairs.counts.n < FEWEST_CLUSTERS:
        other_rows = other_classes
    else:
        other_rows = plan.replicates(pairs, plan.by_row)
    return percentiles(other_classes, 1.0), percentiles(other_rows, scale)


def _by_influence(
    plan: Variations, pairs: Pairs, value: tuple[Correlations, list[Clustered]], scale: float
) -> tuple[_Intervals, _Intervals]:
    def intervals(errors: list[Clustered], n_clusters: int, scale: float) -> _Intervals:
        if n_clusters < FEWEST_CLUSTERS:
            return _NO_INTERVALS
        found = zip(value[0], errors, strict=True)
        return _Intervals(*(normal_interval(one, scale * of_one.error, of_one.df) for one, of_one in found))

    rows = np.arange(pairs.counts.n)
    of_rows = [clustered(influence, rows) for influence in plan.influences(pairs)] if scale else value[1]
    return intervals(value[1], plan.n_classes(pairs), 1.0), intervals(of_rows, rows.size, scale)
