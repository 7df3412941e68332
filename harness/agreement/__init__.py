"""Agreement: how well scores rank architectures as their truth does, with two 95 % intervals."""

from harness.agreement.correlation import Correlations, Counts, Pairs, correlations
from harness.agreement.interval import Interval
from harness.agreement.measure import Agreement, Sample, agreements
from harness.agreement.resampling import Resampling, replicates
from harness.agreement.table import BASELINES, Row, Subject, agreement_table

__all__ = [
    "BASELINES",
    "Agreement",
    "Correlations",
    "Counts",
    "Interval",
    "Pairs",
    "Resampling",
    "Row",
    "Sample",
    "Subject",
    "agreement_table",
    "agreements",
    "correlations",
    "replicates",
]
