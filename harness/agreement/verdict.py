"""Tables beside the table of agreement: verdicts, selection, spread over seeds, reliability of the truth."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness import columns
from harness.agreement.correlation import correlations
from harness.agreement.measure import Agreement
from harness.agreement.paired import Comparison, holm, verdict
from harness.agreement.reliability import Reliability
from harness.agreement.selection import Selection
from harness.agreement.table import RowKey

# An interval of 95 % is 2 * 1.96 standard errors wide.
_WIDTH_IN_ERRORS = 3.92


def verdict_table(compared: Iterable[tuple[RowKey, Comparison]], *, baselines: Collection[str] = ()) -> pd.DataFrame:
    """One row per proxy and baseline, columns of `columns.VERDICT`.

    p is corrected for all proxies that are compared with one baseline on one benchmark and data set, within each seed:
    a proxy that is repeated is no further hypothesis. One without a seed is among those of every seed, and has the
    largest of its corrected p. `baselines` are no hypotheses: beside one another they get a difference with its
    interval, but neither a corrected p (NaN) nor a verdict (empty).
    """
    rows = list(compared)
    families = [(row_key.bench, row_key.dataset, found.baseline) for row_key, found in rows]
    corrected = [float("nan")] * len(rows)
    for family in dict.fromkeys(families):
        together = [at for at, found in enumerate(families) if found == family and rows[at][0].proxy not in baselines]
        seeds = {rows[at][0].seed for at in together}
        for seed in seeds - {columns.NO_SEED} or seeds:
            own = [at for at in together if rows[at][0].seed in (seed, columns.NO_SEED)]
            for position, value in zip(own, holm([rows[at][1].delta.p for at in own]), strict=True):
                corrected[position] = float(np.fmax(corrected[position], value))
    cells = [
        asdict(row_key)
        | {
            columns.BASELINE: found.baseline,
            columns.N: found.n,
            columns.N_CLASSES: found.n_classes,
            columns.TAU: found.tau,
            columns.BASELINE_TAU: found.baseline_tau,
            columns.DELTA: found.delta.value,
            columns.DELTA_LOW: found.delta.interval.low,
            columns.DELTA_HIGH: found.delta.interval.high,
            columns.P: found.delta.p,
            columns.P_HOLM: p_holm,
            columns.BEATS: "" if row_key.proxy in baselines else verdict(found.delta, p_holm).value,
            columns.PARTIAL_TAU: found.partial.value,
            columns.PARTIAL_LOW: found.partial.interval.low,
            columns.PARTIAL_HIGH: found.partial.interval.high,
            columns.P_PARTIAL: found.partial.p,
        }
        for (row_key, found), p_holm in zip(rows, corrected, strict=True)
    ]
    return pd.DataFrame(cells, columns=list(columns.VERDICT))


def selection_table(selected: Iterable[tuple[RowKey, Selection]]) -> pd.DataFrame:
    """One row per row of the table of agreement: its subject and what its ranking finds."""
    cells = [asdict(row_key) | found.columns() for row_key, found in selected]
    return pd.DataFrame(cells) if cells else pd.DataFrame(columns=list(columns.SUBJECT))


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
