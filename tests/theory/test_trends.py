"""Trends and their verdicts, on columns whose ranks are known."""

import numpy as np
import pandas as pd
import pytest

from harness.agreement import Interval
from harness.theory.trends import Claim, Trend, trend, trend_table


def test_a_trend_is_a_rank_correlation_of_two_columns():
    # Ranks of y: 1, 2, 4, 3, 5: one of ten pairs is discordant, tau (9 - 1) / 10; rho 1 - 6 * 2 / (5 * 24) = 0.9.
    points = pd.DataFrame({"x": [1.0, 2, 3, 4, 5], "y": [1.0, 10, 100, 50, 1000]})
    found = trend(points, "x", "y", claim=Claim.rises, setting="five")
    assert (found.n, found.tau, found.rho) == (5, pytest.approx(0.8), pytest.approx(0.9))
    assert np.isnan(found.rho_interval).all()  # too few rows for an interval
    assert found.verdict == "open"


@pytest.mark.parametrize(("claim", "verdict"), [(Claim.rises, "reversed"), (Claim.falls, "holds"), (Claim.none, "")])
def test_the_verdict_compares_the_interval_with_the_claim(claim, verdict):
    source = np.random.default_rng(0)
    x = source.standard_normal(200)
    points = pd.DataFrame({"x": x, "y": -x + 0.3 * source.standard_normal(200)})
    found = trend(points, "x", "y", claim=claim)
    assert found.rho_interval.low < found.rho < found.rho_interval.high < 0
    assert found.verdict == verdict
    row = trend_table([found]).iloc[0]
    assert (row["rho_low"], row["verdict"]) == (found.rho_interval.low, verdict)


def test_an_interval_around_zero_leaves_the_claim_open():
    around = Interval(-0.1, 0.2)
    found = Trend("", "x", "y", Claim.rises, 30, 0.05, around, 0.05, around)
    assert found.verdict == "open"


def test_rows_of_one_class_are_drawn_together():
    # Each of 40 rows ten times over: no new evidence, so the interval must not shrink.
    source = np.random.default_rng(1)
    once = pd.DataFrame({"x": np.arange(40.0), "y": np.arange(40.0) + source.normal(0, 15, 40)})
    ten = pd.concat([once] * 10, ignore_index=True)
    alone = trend(once, "x", "y", claim=Claim.none).rho_interval
    together = trend(ten, "x", "y", claim=Claim.none, classes=list(range(40)) * 10).rho_interval
    assert together == pytest.approx(alone, abs=0.02)
