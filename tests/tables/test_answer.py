"""The tables of all proxies: which counts each beats and falls behind on every data set."""

import csv
import shutil
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pandas as pd
import pytest

from harness.agreement import RowKey
from harness.errors import OptionError
from harness.paths import DATA_VARIABLE
from harness.proxy import PROXIES
from harness.settings import AGAINST
from harness.tables.__main__ import main
from harness.tables.answer import LETTERS, NAMES, page_lines, rows_of_place, write_answer
from harness.tables.headline import headline
from harness.tables.scores import ScoreSources
from harness.tables.spec import read_spec

if TYPE_CHECKING:
    from harness.tables.verdicts import Judged

ROOT = Path(__file__).parent.parent.parent
SCORES = ROOT / "results" / "scores"
FIVE = "params flops_live n_convs_live depth sum_log_layer_size"
CELLS, WIDTHS, TEXT = ("nats_tss", "cifar10"), ("nats_sss", "cifar10"), ("nasbench_bert", "glue")


def _row(place: tuple[str, str], proxy: str, taus: tuple[float, float], **others: object) -> dict[str, object]:
    values = dict.fromkeys(NAMES, "") | {"bench": place[0], "dataset": place[1], "proxy": proxy, "n_population": 15_625}
    values |= {"n": 100, "n_sample": 100, "tau": taus[0], "tau_networks": taus[1], "counts": FIVE, "seconds": 1.5}
    values |= {"counts_tau": 0.6, "counts_tau_networks": 0.65}
    return values | others


def _lines(*rows: dict[str, object]) -> list[str]:
    omitted: dict[str, list[tuple[str, str]]] = {"Only counts have scores": [("mnasnet", "imagenet")], "No truth": []}
    spec = replace(read_spec("answer"), bench=("nats_tss", "nats_sss", "nasbench_bert", "mnasnet", "nasbench_mr"))
    page = list(page_lines(spec, pd.DataFrame(list(rows), columns=list(NAMES)), omitted))
    assert "Only counts have scores: mnasnet / imagenet." in page
    assert page[-1].startswith("No scores: ")
    assert page[-1].endswith("nasbench_mr.")
    below = page[page.index("## All proxies") + 1 :]
    return [line for line in below if line.startswith(("|", "##"))]


def test_a_line_names_the_counts_that_a_proxy_beats_and_falls_behind() -> None:
    found = _lines(
        _row(CELLS, "params", (0.578, 0.611), seconds=float("nan"), n=15_625, counts=float("nan")),
        _row(CELLS, "zico", (0.59, 0.6125), beaten="params", behind="depth n_convs_live", n=15_625, n_sample=15_625),
        _row(CELLS, "meco", (0.731, 0.739), beaten=FIVE, beaten_networks="depth params"),
        _row(CELLS, "near", (0.2, 0.2), behind="params"),
        _row(CELLS, "apd", (0.2, 0.2)),
        _row(CELLS, "epsinas", (0.9, 0.9), n=41),
        _row(WIDTHS, "zico", (0.766, 0.766), beaten="params", beaten_networks="params", counts="params", seconds=9.0),
        _row(WIDTHS, "meco", (float("nan"), float("nan")), n=0, counts="params"),
        _row(WIDTHS, "dextr", (-0.5, -0.5), counts=""),
    )
    assert found == [
        "| proxy | nats_tss / cifar10, 100; PFCDS | nats_sss / cifar10, 100; P | cost |",
        "| --- | ---: | ---: | ---: |",
        "| meco | .731 **+PFCDS** / .739 +PD | - | 1.5 s |",
        "| zico | .590 +P &minus;CD / .613 (all) | .766 **+P** | 1.5 s |",
        "| *params* | .578 / .611 (all) | - | - |",
        "| near | .200 &minus;P / .200 | - | 1.5 s |",  # one tau, two verdicts
        "| apd | .200 | - | 1.5 s |",
        "| epsinas | .900 (41) | - | 1.5 s |",  # of less than half as many: last
        "| dextr | - | -.500 | - |",
    ]


def test_proxies_for_sequences_of_tokens_have_a_table_of_their_own() -> None:
    found = _lines(
        _row(CELLS, "zico", (0.5, 0.5)),
        _row(CELLS, "swap_universal", (0.4, 0.4)),
        _row(TEXT, "params", (0.3, 0.3)),
        _row(TEXT, "swap_universal", (0.6, 0.6), seconds=0.25),
        _row(TEXT, "w_pca", (0.4, 0.4), options="k=2"),
        _row(TEXT, "w_pca", (0.2, 0.2), options="k=3"),
        _row(WIDTHS, "zico", (0.7, 0.7)),
    )
    at = found.index("## Transformers")
    assert "| zico | .500 | .700 | 1.5 s |" in found[:at]
    assert [line.split(" | ")[:2] for line in found[at + 3 :]] == [
        ["| swap_universal", ".600"], ["| w_pca (k=2)", ".400"], ["| *params*", ".300"], ["| w_pca (k=3)", ".200"],
    ]  # fmt: skip


def test_the_headline_says_for_each_data_set_what_beats_counting() -> None:
    rows = [
        _row(CELLS, "params", (0.578, 0.611), n=15_625, n_sample=15_625),
        _row(CELLS, "flops_live", (0.657, 0.612), n=15_625, n_sample=15_625),
        _row(CELLS, "zico", (0.59, 0.6125), beaten="params", behind="depth"),
        _row(CELLS, "near", (0.7, 0.7), beaten=FIVE, beaten_networks=FIVE),
        _row(CELLS, "meco", (0.731, 0.739), beaten=FIVE, beaten_networks="depth params"),
        _row(CELLS, "snip", (-0.1, -0.2), behind=FIVE, behind_networks=FIVE),
        _row(CELLS, "fisher", (-0.1, -0.2), behind="depth", behind_networks=FIVE),
        _row(CELLS, "epsinas", (0.9, 0.9), n=41, n_sample=41),  # too few to be named
        _row(
            CELLS, "apd", (0.8, 0.8), counts_tau=0.75, counts_tau_networks=0.75
        ),  # of a sample on which counts do well
        _row(CELLS, "grasp", (float("nan"), float("nan")), n=0),
        _row(WIDTHS, "params", (0.6, 0.6)),
        _row(WIDTHS, "zico", (0.5, 0.5), counts="depth"),
        _row(TEXT, "params", (0.3, 0.3)),
        _row(TEXT, "w_pca", (0.4, 0.4), counts="", counts_tau=float("nan"), counts_tau_networks=float("nan")),
    ]
    found = [line for line in headline(pd.DataFrame(rows, columns=list(NAMES)), LETTERS) if line.startswith("|")]
    assert found == [
        "| data set | proxies | highest count | largest lead | beat #Params | beat every count | behind every one |",
        "| --- | ---: | --- | --- | --- | --- | --- |",
        "| nats_tss / cifar10 | 7 | flops_live .657 / flops_live .612 | meco .731 (+.131) / meco .739 (+.089) | "
        "3 / 2 of 7 | meco, near / near | 1 / 2 |",
        "| nats_sss / cifar10 | 1 | params .600 | zico .500 (-.100) / zico .500 (-.150) | - | none | 0 |",
        "| nasbench_bert / glue | 1 | params .300 | - | - | none | 0 |",
    ]


def _scored(proxy: str, tau: float, n: int, **others: str) -> SimpleNamespace:
    key = RowKey("nats_tss", "cifar10", **({"proxy": proxy, "version": "1", "options": "", "protocol": "paper"} | {
        "inputs": "real", "truth": "test200", "seed": "0"} | others))  # fmt: skip
    votes = SimpleNamespace(correlations=SimpleNamespace(tau=tau), tau_generalisation=(tau - 0.1, tau + 0.1))
    agreement = SimpleNamespace(counts=SimpleNamespace(n=n), n_population=15_625, cells=votes, networks=votes)
    return SimpleNamespace(row_key=key, agreement=agreement, seconds=1.0)


def _verdicts(*rows: tuple[SimpleNamespace, str, str, float]) -> pd.DataFrame:
    return pd.DataFrame([
        {**asdict(one.row_key), "baseline": count, "beats": beats, "beats_networks": "undecided", "baseline_tau": tau,
            "baseline_tau_networks": tau}
        for one, count, beats, tau in rows
    ])  # fmt: skip


def test_of_several_columns_of_a_proxy_real_images_and_the_largest_sample_are_taken() -> None:
    noise, real = _scored("epsinas", 0.3, 300, inputs="noise"), _scored("epsinas", 0.6, 120)
    variant = _scored("near", 0.1, 300, options="k=2")
    near, few = _scored("near", 0.7, 300, seed="0+1"), _scored("near", 0.5, 100)
    only = _scored("tcet", 0.2, 300, options="mode=log")
    params, depth = _scored("params", 0.4, 300), _scored("depth", float("nan"), 300)
    large = _verdicts(
        (noise, "params", "no", 0.4), (near, "params", "yes", 0.4), (near, "depth", "undecided", float("nan")),
        (variant, "params", "no", 0.4), (only, "params", "no", 0.4),
    )  # fmt: skip
    small = _verdicts((real, "params", "yes", 0.45), (few, "params", "no", 0.45))
    near.row_key = replace(near.row_key, seed="1")  # a verdict of two seeds is of each of them
    own = SimpleNamespace(
        evaluated=[SimpleNamespace(index=pd.Index(range(300))), SimpleNamespace(index=pd.Index(range(120)))],
        analyses=[
            SimpleNamespace(rows=[noise, near, variant, only], beside=[params, depth]),
            SimpleNamespace(rows=[real, few], beside=[]),
        ],
        tables=[large, small],
    )
    rows = list(rows_of_place(read_spec("answer"), cast("Judged", own), CELLS))
    assert [(row["proxy"], row["options"], row["n"]) for row in rows] == [
        ("params", "", 300), ("depth", "", 300), ("epsinas", "", 120), ("near", "", 300),
        ("tcet", "mode=log", 300),
    ]  # fmt: skip
    by_proxy = {str(row["proxy"]): row for row in rows}
    assert (by_proxy["epsinas"]["beaten"], by_proxy["epsinas"]["n_sample"]) == ("params", 120)
    assert [by_proxy[name]["counts_tau"] for name in ("epsinas", "near")] == [0.45, 0.4]  # on their own architectures
    assert (by_proxy["near"]["beaten"], by_proxy["near"]["counts"]) == ("params", "params")
    assert (by_proxy["tcet"]["behind"], by_proxy["tcet"]["behind_networks"]) == ("params", "")
    assert by_proxy["params"]["tau_low"] == pytest.approx(0.3)


def test_a_benchmark_that_there_is_not_is_told(tmp_path: Path) -> None:
    spec = replace(read_spec("answer"), bench=("nats_tsss",))
    with pytest.raises(OptionError, match=r"answer: No benchmark is called 'nats_tsss'\. Did you mean 'nats_tss'\?"):
        write_answer(spec, ScoreSources(SCORES), tmp_path)


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
    counts_only = shutil.ignore_patterns(*(f"{name}@*" for name in PROXIES if name not in AGAINST))
    shutil.copytree(SCORES / "nasbench_bert@1", tmp_path / "scores" / "nasbench_bert@1")
    shutil.copytree(SCORES / "mnasnet@1", tmp_path / "scores" / "mnasnet@1", ignore=counts_only)
    said, path = write_answer(spec, ScoreSources(tmp_path / "scores"), tmp_path)
    assert "0 beat every count over cells, 0 over networks." in said
    assert path.read_text().endswith("\nOnly counts have scores: mnasnet / imagenet.\n")
    assert "## Transformers" in path.read_text()
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
