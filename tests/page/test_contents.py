"""What the page is made of, and what `python -m harness.page` says of mistakes."""

import json
import math
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.page.__main__ import main, write_page, write_single_file
from harness.page.contents import contents, published
from harness.page.runs import newest, read_run
from harness.space import BENCHMARKS

PROXIES = ["params", "flops_live", "sum_log_layer_size"]


def test_the_contents_are_those_of_the_run(run_folder):
    found = contents([read_run(run_folder)])
    (place,) = found["places"]
    scores = pd.read_parquet(run_folder / "scores.parquet")
    assert place["archs"] == scores["arch"].tolist()
    np.testing.assert_allclose(place["accuracies"], scores["truth"], rtol=1e-6)
    for name in PROXIES:
        np.testing.assert_allclose(place["scores"][name], scores[name], rtol=1e-6)
    assert {row["proxy"] for row in found["leaderboard"]} == set(PROXIES)
    assert {row["column"] for row in found["leaderboard"]} == set(PROXIES)
    verdicts = pd.read_csv(run_folder / "verdict.csv").query("baseline == 'params'").set_index("proxy")
    shown = {row["proxy"]: row["delta"] for row in found["leaderboard"] if row["delta"] is not None}
    assert set(shown) == set(verdicts.index) == {"flops_live", "sum_log_layer_size"}
    assert all(shown[name] == pytest.approx(row["delta"]) for name, row in verdicts.iterrows())
    assert not any(row["beats"] for row in found["leaderboard"])  # counts have no verdict
    graph = BENCHMARKS.get("nats_tss").graph(place["archs"][3])
    _, vertices, *edges = place["graphs"][3]
    assert tuple(found["graphs"]["vertices"][vertices]) == graph.vertices
    assert [found["graphs"]["edges"][edge] for edge in edges] == [
        (edge.source, edge.target, edge.label, edge.live) for edge in graph.edges
    ]


def test_runs_of_before_there_were_verdicts_load_and_runs_are_told_apart(run_folder, tmp_path):
    shutil.copytree(run_folder, tmp_path / "old")
    (tmp_path / "old" / "verdict.csv").unlink()
    board = contents([read_run(run_folder), read_run(tmp_path / "old")])["leaderboard"]
    assert {row["run"] for row in board} == {run_folder.name, "old"}
    assert {row["beats"] for row in board if row["run"] == "old"} == {None}


def test_published_names_are_ours_as_in_the_tables() -> None:
    """ZiCo's Table 1 prints "ntk", which is ntk_cond here; AZ-NAS's grad_norm is over all parameters at once."""
    found = {(row["table"], row["source"], row["proxy"]) for row in published({("nats_tss", "cifar10")})}
    assert ("Table 1", "arXiv:2301.11300", "ntk_cond") in found
    assert ("Table 1", "arXiv:2403.19232", "grad_norm_global") in found


def test_missing_and_infinite_scores_survive_json(run_folder, tmp_path):
    shutil.copytree(run_folder, tmp_path / "run")
    scores = pd.read_parquet(run_folder / "scores.parquet")
    scores["params"] = [math.nan, -math.inf, math.inf, *scores["params"][3:]]
    scores.to_parquet(tmp_path / "run" / "scores.parquet")
    write_page([tmp_path / "run"], tmp_path / "page")
    script = (tmp_path / "page" / "data.js").read_text()
    quoted = script.removeprefix("window.PAGE = JSON.parse('").removesuffix("');\n")
    data = json.loads(quoted.replace("\\'", "'").replace("\\\\", "\\"))
    assert data["places"][0]["scores"]["params"][:3] == [None, "-inf", "inf"]


def test_one_file_holds_all_scripts_and_no_text_of_a_run_ends_one(run_folder, tmp_path):
    shutil.copytree(run_folder, tmp_path / "<script>alert(1)<!--")
    write_single_file([tmp_path / "<script>alert(1)<!--"], tmp_path / "one.html")
    text = (tmp_path / "one.html").read_text()
    assert '<link rel="stylesheet"' not in text
    assert "<script src" not in text
    assert "alert(1)" in text
    assert "<script>alert" not in text
    assert text.count("<script>") == text.count("</script>") == text.count("'sha256-") == 9


def test_the_newest_run_is_taken(run_folder, tmp_path):
    for name in ("old", "new"):
        shutil.copytree(run_folder, tmp_path / name)
    (tmp_path / "old" / "agreement.csv").touch()
    assert newest(tmp_path).name == "old"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nowhere"], "There is no agreement table at nowhere"),
        ([], "There is no run in results/runs. Run an evaluation first"),
        (["broken"], "is not a table of scores"),
    ],
)
def test_a_mistake_is_one_sentence(words, sentence, run_folder, tmp_path, monkeypatch, capsys):
    shutil.copytree(run_folder, tmp_path / "broken")
    Path(tmp_path, "broken", "scores.parquet").write_text("no table")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["page", *words])
    assert main() == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert sentence in line


def test_mistakes_about_files_and_names_end_in_one_sentence(run_folder, tmp_path, monkeypatch, capsys):
    def typed(*words: object) -> str:
        monkeypatch.setattr(sys, "argv", ["page", *map(str, words)])
        assert main() == 2
        return capsys.readouterr().err.strip()

    for name in (".", "", str(tmp_path), str(run_folder / "agreement.csv")):
        assert typed(run_folder, "--single-file", name).endswith(
            "is invalid: it must be a file that ends in .html, such as page.html."
        )
    both = (run_folder, "--out", tmp_path / "page", "--single-file", tmp_path / "page.html")
    assert typed(*both) == "Give --out FOLDER or --single-file FILE, not both."
    shutil.copytree(run_folder, tmp_path / "b" / run_folder.name)
    said = typed(run_folder, tmp_path / "b" / run_folder.name, "--out", tmp_path / "page")
    assert said.startswith(f"Two runs are called {run_folder.name}; ")
    assert (run_folder / "agreement.csv").read_text().startswith("bench")
    assert not (tmp_path / "page").exists()
