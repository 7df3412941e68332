"""The table of all proxies: how many counts each beats and falls behind on every data set."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from harness.paths import DATA_VARIABLE
from harness.tables.__main__ import main
from harness.tables.answer import NAMES, _page, write_answer
from harness.tables.scores import ScoreSources
from harness.tables.spec import read_spec

ROOT = Path(__file__).parent.parent.parent
SCORES = ROOT / "results" / "scores"
FIVE = "params flops_live n_convs_live depth sum_log_layer_size"


def _row(place: tuple[str, str], proxy: str, taus: tuple[float, float], **others: object) -> dict[str, object]:
    values = dict.fromkeys(NAMES, "") | {"bench": place[0], "dataset": place[1], "population": "all", "proxy": proxy}
    return values | {"n": 100, "tau": taus[0], "tau_networks": taus[1], "counts": FIVE, "seconds": 1.5} | others


def _lines(*rows: dict[str, object]) -> list[str]:
    page = list(_page(read_spec("answer"), pd.DataFrame(list(rows), columns=list(NAMES))))
    return [line for line in page if line.startswith(("|", "##"))]


def test_a_proxy_has_a_line_with_the_counts_it_beats_and_falls_behind() -> None:
    cells, widths = ("nats_tss", "cifar10"), ("nats_sss", "cifar10")
    found = _lines(
        _row(cells, "zico", (0.59, 0.6125), beaten="params", behind="depth n_convs_live", n=15_625),
        _row(cells, "meco", (0.731, 0.739), beaten=FIVE, beaten_networks="params depth"),
        _row(cells, "near", (0.2, 0.2)),
        _row(widths, "zico", (0.766, 0.766), beaten="params", counts="params", seconds=9.0),
        _row(widths, "meco", (float("nan"), float("nan"))),
    )
    assert found == [
        "## All architectures",
        "| proxy | nats_tss / cifar10 (100 to 15,625) | nats_sss / cifar10 (100) | CPU s, nats_tss / cifar10 |",
        "| --- | ---: | ---: | ---: |",
        "| meco | .731 **+5** / .739 +2 | - | 1.5 s |",
        "| zico | .590 +1 &minus;2 / .613 | .766 **+1** | 1.5 s |",
        "| near | .200 | - | 1.5 s |",
    ]


def test_benchmarks_that_share_no_proxy_have_tables_of_their_own() -> None:
    found = _lines(
        _row(("nasbench_bert", "glue"), "w_pca", (0.4, 0.4), options="k=2"),
        _row(("nats_tss", "cifar10"), "zico", (0.5, 0.5)),
        _row(("nats_tss", "cifar10"), "near", (0.6, 0.6)),
        _row(("nats_sss", "cifar10"), "near", (0.7, 0.7)),
        _row(("nats_tss", "cifar10"), "zico", (0.4, 0.3), population="reachable"),
    )
    heads = [line for line in found if line.startswith("##")]
    assert heads == [
        "## All architectures",
        "## All architectures: nasbench_bert",
        "## Architectures without unreachable operations",
    ]
    assert "| w_pca (k=2) | .400 | 1.5 s |" in found
    assert "| near | .600 | .700 | 1.5 s |" in found
    assert "| zico | .500 | - | 1.5 s |" in found
    assert found[-1] == "| zico | .400 / .300 | 1.5 s |"


def test_encoders_from_the_committed_scores(
    fetched_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(DATA_VARIABLE, str(fetched_home))
    assert main(["table=answer", f"scores={tmp_path}", f"out={tmp_path}"]) == 2
    said, path = write_answer(replace(read_spec("answer"), bench=("nasbench_bert",)), ScoreSources(SCORES), tmp_path)
    assert said == "16 proxies on 1 data set, 16 rows: 0 beat every count over cells, 0 over networks."
    # As results/nasbench_bert has it: yes beside the number of convolutions, no beside depth, undecided otherwise.
    rows = pd.read_csv(path.with_suffix(".csv"), keep_default_na=False).set_index("proxy")
    assert rows.loc["w_pca", ["beaten", "behind", "counts"]].tolist() == ["n_convs_live", "depth", FIVE]
    assert rows.loc["w_pca", "tau"] == pytest.approx(0.463, abs=5e-4)
