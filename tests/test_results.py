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


def test_every_picture_that_a_page_shows_is_there():
    shown = {
        page.parent / name
        for page in RESULTS.rglob("*.md")
        for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", page.read_text())
    }
    assert shown
    assert sorted(str(picture) for picture in shown if not picture.is_file()) == []


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


def test_the_table_of_the_whole_space_is_what_verdict_csv_holds():
    text = (RESULTS / "README.md").read_text()
    verdicts = pd.read_csv(RESULTS / "whole_space" / "cifar10" / "verdict.csv").set_index(["proxy", "baseline"])
    agreement = pd.read_csv(RESULTS / "whole_space" / "cifar10" / "agreement.csv").set_index("proxy")
    table = text[text.index("| proxy | tau / rho, cells |") :].split("\n\n")[0].splitlines()[2:]
    assert len(table) == 19
    for line in table:
        names, cells, networks, _, *deltas, beats = [cell.strip() for cell in line.strip("|").split("|")]
        proxy = names.split(",")[0]
        own = agreement.loc[proxy]
        assert rounded(*map(float, cells.split(" / "))) == rounded(own["tau"], own["rho"]), proxy
        assert rounded(float(networks)) == rounded(own["tau_networks"]), proxy
        for baseline, cell in zip(("params", "flops_live", "sum_log_layer_size"), deltas, strict=True):
            if (proxy, baseline) not in verdicts.index:
                # Two counts are compared once, the later one beside the earlier.
                row = -verdicts.loc[(baseline, proxy), ["delta", "delta_networks"]] if cell else None
            else:
                row = verdicts.loc[(proxy, baseline), ["delta", "delta_networks"]]
            if cell:
                assert rounded(*map(float, cell.split(" / "))) == rounded(*row), (proxy, baseline)
        if beats:
            answers = [
                "yes" if set(verdicts.loc[proxy][name]) == {"yes"} else "no" for name in ("beats", "beats_networks")
            ]
            assert beats == " / ".join(answers), proxy


def rounded(*values: float) -> tuple[float, ...]:
    return tuple(round(float(value), 3) + 0.0 for value in values)


def test_counting_md_is_what_counting_csv_holds():
    table = pd.read_csv(RESULTS / "tables" / "counting.csv")
    text = (RESULTS / "tables" / "counting.md").read_text()
    for vote in ("beats", "beats_networks"):
        won = table[table["baseline_tau"].notna()].groupby(["bench", "dataset", "proxy", "protocol", "n"])[vote]
        n_won = int((won.agg(set) == {"yes"}).sum())
        assert f"{n_won} {'beat counting over cells' if vote == 'beats' else 'over networks'}" in text
