"""Ties in the truth are ties: percentages are rounded to what they were measured to, other metrics are not."""

import numpy as np

from harness.truth.table import TableFile, TruthColumn, TruthTable, rounded_to_granularity, write_table


def noisy(values: np.ndarray) -> np.ndarray:
    return values + np.random.default_rng(0).normal(0, 1e-7, values.size)


def test_noise_that_breaks_ties_goes_and_a_mean_of_three_seeds_stays() -> None:
    # Multiples of 1/300 %: thirds of .01 %, as means of three seeds over 10,000 images are.
    exact = np.random.default_rng(1).integers(20_000, 22_000, 5_000) / 300
    found = rounded_to_granularity(noisy(exact), "%")
    assert np.unique(noisy(exact)).size == 5_000
    assert np.unique(found).size == np.unique(exact.round(6)).size
    assert np.abs(found - exact).max() < 6e-5


def test_finer_metrics_and_other_units_are_left_alone() -> None:
    fine = np.random.default_rng(2).uniform(90, 90.1, 5_000)
    assert np.array_equal(rounded_to_granularity(fine, "%"), fine)
    latencies = np.random.default_rng(3).integers(0, 99, 500) + 1e-7
    assert np.array_equal(rounded_to_granularity(latencies, "ms"), latencies)


def test_missing_values_stay_missing() -> None:
    found = rounded_to_granularity(np.array([np.nan, 50.00000001]), "%")
    assert np.isnan(found[0])
    assert found[1] == 50.0


def test_tables_are_written_rounded(tmp_path) -> None:
    column = TruthColumn("test", "digits", "accuracy", "%", "test", 1, "one", True, "made up", "0" * 64)
    path = tmp_path / "t.parquet"
    write_table(TruthTable(["a", "b"], (column,), (np.array([70.12340000001, 70.1234]),)), path, "origin")
    assert TableFile(path, "again").values(["a", "b"], column.key).tolist() == [70.1234, 70.1234]
