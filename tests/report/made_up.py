"""An evaluation of made-up scores."""

import numpy as np
import pandas as pd

from harness import columns
from harness.agreement import (
    Plan,
    Row,
    RowKey,
    Sample,
    Variations,
    agreement_table,
    agreements,
    comparisons,
    selection_table,
    selections,
    verdict_table,
)
from harness.report import EvaluationTables

N = 200


def tables_of(scores: dict[str, np.ndarray], *, data_sets: tuple[str, ...] = ("digits",)) -> EvaluationTables:
    """An evaluation of made-up scores; the truth is 0, 1, ..., N-1."""
    truth = np.arange(N, dtype=float)
    sample = Sample(truth, [f"class{row // 2}" for row in range(N)], 1_000)
    rows, frames, compared, selected = [], {}, [], []
    plan = Variations.of(sample.classes, n_replicates=50)
    for data_set in data_sets:
        for name, found in agreements(scores, sample, variations=plan).items():
            row_key = RowKey("nats_tss", data_set, name, "1", "", "paper", "real", "test", "0")
            rows.append(Row(row_key, found, 0.25))
            compared += [(row_key, one) for one in comparisons(scores, sample, proxies=[name], paired=Plan(plan))]
            selected.append((row_key, selections({name: scores[name]}, sample, costs={"flops": truth // 20 + 1})[name]))
        archs = {columns.ARCH: [f"|a{row}|" for row in range(N)], columns.INDEX: range(N), columns.TRUTH: truth}
        frames["nats_tss", data_set] = pd.DataFrame(archs | scores)
    provenance = {"command": "python -m harness proxy=[good,params]", "versions": {"torch": "2.13.0"}}
    failures = {("nats_tss", "digits", "bad"): {"failed: ValueError: odd | pipe": 3}}
    return EvaluationTables(
        agreement_table(rows), frames, provenance, failures, verdict_table(compared), selection_table(selected)
    )
