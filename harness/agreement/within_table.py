"""The table of agreement within groups, in the columns of `within.csv`."""

from collections.abc import Iterable
from dataclasses import asdict

import numpy as np
import pandas as pd

from harness import columns
from harness.agreement.interval import LEVEL
from harness.agreement.paired import holm
from harness.agreement.table import RowKey
from harness.agreement.within import GroupAgreement, GroupDifference
from harness.proxy import is_baseline

_TAU = (columns.TAU, columns.TAU_LOW, columns.TAU_HIGH)
_RHO = (columns.RHO, columns.RHO_LOW, columns.RHO_HIGH)
_DELTA = (columns.DELTA, columns.DELTA_LOW, columns.DELTA_HIGH)


def within_table(found: Iterable[tuple[RowKey, GroupAgreement | GroupDifference]]) -> pd.DataFrame:
    """One row per (subject, group), combination and comparison with a baseline, columns of `columns.WITHIN`."""
    cells = []
    for key, one in found:
        row: dict[str, object] = {**asdict(key), columns.GROUP: "", columns.BASELINE: "", columns.BEATS: ""}
        row |= {columns.N_GROUPS: one.n_groups, columns.N: one.n, columns.BETWEEN_GROUPS: one.between}
        if isinstance(one, GroupAgreement):
            row[columns.GROUP] = one.group
            row |= dict(zip((*_TAU, *_RHO), (*one.tau, *one.rho), strict=True))
        else:
            row |= {columns.BASELINE: one.baseline, columns.BEATS: one.beats, columns.P: one.p}
            row |= dict(zip(_DELTA, one.delta, strict=True))
        cells.append(row)
    return _corrected(pd.DataFrame(cells, columns=list(columns.WITHIN)))


def _corrected(table: pd.DataFrame) -> pd.DataFrame:
    """With p by Holm over the proxies that are compared with a baseline; undecided where that decides nothing.

    Baselines are no hypotheses: beside one another they have a difference, but no corrected p and no verdict.
    """
    named = zip(table[columns.PROXY], table[columns.VERSION], strict=True)
    are_baselines = np.array([is_baseline(str(name), version=str(version)) for name, version in named], dtype=bool)
    are_compared = (table[columns.BASELINE] != "").to_numpy()
    table.loc[are_compared & are_baselines, columns.BEATS] = ""
    compared = table[are_compared & ~are_baselines]
    for _, rows in compared.groupby([columns.BENCH, columns.DATASET, columns.POPULATION, columns.BASELINE], sort=False):
        corrected = holm([float(p) for p in rows[columns.P]])
        table.loc[rows.index, columns.P_HOLM] = corrected
        undecided = [index for index, p in zip(rows.index, corrected, strict=True) if not p < 1 - LEVEL]
        table.loc[undecided, columns.BEATS] = "undecided"
    return table
