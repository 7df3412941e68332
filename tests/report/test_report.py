"""The report: what a reader is told, and that files are written whole or not at all."""

import dataclasses
import errno
import io
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report.made_up import N, tables_of
from rich.console import Console

from harness import columns
from harness.errors import HarnessError, OptionError
from harness.files import atomic
from harness.report import TERMINAL_WIDTH, EvaluationTables, markdown_report, terminal_table, write_report
from harness.report.tables import correlation_text, seconds_text
from harness.result_tables import read_agreement


def printed(tables: EvaluationTables) -> str:
    console = Console(width=TERMINAL_WIDTH, file=io.StringIO())
    console.print(terminal_table(tables))
    return console.file.getvalue()


def test_the_terminal_table_fits_and_puts_the_best_first(tables):
    text = printed(tables)
    lines = text.splitlines()
    assert max(map(len, lines)) <= TERMINAL_WIDTH
    assert text.index("params*") < text.index("good") < text.index("bad")
    assert "n_nan 3 (no score or no truth: excluded), n_inf 5 (ranked first or last)" in text
    assert "250 ms" in text


def test_the_star_is_explained_only_where_there_is_one(tables):
    assert "* baseline" in printed(tables)
    assert "* baseline" not in printed(tables_of({"good": np.arange(N) * 1.0}))


def test_seeds_are_named_only_where_they_differ(tables):
    assert "seed 0" not in printed(tables).split("truth: ")[0]
    differing = tables.agreement.copy()
    differing.loc[0, columns.SEED], differing.loc[2, columns.SEED] = "1", "none"
    text = printed(dataclasses.replace(tables, agreement=differing)).split("truth: ")[0]
    assert "good seed 1" in text
    assert "bad seed 0" in text
    assert "params* seed" not in text


def test_the_report_shows_what_each_ranking_finds_over_cells_and_networks(tables):
    text = markdown_report(tables)
    rows = tables.selection.set_index("proxy")
    assert "| bench | data set | proxy | one vote per | precision@10 | precision@100 | nDCG@10 |" in text
    good = rows.loc["good"]
    for votes, suffix in (("cells", ""), ("networks", "_networks")):
        found = f"| nats_tss | digits | good | {votes} | {correlation_text(good['weighted_tau' + suffix])} |"
        assert found in text
        at_equal = correlation_text(good[f"tau_equal_flops{suffix}"])
        assert f"| {at_equal} | - |" in text
    # Classes are pairs of neighbours, so 100 networks: the best tenth by truth is the last 20 cells.
    assert good["precision10"] == np.mean(np.argsort(tables.scores["nats_tss", "digits"]["good"])[-10:] >= 180)
    single = dataclasses.replace(
        tables,
        selection=tables.selection.assign(**{f"{name}_networks": tables.selection[name] for name in columns.FOUND}),
    )
    section = markdown_report(single).split("## Top-k selection")[1].split("## Figures")[0]
    assert "| networks |" not in section


def test_the_report_says_what_was_asked_found_left_out_and_where_it_comes_from(tables):
    text = markdown_report(tables)
    assert "python -m harness proxy=[good,params]" in text
    row = tables.verdicts[tables.verdicts["proxy"] == "good"].iloc[0]
    # params is the truth in steps of ten: the proxy, the truth with noise, falls behind it.
    assert f"good beats #Params: no, delta tau {correlation_text(row['delta'])} [" in text
    assert "| nats_tss | digits | bad | params | cells | 197 |" in text
    assert "`bad` on nats_tss / digits: n_nan 3" in text
    assert "most often (3) with: failed: ValueError: odd | pipe" in text
    assert "| versions.torch | 2.13.0 |" in text
    assert "![Ground truth against the score of each proxy](scatter.png)" in text
    assert "cost.png" not in text
    assert "](cost.png)" in markdown_report(tables, pictures=["scatter.png", "cost.png"])


@pytest.mark.parametrize(
    ("value", "text"), [(0.5777, ".578"), (-0.0349, "-.035"), (1.0, "1.000"), (-0.0001, ".000"), (float("nan"), "-")]
)
def test_correlations_are_printed_as_the_field_prints_them(value, text):
    assert correlation_text(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.9999, "1 s"), (0.0123, "12 ms"), (4.4e-6, "4.4 us"), (1e-9, "<1 us")])
def test_seconds_have_a_readable_unit(value, text):
    assert seconds_text(value) == text


def test_files_are_written_and_equal_results_are_equal_bytes(tables, tmp_path):
    for name in ("one", "two"):
        write_report(tmp_path / name, tables)
    for file in (
        "agreement.csv",
        "verdict.csv",
        "selection.csv",
        "scores.parquet",
        "report.md",
        "scatter.png",
        "run.json",
    ):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    pd.testing.assert_frame_equal(read_agreement(tmp_path / "one/agreement.csv"), tables.agreement)
    assert json.loads((tmp_path / "one/run.json").read_text())["versions"] == {"torch": "2.13.0"}
    assert list(pd.read_parquet(tmp_path / "one/scores.parquet").columns) == [*columns.SCORES, "good", "bad", "params"]


def test_several_data_sets_are_told_apart_in_one_file(tmp_path):
    write_report(tmp_path, tables_of({"good": np.arange(N) * 1.0}, data_sets=("digits", "cifar10")))
    scores = pd.read_parquet(tmp_path / "scores.parquet")
    assert list(scores.columns) == ["bench", "dataset", "arch", "index", "truth", "good"]
    assert scores["dataset"].value_counts().to_dict() == {"digits": N, "cifar10": N}


@pytest.mark.long
def test_a_full_disk_leaves_the_old_file_and_says_that_scores_are_kept(tables, tmp_path, monkeypatch):
    write_report(tmp_path, tables)
    before = (tmp_path / "agreement.csv").read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(HarnessError, match=r"The disk of .* is full .*scores are in the store"):
        write_report(tmp_path, tables)
    assert (tmp_path / "agreement.csv").read_bytes() == before
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "agreement.csv", "verdict.csv", "selection.csv", "scores.parquet", "report.md", "scatter.png",
        "forest.png", "topk.png", "cost.png", "run.json",
    }  # fmt: skip


def test_a_folder_that_cannot_be_made_is_one_sentence(tables, tmp_path):
    Path(tmp_path, "file").write_text("")
    with pytest.raises(OptionError, match=r"The results cannot be written into .*out=FOLDER"):
        write_report(tmp_path / "file" / "folder", tables)


def test_every_text_says_what_the_truth_is_and_where_its_meaning_differs():
    """Validation is never called test: the name of a column alone says too little."""
    half = {"metric": "accuracy", "unit": "%", "split": "validation", "epochs": 90, "note": "trained on half"}
    whole = half | {"note": ""}
    two = tables_of({"good": np.arange(N) * 1.0}, data_sets=("digits", "cifar10"))
    provenance = {"truth": {"nats_tss/digits": half, "nats_tss/cifar10": whole}}
    described = dataclasses.replace(two, provenance=provenance)
    text = " ".join(printed(described).split())
    assert "truth: test on nats_tss / digits (validation accuracy after 90 epochs, %; trained on half)" in text
    assert "truth: test on nats_tss / cifar10 (validation accuracy after 90 epochs, %)" in text
    assert "- truth: test on nats_tss / cifar10 (validation accuracy after 90 epochs, %)." in markdown_report(described)
    unitless = {"metric": "ssim", "unit": "", "split": "test", "epochs": None, "note": "after the last epoch"}
    provenance = {"truth": {"nats_tss/digits": unitless, "nats_tss/cifar10": unitless}}
    assert "truth: test (test ssim; after the last epoch)" in printed(dataclasses.replace(two, provenance=provenance))
