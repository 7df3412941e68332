"""The numbers of a record: agreement with the ground truth, and the comparison with each count, of both estimands."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Correlation:
    """Kendall's tau-b and Spearman's rho with their 95 % intervals, as in agreement.csv; null where there is none."""

    tau: float | None
    tau_low: float | None
    tau_high: float | None
    rho: float | None
    rho_low: float | None
    rho_high: float | None
    tau_sampling_low: float | None
    tau_sampling_high: float | None
    n_effective_classes: float | None


@dataclass(frozen=True)
class OfSeed:
    """Agreement of one seed with the ground truth: each architecture has one vote (cells), or each network has."""

    n: int
    n_nan: int
    n_inf: int
    n_classes: int
    n_population: int
    cells: Correlation
    networks: Correlation


@dataclass(frozen=True)
class Difference:
    """A proxy compared with a count, as in verdict.csv; `p` is not corrected, and `beats` is empty for a count."""

    tau: float | None
    baseline_tau: float | None
    delta: float | None
    delta_low: float | None
    delta_high: float | None
    p: float | None
    beats: str | None
    partial_tau: float | None
    partial_tau_low: float | None
    partial_tau_high: float | None
    p_partial: float | None
    n_effective_classes: float | None
    truth_error: float | None
    seed_error: float | None


@dataclass(frozen=True)
class Against:
    """The comparison with one count, over cells and over networks. The only hypothesis is this one: no correction."""

    n: int
    n_classes: int
    enumerated: bool
    smallest: float
    cells: Difference
    networks: Difference


@dataclass(frozen=True)
class Statistics:
    """All numbers that follow from scores and ground truth: by seed ("none" without one), and by count."""

    by_seed: Mapping[str, OfSeed]
    against: Mapping[str, Against] = field(default_factory=dict)
