"""Is a proxy better than counting? Paired comparisons: both columns on the same rows and the same resamples.

Two correlations with one truth vary together, so the interval of their difference is narrower than theirs suggest. The
rows are those where proxy, baseline and truth are all finite; canonical classes are drawn together (`generalisation`).
Up to 40,000 rows the interval holds the percentiles of the replicates' differences, above it is normal from the
difference of influences. p is normal in both: 1,000 replicates cannot tell a p below .002 from 0, which the correction
for many comparisons would turn into nothing. A verdict asks both, interval and corrected p (Holm, Scandinavian
Journal of Statistics 6, 1979).

Partial tau (Kendall, Biometrika 32, 1942): what the proxy says about the truth beyond the baseline. It is not exactly 0
where scores and truth are independent given the baseline (Korn, 1984), so a value near 0 says nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import stats

from harness.agreement.correlation import Pairs
from harness.agreement.influence import standard_error
from harness.agreement.interval import LEVEL, NO_INTERVAL, Interval, normal_interval
from harness.agreement.measure import FEWEST_CLUSTERS, Sample
from harness.agreement.variations import REMEMBERED, Variations

# The counts that a proxy is compared with; `flops` orders the cells of NATS-TSS as `params` does.
COMPARED = ("params", "params_live", "flops_live", "sum_log_layer_size")
NAN = float("nan")


class Verdict(Enum):
    """Whether a proxy beats a baseline."""

    YES = "yes"
    NO = "no"
    UNDECIDED = "undecided"


class Estimate(NamedTuple):
    """A value with its 95 % interval and the two-sided p of its being 0; NaN where there is none."""

    value: float
    interval: Interval
    p: float


NO_ESTIMATE = Estimate(NAN, NO_INTERVAL, NAN)


@dataclass(frozen=True)
class Comparison:
    """A proxy beside a baseline, on rows finite for both.

    Attributes:
        proxy, baseline: names of the columns.
        n: rows; n_classes: canonical classes among them.
        tau, baseline_tau: tau-b of each on these rows.
        delta: tau less baseline_tau.
        partial: tau given the baseline.
    """

    proxy: str
    baseline: str
    n: int
    n_classes: int
    tau: float
    baseline_tau: float
    delta: Estimate
    partial: Estimate


def comparisons(
    scores: Mapping[str, ArrayLike] | pd.DataFrame,
    sample: Sample,
    *,
    proxies: Sequence[str] | None = None,
    baselines: Sequence[str] = COMPARED,
    variations: Variations | None = None,
) -> list[Comparison]:
    """Every proxy beside every baseline, and of two baselines the later one of `COMPARED` beside the earlier.

    Args:
        scores: per proxy (n_rows,) scores, higher is better, the baselines included.
        sample: truth and classes of the same rows.
        proxies: names of the columns that are compared; None: all of them.
        baselines: names of columns; those that `scores` lacks are left out.
        variations: the plan of resamples of the agreements, whose replicates are then not computed again.
    """
    plan = variations or Variations.of(sample.classes)
    truth = np.asarray(sample.accuracies, dtype=np.float64)
    columns = {str(name): np.asarray(column, dtype=np.float64) for name, column in scores.items()}
    present = [name for name in baselines if name in columns]
    finite = {name: np.isfinite(truth) & np.isfinite(column) for name, column in columns.items()}

    @lru_cache(maxsize=REMEMBERED)
    def pairs(name: str, shared: bytes) -> Pairs:
        return Pairs.of(columns[name], np.where(np.frombuffer(shared, dtype=np.bool_), truth, NAN))

    def both(name: str, baseline: str) -> tuple[Pairs, Pairs]:
        # Rows are sorted by truth, stably: equal rows of both pairs stand at equal places.
        shared = (finite[name] & finite[baseline]).tobytes()
        return pairs(name, shared), pairs(baseline, shared)

    return [
        _comparison((name, baseline), both(name, baseline), plan)
        for name in (columns if proxies is None else proxies)
        for baseline in present
        if baseline != name and not _is_mirrored(name, baseline)
    ]


def _is_mirrored(name: str, baseline: str) -> bool:
    """Whether the pair, both of them counts, is compared the other way round: the later one beside the earlier."""
    return name in COMPARED and COMPARED.index(name) < COMPARED.index(baseline)


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


def verdict(delta: Estimate, p_holm: float) -> Verdict:
    """Yes or no where interval and corrected p agree; equal ranks beat nothing."""
    low, high = delta.interval
    if delta.value == low == high == 0:
        return Verdict.NO
    if not p_holm < 1 - LEVEL:
        return Verdict.UNDECIDED
    return Verdict.YES if low > 0 else Verdict.NO if high < 0 else Verdict.UNDECIDED


def _comparison(names: tuple[str, str], both: tuple[Pairs, Pairs], plan: Variations) -> Comparison:
    own, other = both
    tau, baseline_tau = plan.tau(own), plan.tau(other)
    n_classes = plan.n_classes(own)
    defined = not np.isnan(tau - baseline_tau) and n_classes >= FEWEST_CLUSTERS
    return Comparison(
        *names,
        n=own.counts.n,
        n_classes=n_classes,
        tau=tau,
        baseline_tau=baseline_tau,
        delta=_delta(own, other, tau - baseline_tau, plan)
        if defined
        else NO_ESTIMATE._replace(value=tau - baseline_tau),
        partial=_partial(own, other, plan) if defined else NO_ESTIMATE,
    )


def _delta(own: Pairs, other: Pairs, delta: float, plan: Variations) -> Estimate:
    if plan.by_class is None:
        influence = plan.influences(own).tau - plan.influences(other).tau
        error = standard_error(influence, plan.classes[own.rows])
        half_width = float(stats.norm.ppf((1 + LEVEL) / 2)) * error
        return Estimate(delta, Interval(delta - half_width, delta + half_width), _p(delta, error))
    first, second = (plan.replicates(pairs, plan.by_class)[:, 0] for pairs in (own, other))
    differences = (first - second)[~np.isnan(first - second)]
    if differences.size < 2:
        return NO_ESTIMATE._replace(value=delta)
    low, high = np.quantile(differences, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(delta, Interval(float(low), float(high)), _p(delta, float(differences.std(ddof=1))))


def _partial(own: Pairs, other: Pairs, plan: Variations) -> Estimate:
    """Tau of proxy and truth given the baseline, its influences by the chain rule from those of the three taus."""
    between = own.beside(other)
    a, b, c = plan.tau(own), plan.tau(other), plan.tau(between)
    if max(abs(b), abs(c)) > 1 - 1e-12:
        return NO_ESTIMATE
    spread = float(np.sqrt((1 - b**2) * (1 - c**2)))
    value = (a - b * c) / spread
    aligned = np.empty(own.rows.size)
    aligned[between.rows] = plan.influences(between).tau
    influence = (
        plan.influences(own).tau / spread
        + plan.influences(other).tau * (value * b / (1 - b**2) - c / spread)
        + aligned * (value * c / (1 - c**2) - b / spread)
    )
    error = standard_error(influence, plan.classes[own.rows])
    return Estimate(value, normal_interval(value, error), _p(value, error))


def _p(value: float, error: float) -> float:
    if error == 0:
        return 1.0 if value == 0 else 0.0
    return float(2 * stats.norm.sf(abs(value) / error))
