"""Agreement of proxies with truth: tau-b, rho and two named 95 % intervals, for all proxies on the same resamples.

`sampling` says how far the sample's value may be from the value on the whole space: rows are resampled and deviations
are scaled by sqrt(1 - n/N) (finite-population factor: Cochran, Sampling Techniques, 1977, section 2.6), so it has no
width where all N architectures were evaluated. `generalisation` says how far the value would move on other
architectures of the same kind: canonical classes are resampled (cluster bootstrap: Field & Welsh, JRSS B 69, 2007),
without that factor.

Both are percentile intervals (Efron & Tibshirani, 1993, chapter 13). Percentile rather than basic: the distribution of
a correlation is skewed near its bounds, the percentile interval respects them and any monotone transform, and it covers
rho better and tau as well (300 bivariate normal samples of 80, r = .7: rho 96 % against 92 %, tau 95 % against 95 %; of
30, r = .9: rho 95 % against 91 %, tau 97 % against 95 %). Bootstrap bias is about a tenth of a standard error on the
15,625 cells of NATS-TSS, so no bias correction is made.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from harness import columns
from harness.agreement.correlation import Correlations, Counts, Pairs
from harness.agreement.resampling import Resampling, default_replicates, replicates
from harness.errors import OptionError

LEVEL = 0.95
# With fewer clusters a bootstrap repeats the few values that it has: [1, 1] for any two concordant rows.
FEWEST_CLUSTERS = 10


class Interval(NamedTuple):
    """Lower and upper end, within [-1, 1]; NaN where there is no interval."""

    low: float
    high: float


_NO_INTERVAL = Interval(float("nan"), float("nan"))


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
    scores: Mapping[str, ArrayLike] | pd.DataFrame, sample: Sample, *, n_replicates: int | None = None, seed: int = 0
) -> dict[str, Agreement]:
    """Agreement of every column of scores with the truth of a sample.

    Args:
        scores: per proxy (n_rows,) scores, higher is better; a data frame of proxies will do.
        sample: truth and classes of the same rows.
        n_replicates: bootstrap replicates; None: 1,000 up to 8,000 rows, then fewer (see `default_replicates`).
        seed: seed of the resamples. Equal rows and seed give equal bytes.

    Returns:
        Per proxy its agreement, in the order of `scores`.

    Raises:
        OptionError: a column is not of the sample's length, or there are no replicates.
    """
    classes = pd.factorize(np.asarray(sample.classes), use_na_sentinel=False)[0].astype(np.intp)
    wanted = default_replicates(classes.size) if n_replicates is None else n_replicates
    if wanted < 1:
        raise OptionError(f"n_replicates is {wanted}: an interval needs at least 1, and 1,000 to be smooth.")
    by_class = Resampling(classes, wanted, seed)
    # One class per row draws the same resamples twice: the plan is shared, and so are its replicates.
    by_row = by_class if by_class.n_clusters == classes.size else Resampling(np.arange(classes.size), wanted, seed)
    return {
        str(name): _agreement(Pairs.of(column, sample.accuracies), sample, by_class, by_row)
        for name, column in scores.items()
    }


def _agreement(pairs: Pairs, sample: Sample, by_class: Resampling, by_row: Resampling) -> Agreement:
    n_classes = np.unique(by_class.cluster[pairs.rows]).size
    found = pairs.correlations()
    # The share of the space that was drawn, not that with a finite score: NaN rows are a part of the space
    # on which the proxy is not defined, and all of the others were seen.
    scale = float(np.sqrt(1 - by_class.cluster.size / sample.n_population))
    other_classes = replicates(pairs, by_class) if n_classes >= FEWEST_CLUSTERS else None
    if scale == 0 or by_row is by_class or pairs.counts.n < FEWEST_CLUSTERS:
        other_rows = other_classes
    else:
        other_rows = replicates(pairs, by_row)
    return Agreement(
        counts=pairs.counts,
        n_classes=n_classes,
        n_population=sample.n_population,
        correlations=found,
        tau_generalisation=_interval(found.tau, other_classes, 0, scale=1.0),
        rho_generalisation=_interval(found.rho, other_classes, 1, scale=1.0),
        tau_sampling=_interval(found.tau, other_rows, 0, scale=scale),
        rho_sampling=_interval(found.rho, other_rows, 1, scale=scale),
    )


def _interval(value: float, resampled: NDArray[np.float64] | None, column: int, *, scale: float) -> Interval:
    """Percentile interval of a column of replicates, deviations from `value` scaled; constant resamples left out."""
    if np.isnan(value):
        return _NO_INTERVAL
    if scale == 0:
        return Interval(value, value)
    if resampled is None:
        return _NO_INTERVAL
    defined = resampled[~np.isnan(resampled[:, column]), column]
    if not defined.size:
        return _NO_INTERVAL
    ends = np.quantile(defined, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    low, high = np.clip(value + scale * (ends - value), -1.0, 1.0)
    return Interval(float(low), float(high))
