"""What results/ says beside published values is what its tables hold."""

import csv
import re
from pathlib import Path

import pandas as pd

from harness.paths import conf_folder
from harness.space import BENCHMARKS

RESULTS = Path(__file__).parent.parent / "results"
COUNTS = ("params", "flops")
CLOSE = 0.02
TEXT = (RESULTS / "all_benchmarks" / "comparison.md").read_text()


def compared() -> list[list[str]]:
    lines = [line for line in TEXT.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def numbers(cell: str) -> list[float | None]:
    return [None if word == "-" else float(word) for word in cell.split(" / ")]


def test_every_published_count_on_a_benchmark_that_is_here_is_compared():
    with (conf_folder() / "published" / "correlations.csv").open() as file:
        published = [
            [
                f"{row['source']}, {row['table']}",
                *(row[name] for name in ("space", "dataset", "proxy")),
                f"{row['kendall'] or '-'} / {row['spearman'] or '-'}",
            ]
            for row in csv.DictReader(file)
            if row["proxy"] in COUNTS and row["space"] in BENCHMARKS
        ]
    assert [row[:5] for row in compared()] == published


def test_ours_are_those_of_the_table_and_differences_add_up():
    measured = pd.read_csv(RESULTS / "all_benchmarks" / "agreement.csv").set_index(["bench", "dataset", "proxy"])
    for _, bench, data_set, proxy, published, ours, difference, *_ in compared():
        row = measured.loc[bench, data_set, proxy]
        assert numbers(ours) == [round(row["tau"], 3), round(row["rho"], 3)]
        for theirs, own, gap in zip(*map(numbers, (published, ours, difference)), strict=True):
            assert gap == (None if theirs is None else round(own - theirs, 3))


def test_every_large_difference_has_a_cause_and_the_numbers_of_rows_are_right():
    causes = set(re.findall(r"^- \*\*([A-Z]),", TEXT, flags=re.MULTILINE))
    n_close = n_explained = n_left = 0
    for *_, published, _, difference, cause, without in compared():
        is_close = all(gap is None or abs(gap) <= CLOSE for gap in numbers(difference))
        assert is_close == (cause == "")
        assert set(cause.split(", ")) - {""} <= causes
        # the ZiCo paper prints absolute values where the cause is A
        remaining = [
            abs((abs(own) if "A" in cause else own) - theirs)
            for theirs, own in zip(numbers(published), numbers(without) if without else (), strict=False)
            if theirs is not None
        ]
        is_explained = bool(remaining) and max(remaining) <= CLOSE
        n_close += is_close
        n_explained += is_explained
        n_left += not is_close and not is_explained
    found = re.search(r"Of (\d+) rows, (\d+) differ by at most \.02\. Of the other \d+, (\d+) .*?\n(\d+) do not", TEXT)
    assert list(map(int, found.groups())) == [len(compared()), n_close, n_explained, n_left]
