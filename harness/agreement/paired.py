"""Is a proxy better than counting? Paired comparisons on the same rows, over cells and over networks.

Two correlations with one truth vary together, so the interval of their difference is narrower than theirs suggest. The
rows are those where neither score nor truth is missing; infinite scores rank at the ends, as in the table's tau.

A sample: standard errors from the difference of influences, clustered by canonical class; interval and p are those of t
with Satterthwaite's degrees of freedom, so that both agree, and depend on no seed. Below 5 effective classes there is
neither. A whole population is enumerated: the difference is exact for this space, truth and seed, and has no p; what is
uncertain is the truth (trainings that were repeated) and the proxy's seed, and a difference that is smaller than twice
their standard error, or than one that matters, is none. Several seeds of a proxy are compared by the mean of their
taus, SE^2 = SE_architectures^2 + s_seeds^2 / K.

Partial tau (Kendall, Biometrika 32, 1942): the proxy's agreement with the truth given the baseline. It is not exactly 0
where scores and truth are independent given the baseline (Korn, 1984), so a value near 0 is no evidence.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from harness.agreement.correlation import Pairs
from harness.agreement.influence import clustered, influence_on_tau
from harness.agreement.interval import (
    FEWEST_EFFECTIVE,
    LEVEL,
    NO_INTERVAL,
    Interval,
    normal_interval,
    quantile,
)
from harness.agreement.measure import FEWEST_CLUSTERS, Sample
from harness.agreement.truth_noise import TruthNoise, error_of
from harness.agreement.variations import Variations
from harness.settings import AGAINST, SMALLEST

NAN = float("nan")


class Verdict(Enum):
    """Whether a proxy beats a baseline."""

    YES = "yes"
    NO = "no"
    NO_DIFFERENCE = "no difference"
    UNDECIDED = "undecided"


class Estimate(NamedTuple):
    """A value with its 95 % interval over classes and the two-sided p of its being 0; NaN where there is none.

    `error` is the standard error over classes and seeds, `n_effective` the classes that carry it, `df` the degrees of
    freedom of the t that interval and p are of.
    """

    value: float
    interval: Interval
    p: float
    error: float = NAN
    n_effective: float = NAN
    df: float = NAN

    def p_of(self, expected: float) -> float:
        """Two-sided p of the value being `expected`, by the same t; NaN without an interval or a standard error."""
        if np.isnan(self.interval.low) or not self.error > 0:
            return NAN
        return two_sided(self.value - expected, self.error, self.df)


def two_sided(distance: float, error: float, df: float) -> float:
    """Probability that t with `df` degrees of freedom is further from 0 than `distance` in standard errors."""
    return float(2 * stats.t.sf(abs(distance) / error, df))


NO_ESTIMATE = Estimate(NAN, NO_INTERVAL, NAN)


class Contrast(NamedTuple):
    """A proxy beside a baseline, in one weighting.

    Attributes:
        tau, baseline_tau: tau-b of each on the shared rows; of several seeds the mean.
        delta: tau less baseline_tau.
        partial: tau given the baseline.
        truth_error: standard error of delta by the noise of the truth; NaN where nothing was trained twice.
        seed_error: standard error of delta by the proxy's own seeds; NaN for one seed.
    """

    tau: float
    baseline_tau: float
    delta: Estimate
    partial: Estimate
    truth_error: float = NAN
    seed_error: float = NAN


@dataclass(frozen=True)
class Comparison:
    """A proxy beside a baseline.

    Attributes:
        proxy, baseline: names of the columns; the proxy's first one where it has several seeds.
        n: rows; n_classes: canonical classes among them.
        enumerated: whether the sample is the whole population.
        n_seeds: columns of the proxy whose mean is compared.
        cells, networks: one vote for each architecture, and for each canonical class.
    """

    proxy: str
    baseline: str
    n: int
    n_classes: int
    enumerated: bool
    n_seeds: int
    cells: Contrast
    networks: Contrast


def comparisons(
    scores: Mapping[str, ArrayLike] | pd.DataFrame,
    sample: Sample,
    *,
    proxies: Mapping[str, Sequence[str]] | Sequence[str] | None = None,
    baselines: Sequence[str] = AGAINST,
    paired: "Plan | None" = None,
) -> list[Comparison]:
    """Every proxy beside every baseline, and of two baselines the later one beside the earlier.

    Args:
        scores: per proxy (n_rows,) scores, higher is better, the baselines included.
        sample: truth and classes of the same rows.
        proxies: names of the columns that are compared, or for each proxy the columns of its seeds; None: all columns.
        baselines: names of columns; those that `scores` lacks, or that are defined nowhere, are left out.
        paired: influences that are known already, and the noise of the truth.
    """
    plan = paired or Plan(Variations.of(sample.classes, n_replicates=1))
    columns = {str(name): np.asarray(column, dtype=np.float64) for name, column in scores.items()}
    known = {name: ~(np.isnan(sample.truth) | np.isnan(column)) for name, column in columns.items()}
    present = [name for name in baselines if name in columns and known[name].any()]
    groups = proxies if isinstance(proxies, Mapping) else {name: (name,) for name in proxies or columns}

    found = []
    for name, seeds in groups.items():
        for baseline in present:
            if baseline == name or _is_mirrored(name, baseline, baselines):
                continue
            # Rows are sorted by truth, stably: equal rows of all pairs stand at equal places.
            truth = np.where(np.logical_and.reduce([known[one] for one in (*seeds, baseline)]), sample.truth, NAN)
            own = [plan.variations.pairs(columns[one], truth, sample.weights) for one in seeds]
            first = plan.variations.pairs(columns[baseline], truth, sample.weights)
            both = [_contrast(own, first, sample, plan)]
            if sample.weights is not None:
                both.append(_contrast([one.networks for one in own], first.networks, sample, plan))
            counted = (first.counts.n, plan.variations.n_classes(first))
            found.append(
                Comparison(name, baseline, *counted, sample.is_population, len(seeds), cells=both[0], networks=both[-1])
            )
    return found


@dataclass(frozen=True)
class Plan:
    """What comparisons rest on: `variations` holds influences found before, `noise` is the truth's, None: not known."""

    variations: Variations
    noise: TruthNoise | None = None


def _is_mirrored(name: str, baseline: str, baselines: Sequence[str]) -> bool:
    """Whether the pair, both of them counts, is compared the other way round: the later one beside the earlier."""
    return name in baselines and baselines.index(name) < baselines.index(baseline)


def holm(p_values: Sequence[float]) -> list[float]:
    """Corrected p: in the order given, the smallest times m, the next times m - 1, ..., ascending.

    NaN are no tests: they stay NaN and do not count.
    """
    p = np.asarray(p_values, dtype=np.float64)
    corrected = np.full(p.size, NAN)
    order = np.argsort(p)[: np.count_nonzero(~np.isnan(p))]
    factors = np.arange(order.size, 0, -1)
    corrected[order] = np.minimum(np.maximum.accumulate(p[order] * factors), 1.0)
    return [float(value) for value in corrected]


def verdict(delta: Estimate, p: float) -> Verdict:
    """Of a sample: yes or no where interval and p agree; equal ranks are no difference."""
    low, high = delta.interval
    if delta.value == low == high == 0:
        return Verdict.NO_DIFFERENCE
    if not p < 1 - LEVEL:
        return Verdict.UNDECIDED
    return Verdict.YES if low > 0 else Verdict.NO if high < 0 else Verdict.UNDECIDED


def exact_verdict(contrast: Contrast, smallest: float = SMALLEST) -> Verdict:
    """Of a whole population: yes or no beyond `smallest` and twice the error of truth and seeds."""
    delta = contrast.delta.value
    if math.isnan(delta):
        return Verdict.UNDECIDED
    errors = [error for error in (contrast.truth_error, contrast.seed_error) if not math.isnan(error)]
    if abs(delta) <= max(2 * math.hypot(*errors), smallest):
        return Verdict.NO_DIFFERENCE
    return Verdict.YES if delta > 0 else Verdict.NO


def _contrast(own: Sequence[Pairs], other: Pairs, sample: Sample, plan: Plan) -> Contrast:
    variations = plan.variations
    taus, baseline_tau = np.array([variations.tau(pairs) for pairs in own]), variations.tau(other)
    deltas = taus - baseline_tau
    nothing = NO_ESTIMATE._replace(value=float(deltas.mean()))
    if np.isnan(deltas).any():
        return Contrast(float(taus.mean()), baseline_tau, nothing, NO_ESTIMATE)
    classes = variations.classes[other.rows]
    found = Contrast(float(taus.mean()), baseline_tau, nothing, NO_ESTIMATE, seed_error=_seed_error(deltas))
    if sample.is_population and plan.noise is not None:
        shifts = variations.shifts(other, plan.noise, sample.truth)
        own_shifts = np.mean([variations.shifts(pairs, plan.noise, sample.truth) for pairs in own], axis=0)
        found = found._replace(truth_error=error_of(own_shifts - shifts, other.counts.n))
    if variations.n_classes(other) < FEWEST_CLUSTERS:
        return found
    influence = np.mean([variations.on_tau(pairs) for pairs in own], axis=0) - variations.on_tau(other)
    return found._replace(
        delta=_estimate(deltas, influence, classes, sample.is_population),
        partial=_partial(own, other, variations, sample.is_population),
    )


def _seed_error(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1) / np.sqrt(values.size)) if values.size > 1 else NAN


def _estimate(
    values: NDArray[np.float64], influence: NDArray[np.float64], classes: NDArray[np.intp], enumerated: bool
) -> Estimate:
    """The mean of the seeds' values (n_seeds,); on the scale of the value itself."""
    value, (error, n_effective, df) = float(values.mean()), _with_seeds(values, influence, classes)
    if error == 0:
        return Estimate(value, Interval(value, value), NAN if enumerated else float(value == 0), 0.0)
    if n_effective < FEWEST_EFFECTIVE:
        return Estimate(value, NO_INTERVAL, NAN, error, n_effective, df)
    half_width = quantile(df) * error
    p = NAN if enumerated else two_sided(value, error, df)
    return Estimate(value, Interval(value - half_width, value + half_width), p, error, n_effective, df)


def _with_seeds(
    values: NDArray[np.float64], influence: NDArray[np.float64], classes: NDArray[np.intp]
) -> tuple[float, float, float]:
    """Standard error over classes and seeds, effective classes, and degrees of freedom (Satterthwaite, 1946)."""
    of_classes = clustered(influence, classes)
    if values.size < 2:
        return of_classes
    variances = of_classes.error**2, _seed_error(values) ** 2
    total = sum(variances)
    if total == 0:
        return of_classes
    parts = zip(variances, (of_classes.df, values.size - 1), strict=True)
    df = total**2 / sum(variance**2 / df for variance, df in parts if variance > 0)
    return math.sqrt(total), of_classes.n_effective, df


def _partial(own: Sequence[Pairs], other: Pairs, variations: Variations, enumerated: bool) -> Estimate:
    """Tau of proxy and truth given the baseline, its influences by the chain rule from those of the three taus."""
    values, of_rows = [], []
    b = variations.tau(other)
    for pairs in own:
        between = variations.between(pairs, other)
        a, c = variations.tau(pairs), between.tau()
        if max(abs(b), abs(c)) > 1 - 1e-12:
            return NO_ESTIMATE
        spread = float(np.sqrt((1 - b**2) * (1 - c**2)))
        value = (a - b * c) / spread
        aligned = np.empty(pairs.rows.size)
        aligned[between.rows] = influence_on_tau(between)
        values.append(value)
        of_rows.append(
            variations.on_tau(pairs) / spread
            + variations.on_tau(other) * (value * b / (1 - b**2) - c / spread)
            + aligned * (value * c / (1 - c**2) - b / spread)
        )
    taus = np.array(values)
    value = float(taus.mean())
    error, n_effective, df = _with_seeds(taus, np.mean(of_rows, axis=0), variations.classes[other.rows])
    if not n_effective >= FEWEST_EFFECTIVE:
        return Estimate(value, NO_INTERVAL, NAN, error, n_effective, df)
    p = NAN if enumerated else two_sided(value, error, df)
    return Estimate(value, normal_interval(value, error, df), p, error, n_effective, df)
