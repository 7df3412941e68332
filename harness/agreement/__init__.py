"""Agreement: how well scores rank architectures as their truth does, with two 95 % intervals."""

from harness.agreement.correlation import Correlations, Counts, Pairs, correlations
from harness.agreement.interval import Interval
from harness.agreement.measure import Agreement, Sample, agreements
from harness.agreement.paired import Comparison, Plan, comparisons
from harness.agreement.planning import Components
from harness.agreement.reliability import Reliability, of_classes, of_seeds
from harness.agreement.resampling import Resampling, replicates
from harness.agreement.selection import TOP, Selection, selections
from harness.agreement.table import Row, RowKey, agreement_table
from harness.agreement.top import best_of_top
from harness.agreement.truth_noise import TruthNoise
from harness.agreement.variations import Variations
from harness.agreement.verdict import (
    Rules,
    reference_table,
    reliability_table,
    seeds_table,
    selection_table,
    verdict_table,
)

__all__ = [
    "TOP",
    "Agreement",
    "Comparison",
    "Components",
    "Correlations",
    "Counts",
    "Interval",
    "Pairs",
    "Plan",
    "Reliability",
    "Resampling",
    "Row",
    "RowKey",
    "Rules",
    "Sample",
    "Selection",
    "TruthNoise",
    "Variations",
    "agreement_table",
    "agreements",
    "best_of_top",
    "comparisons",
    "correlations",
    "of_classes",
    "of_seeds",
    "reference_table",
    "reliability_table",
    "replicates",
    "seeds_table",
    "selection_table",
    "selections",
    "verdict_table",
]
