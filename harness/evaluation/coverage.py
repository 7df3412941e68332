"""The table of how much of each network of the user's own a score is of."""

from collections.abc import Iterable

import pandas as pd

from harness import columns
from harness.evaluation.score_columns import ScoreColumn
from harness.evidence.coverage import Coverage
from harness.store import OK


def coverage_table(found: Iterable[ScoreColumn]) -> pd.DataFrame:
    """One row per network, proxy and seed, with the columns of `columns.COVERED`; none for the project's benchmarks."""
    rows = []
    for column in found:
        key = column.row_key
        for score in column.stored:
            known = Coverage.parse(score.reason) if score.status == OK else None
            shares = (None, None) if known is None else (known.weights, known.activations)
            reason = "" if score.status == OK else score.reason
            rows.append((key.bench, key.dataset, score.arch, key.proxy, key.seed, score.status, *shares, reason))
    return pd.DataFrame(rows, columns=list(columns.COVERED))
