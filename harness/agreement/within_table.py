"""The table of agreement within groups, in the columns of `within.csv`."""

from collections.abc import Iterable
from dataclasses import asdict

import pandas as pd

from harness import columns
from harness.agreement.table import RowKey
from harness.agreement.within import GroupAgreement, GroupDifference

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
            row |= {columns.BASELINE: one.baseline, columns.BEATS: one.beats}
            row |= dict(zip(_DELTA, one.delta, strict=True))
        cells.append(row)
    return pd.DataFrame(cells, columns=list(columns.WITHIN))
