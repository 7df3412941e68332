"""Agreement of proxies with truth: tau-b, rho and two named 95 % intervals, for all proxies by the same method.

`sampling` says how far the sample's value may be from the value on the whole space: rows are drawn anew and deviations
are scaled by sqrt(1 - n/N) (finite-population factor: Cochran, Sampling Techniques, 1977, section 2.6), so it has no
width where all N architectures were evaluated. `generalisation` says how far the value would move on other
architectures of the same kind: canonical classes are drawn anew (cluster bootstrap: Field & Welsh, JRSS B 69, 2007),
without that factor.

Up to 40,000 rows both are percentiles of bootstrap replicates; above, normal intervals from the influence of each row,
a second or two on the 423,624 architectures of NAS-Bench-101. Where the bootstrap is affordable it stays: both find the
same standard errors on NATS-TSS (ratios .98 to 1.02), but one class of 460 cells carries a fifth to a half of their
variance there, so no central limit theorem promises a normal distribution, and replicates show the real one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from harness import columns
from harness.agreement.correlation import Correlations, Counts, Pairs
from harness.agreement.influence import n_distinct, standard_error
from harness.agreement.interval import NO_INTERVAL, Interval, normal_interval, percentile_interval
from harness.agreement.variations import Variations
from harness.errors import OptionError

# With fewer clusters a bootstrap repeats the few values that it has: [1, 1] for any two concordant rows.
FEWEST_CLUSTERS = 10


@dataclass(frozen=True)
class Sample:
    """The architectures that were evaluated, in the order of the columns of scores.

    Attributes:
        accuracies: (n_rows,) truth, oriented so that higher is better; NaN where an architecture has none.
        classes: (n_rows,) canonical class of each architecture, any labels.
        n_population: architectures of the whole search space.

    Raises:
        OptionError: lengths differ, or the sample is larger than the space.
    """

    accuracies: ArrayLike
    classes: ArrayLike
    n_population: int

    def __post_init__(self) -> None:
        n_rows, n_labels = np.shape(self.accuracies)[0], np.shape(self.classes)[0]
        if n_rows != n_labels:
            raise OptionError(f"{n_rows} accuracies came with {n_labels} canonical classes: give one per architecture.")
        if n_rows > self.n_population:
            raise OptionError(
                f"A sample of {n_rows} architectures cannot come from a space of {self.n_population}: "
                "n_population is the size of the whole space."
            )


@dataclass(frozen=True)
class Agreement:
    """How one proxy ranks a sample of architectures.

    Attributes:
        counts: rows used and left out.
        n_classes: canonical classes among the rows used.
        n_population: architectures of the whole space.
        correlations: tau-b and rho of the rows used.
        tau_generalisation, rho_generalisation: 95 %, other architectures of the same kind; NaN below 10 classes.
        tau_sampling, rho_sampling: 95 %, the whole space; of no width where the sample is the space.
    """

    counts: Counts
    n_classes: int
    n_population: int
    correlations: Correlations
    tau_generalisation: Interval
    rho_generalisation: Interval
    tau_sampling: Interval
    rho_sampling: Interval

    def columns(self) -> dict[str, float]:
        """Its cells of `agreement.csv`, by column name."""
        return {
            columns.N: self.counts.n,
            columns.N_NAN: self.counts.n_nan,
            columns.N_INF: self.counts.n_inf,
            columns.TAU: self.correlations.tau,
            columns.TAU_LOW: self.tau_generalisation.low,
            columns.TAU_HIGH: self.tau_generalisation.high,
            columns.RHO: self.correlations.rho,
            columns.RHO_LOW: self.rho_generalisation.low,
            columns.RHO_HIGH: self.rho_generalisation.high,
            columns.TAU_SAMPLING_LOW: self.tau_sampling.low,
            columns.TAU_SAMPLING_HIGH: self.tau_sampling.high,
            columns.RHO_SAMPLING_LOW: self.rho_sampling.low,
            columns.RHO_SAMPLING_HIGH: self.rho_sampling.high,
            columns.N_CLASSES: self.n_classes,
            columns.N_POPULATION: self.n_population,
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
        n_replicates: bootstrap replicates; None: 1,000 up to 8,000 rows, then fewer, above 40,000 rows none but
            intervals by influence (see `default_replicates`).
        seed: seed of the resamples. Equal rows and seed give equal bytes; without resamples it changes nothing.
        variations: the plan of resamples, where comparisons are to use the same; n_replicates and seed are then its.

    Returns:
        Per proxy its agreement, in the order of `scores`.

    Raises:
        OptionError: a column is not of the sample's length, or there are no replicates.
    """
    plan = variations or Variations.of(sample.classes, n_replicates=n_replicates, seed=seed)
    return {str(name): _agreement(Pairs.of(column, sample.accuracies), sample, plan) for name, column in scores.items()}


class _Intervals(NamedTuple):
    tau: Interval
    rho: Interval


_NO_INTERVALS = _Intervals(NO_INTERVAL, NO_INTERVAL)


def _agreement(pairs: Pairs, sample: Sample, plan: Variations) -> Agreement:
    found = pairs.correlations()
    # The share of the space whose truth was seen, not that with a finite score: rows whose score is NaN are a part of
    # the space on which the proxy is not defined, but rows without truth were not seen at all.
    n_seen = np.count_nonzero(~np.isnan(np.asarray(sample.accuracies, dtype=np.float64)))
    scale = float(np.sqrt(1 - n_seen / sample.n_population))
    if plan.by_class is None or plan.by_row is None:
        generalisation, sampling = _by_influence(plan, pairs, found, scale)
    else:
        generalisation, sampling = _by_bootstrap(plan, pairs, found, scale)
    if scale == 0:
        sampling = _Intervals(*(Interval(value, value) for value in found))
    return Agreement(
        counts=pairs.counts,
        n_classes=plan.n_classes(pairs),
        n_population=sample.n_population,
        correlations=found,
        tau_generalisation=generalisation.tau,
        rho_generalisation=generalisation.rho,
        tau_sampling=sampling.tau,
        rho_sampling=sampling.rho,
    )


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


def _by_influence(plan: Variations, pairs: Pairs, found: Correlations, scale: float) -> tuple[_Intervals, _Intervals]:
    if np.isnan(found).any():
        return _NO_INTERVALS, _NO_INTERVALS
    influence = plan.influences(pairs)

    def normal(cluster: NDArray[np.intp], scale: float) -> _Intervals:
        if n_distinct(cluster) < FEWEST_CLUSTERS:
            return _NO_INTERVALS
        errors = (scale * standard_error(of_rows, cluster) for of_rows in influence)
        return _Intervals(*(normal_interval(*column) for column in zip(found, errors, strict=True)))

    return normal(plan.classes[pairs.rows], 1.0), normal(np.arange(pairs.counts.n), scale)
