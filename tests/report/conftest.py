"""Tables of an evaluation of three made-up proxies."""

import numpy as np
import pytest
from report.made_up import N, tables_of

from harness.report import EvaluationTables


@pytest.fixture(scope="module")
def tables() -> EvaluationTables:
    rng = np.random.default_rng(0)
    bad = rng.normal(size=N)
    bad[:3], bad[3:8] = np.nan, -np.inf
    return tables_of({"good": np.arange(N) + rng.normal(0, 20, N), "bad": bad, "params": np.arange(N) // 10 * 1.0})
