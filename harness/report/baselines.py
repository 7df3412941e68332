"""Which rows of a table are baselines: shown in grey and with a star, and without a verdict."""

from collections.abc import Mapping

import pandas as pd

from harness import columns
from harness.proxy import is_baseline


def is_baseline_row(row: Mapping[str, object]) -> bool:
    """Whether a row of a table of results is about a baseline."""
    return is_baseline(str(row[columns.PROXY]), version=str(row[columns.VERSION]))


def baseline_rows(table: pd.DataFrame) -> "pd.Series[bool]":
    """Whether each row of a table of results is about a baseline."""
    subjects = zip(table[columns.PROXY], table[columns.VERSION], strict=True)
    found = [is_baseline(str(name), version=str(version)) for name, version in subjects]
    return pd.Series(found, index=table.index, dtype=bool)


def baselines_among(table: pd.DataFrame) -> frozenset[str]:
    """The names of the baselines among the rows of a table of results."""
    return frozenset(table[columns.PROXY][baseline_rows(table)])
