"""Tables beside the table of agreement: verdicts, selection, spread over seeds, reliability of the truth."""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness import columns
from harness.agreement.correlation import correlations
from harness.agreement.measure import Agreement
from harness.agreement.paired import Comparison, Contrast, Estimate, exact_verdict, holm, verdict
from harness.agreement.reliability import Reliability
from harness.agreement.selection import Selection
from harness.agreement.table import RowKey
from harness.settings import SMALLEST

# An interval of 95 % is 2 * 1.96 standard errors wide.
_WIDTH_IN_ERRORS = 3.92


@dataclass(frozen=True)
class Rules:
    """What a verdict asks for.

    Attributes:
        smallest: difference of tau below which two rankings of a whole population differ in nothing that matters.
        hypotheses: (proxy, baseline) that were declared beforehand: their p is not corrected.
    """

    smallest: float = SMALLEST
    hypotheses: Collection[tuple[str, str]] = ()


def verdict_table(
    compared: Iterable[tuple[RowKey, Comparison]], rules: Rules | None = None, *, baselines: Collection[str] = ()
) -> pd.DataFrame:
    """One row per proxy and baseline, columns of `columns.VERDICT`.

    p is corrected for all proxies that are compared with one baseline on one benchmark and data set, over cells and
    over networks separately. `baselines` are no hypotheses: beside one another they get a difference with its
    interval, but neither a corrected p (NaN) nor a verdict (empty).
    """
    rules, rows = rules or Rules(), list(compared)
    families = [
        None if row_key.proxy in baselines else (row_key.bench, row_key.dataset, row_key.population, found.baseline)
        for row_key, found in rows
    ]
    by_cells, n_family = _corrected(families, [found.cells.delta.p for _, found in rows])
    by_networks, n_by_networks = _corrected(families, [found.networks.delta.p for _, found in rows])
    cells = []
    corrections = zip(by_cells, n_family, by_networks, n_by_networks, strict=True)
    for (row_key, found), (p_holm, n_tests, p_networks, n_networks) in zip(rows, corrections, strict=True):
        is_hypothesis = row_key.proxy not in baselines
        declared = is_hypothesis and (row_key.proxy, found.baseline) in rules.hypotheses

        def answer(contrast: Contrast, p: float, *, whole: bool = found.enumerated, given: bool = is_hypothesis) -> str:
            if not given:
                return ""
            return (exact_verdict(contrast, rules.smallest) if whole else verdict(contrast.delta, p)).value

        own, networks = found.cells, found.networks
        cells.append(
            asdict(row_key)
            | {
                columns.BASELINE: found.baseline,
                columns.N: found.n,
                columns.N_CLASSES: found.n_classes,
                columns.TAU: own.tau,
                columns.BASELINE_TAU: own.baseline_tau,
                **_estimated(own.delta, columns.DELTA, columns.DELTA_LOW, columns.DELTA_HIGH, columns.P),
                columns.P_HOLM: p_holm,
                columns.BEATS: answer(own, own.delta.p if declared else p_holm),
                **_estimated(
                    own.partial, columns.PARTIAL_TAU, columns.PARTIAL_LOW, columns.PARTIAL_HIGH, columns.P_PARTIAL
                ),
                columns.TAU_NETWORKS: networks.tau,
                columns.BASELINE_TAU_NETWORKS: networks.baseline_tau,
                **_estimated(
                    networks.delta,
                    columns.DELTA_NETWORKS,
                    columns.DELTA_NETWORKS_LOW,
                    columns.DELTA_NETWORKS_HIGH,
                    columns.P_NETWORKS,
                ),
                columns.P_HOLM_NETWORKS: p_networks,
                columns.BEATS_NETWORKS: answer(networks, networks.delta.p if declared else p_networks),
                **_estimated(
                    networks.partial,
                    columns.PARTIAL_TAU_NETWORKS,
                    columns.PARTIAL_NETWORKS_LOW,
                    columns.PARTIAL_NETWORKS_HIGH,
                    columns.P_PARTIAL_NETWORKS,
                ),
                columns.N_EFFECTIVE: own.delta.n_effective,
                columns.N_EFFECTIVE_NETWORKS: networks.delta.n_effective,
                columns.TRUTH_ERROR: own.truth_error,
                columns.TRUTH_ERROR_NETWORKS: networks.truth_error,
                columns.SEED_ERROR: own.seed_error,
                columns.SEED_ERROR_NETWORKS: networks.seed_error,
                columns.N_DECIDING_SEEDS: found.n_seeds,
                columns.ENUMERATED: "yes" if found.enumerated else "no",
                columns.SMALLEST: rules.smallest,
                columns.N_FAMILY: n_tests,
                columns.N_FAMILY_NETWORKS: n_networks,
                columns.DECLARED: "yes" if declared else "no",
            }
        )
    return pd.DataFrame(cells, columns=list(columns.VERDICT))


def _estimated(estimate: Estimate, value: str, low: str, high: str, p: str) -> dict[str, float]:
    return {value: estimate.value, low: estimate.interval.low, high: estimate.interval.high, p: estimate.p}


def _corrected(families: Sequence[Hashable], p_values: Sequence[float]) -> tuple[list[float], list[int]]:
    """Per row its p corrected within its family, and how many tests that has; NaN and 0 without a family (None)."""
    corrected, n_tests = [float("nan")] * len(families), [0] * len(families)
    for family in set(families) - {None}:
        together = [position for position, own in enumerate(families) if own == family]
        p = [p_values[at] for at in together]
        for position, value in zip(together, holm(p), strict=True):
            corrected[position], n_tests[position] = value, int(np.count_nonzero(~np.isnan(p)))
    return corrected, n_tests


def selection_table(selected: Iterable[tuple[RowKey, Selection]]) -> pd.DataFrame:
    """One row per row of the table of agreement: its subject and what its ranking finds, `columns.SELECTION`."""
    cells = [asdict(row_key) | found.columns() for row_key, found in selected]
    return pd.DataFrame(cells, columns=list(columns.SELECTION))


def reliability_table(found: Iterable[tuple[tuple[str, str, str], Reliability]]) -> pd.DataFrame:
    """One row per (benchmark, data set, truth column) and kind of repetition, columns of `columns.RELIABILITY`."""
    rows = [(*place, *reliability) for place, reliability in found]
    return pd.DataFrame(rows, columns=list(columns.RELIABILITY))


def reference_table(found: Iterable[tuple[tuple[str, str, str], tuple[str, int], Agreement]]) -> pd.DataFrame:
    """One row per (benchmark, data set, truth column) and (column, epochs) of shorter training."""
    cells = [
        dict(zip((columns.BENCH, columns.DATASET, columns.TRUTH), place, strict=True))
        | dict(zip((columns.REFERENCE_COLUMN, columns.EPOCHS), column, strict=True))
        | agreement.columns()
        for place, column, agreement in found
    ]
    return pd.DataFrame(cells, columns=list(columns.REFERENCE))


def seeds_table(agreement: pd.DataFrame, scores: Mapping[str, Sequence[NDArray[np.float64]]]) -> pd.DataFrame:
    """One row per proxy of one benchmark and data set that has several seeds, columns of `columns.SEEDS`.

    `tau_seed_sd` is the spread over the proxy's own seeds (initial weights and batches); `tau_architecture_se` that
    over architectures at one seed, the mean width of the generalisation intervals over 3.92.

    Args:
        agreement: rows of `columns.AGREEMENT` of one benchmark and data set.
        scores: per proxy the columns (n_rows,) of its seeds; their mean pairwise tau is `tau_between_seeds`.
    """
    same = [name for name in (*columns.SUBJECT, columns.COMPONENTS) if name != columns.SEED]
    rows = []
    for row_key, of_seeds in agreement.groupby(same, sort=False):
        if len(of_seeds) < 2:
            continue
        tau = of_seeds[columns.TAU]
        width = of_seeds[columns.TAU_HIGH] - of_seeds[columns.TAU_LOW]
        columns_of_scores = scores.get(str(of_seeds[columns.PROXY].iloc[0]), ())
        between = [
            correlations(first, second).tau
            for position, first in enumerate(columns_of_scores)
            for second in columns_of_scores[position + 1 :]
        ]
        rows.append((
            *row_key, len(of_seeds), tau.mean(), tau.std(ddof=1), tau.min(), tau.max(),
            width.mean() / _WIDTH_IN_ERRORS, float(np.mean(between)) if between else float("nan"),
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=list(columns.SEEDS))
