"""The tables of all proxies: which counts each beats and falls behind on every data set."""

import csv
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from harness.paths import DATA_VARIABLE
from harness.settings import AGAINST
from harness.tables.__main__ import main
from harness.tables.answer import LETTERS, NAMES, _page, write_answer
from harness.tables.scores import ScoreSources
from harness.tables.spec import read_spec

ROOT = Path(__file__).parent.parent.parent
SCORES = ROOT / "results" / "scores"
FIVE = "params flops_live n_convs_live depth sum_log_layer_size"
CELLS, WIDTHS, TEXT = ("nats_tss", "cifar10"), ("nats_sss", "cifar10"), ("nasbench_bert", "glue")


def _row(place: tuple[str, str], proxy: str, taus: tuple[float, float], **others: object) -> dict[str, object]:
    values = dict.fromkeys(NAMES, "") | {"bench": place[0], "dataset": place[1], "proxy": proxy, "n_population": 15_625}
    return values | {"n": 100, "tau": taus[0], "tau_networks": taus[1], "counts": FIVE, "seconds": 1.5} | others


def _lines(*rows: dict[str, object]) -> list[str]:
    omitted = {"Only counts have scores": [("mnasnet", "imagenet")], "No ground truth here": []}
    page = list(_page(read_spec("answer"), pd.DataFrame(list(rows), columns=list(NAMES)), omitted))
    assert page[-1] == "Only counts have scores: mnasnet / imagenet."
    return [line for line in page if line.startswith(("|", "##"))]


def test_a_line_names_the_counts_that_a_proxy_beats_and_falls_behind() -> None:
    found = _lines(
        _row(CELLS, "params", (0.578, 0.611), options="count", seconds=float("nan"), n=15_625),
        _row(CELLS, "zico", (0.59, 0.6125), beaten="params", behind="depth n_convs_live", n=15_625),
        _row(CELLS, "meco", (0.731, 0.739), beaten=FIVE, beaten_networks="depth params"),
        _row(CELLS, "near", (0.2, 0.2), behind="params"),
        _row(CELLS, "apd", (0.2, 0.2)),
        _row(CELLS, "epsinas", (0.9, 0.9), n=41),
        _row(WIDTHS, "zico", (0.766, 0.766), beaten="params", beaten_networks="params", counts="params", seconds=9.0),
        _row(WIDTHS, "meco", (float("nan"), float("nan"))),
        _row(WIDTHS, "dextr", (-0.5, -0.5)),
    )
    assert found == [
        "| proxy | nats_tss / cifar10, 100 | nats_sss / cifar10, 100 | cost |",
        "| --- | ---: | ---: | ---: |",
        "| meco | .731 **+PFCDS** / .739 +PD | - | 1.5 s |",
        "| zico | .590 +P &minus;CD / .613 (all) | .766 **+P** | 1.5 s |",
        "| *params* | .578 / .611 (all) | - | - |",
        "| near | .200 &minus;P / .200 | - | 1.5 s |",  # one tau, two verdicts
        "| apd | .200 | - | 1.5 s |",
        "| epsinas | .900 (41) | - | 1.5 s |",  # of less than half as many: last
        "| dextr | - | -.500 | - |",
    ]


def test_benchmarks_that_share_no_proxy_have_tables_of_their_own() -> None:
    found = _lines(
        _row(CELLS, "zico", (0.5, 0.5)),
        _row(CELLS, "params", (0.4, 0.4), options="count"),
        _row(TEXT, "params", (0.4, 0.4), options="count"),
        _row(TEXT, "w_pca", (0.4, 0.4), options="k=2"),
        _row(WIDTHS, "zico", (0.7, 0.7), options="k=2"),
    )
    assert [line for line in found if line.startswith("##")] == ["## nasbench_bert"]
    assert "| w_pca (k=2) | .400 | 1.5 s |" in found
    assert "| zico | .500 | .700 | 1.5 s |" in found


def test_every_count_has_a_letter() -> None:
    assert tuple(LETTERS) == AGAINST
    assert len(set(LETTERS.values())) == len(AGAINST)


def test_encoders_from_the_committed_scores(
    fetched_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(fetched_home))
    assert main(["table=answer", f"scores={tmp_path}", f"out={tmp_path}"]) == 2
    assert "No score table holds a proxy but counts" in capsys.readouterr().err
    spec = replace(read_spec("answer"), bench=("nasbench_bert", "mnasnet"))
    said, path = write_answer(spec, ScoreSources(SCORES), tmp_path)
    assert said.endswith("16 rows: 0 beat every count over cells, 0 over networks.")
    assert path.read_text().endswith("\nOnly counts have scores: mnasnet / imagenet.\n")
    # As results/nasbench_bert has it: yes beside the number of convolutions, no beside depth, undecided otherwise.
    row = _proxies(path)["w_pca"]
    assert [row[name] for name in ("beaten", "behind", "counts")] == ["n_convs_live", "depth", FIVE]
    assert [float(row[f"tau{end}"]) for end in ("", "_low", "_high")] == pytest.approx([0.463, 0.400, 0.526], abs=5e-4)
    assert _proxies(path)["head_confidence"]["n"] == "181"


@pytest.mark.long
def test_cells_without_unreachable_operations(
    fetched_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(fetched_home))
    _, path = write_answer(read_spec("answer_reachable"), ScoreSources(SCORES), tmp_path)
    row = _proxies(path)["meco_opt"]
    # As the audit of the 9,445 cells has it, .774.
    assert row["n"] == row["n_population"] == "9445"
    assert float(row["tau"]) == pytest.approx(0.774, abs=6e-4)
    assert row["beaten"] == row["counts"] == FIVE


def _proxies(page: Path) -> dict[str, dict[str, str]]:
    """The rows beside the page by proxy, of the first data set that each was scored on."""
    with page.with_suffix(".csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["proxy"]: row for row in reversed(rows)}
