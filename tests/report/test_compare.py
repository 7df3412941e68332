"""What changed between two runs: equal, changed, of two things, or in one of them only."""

import json
import math
from pathlib import Path

import pandas as pd
import pytest

from harness import columns
from harness.compare import main

ROW = dict.fromkeys(columns.MEASURED, 0.5) | {
    "bench": "nats_tss", "dataset": "cifar10", "proxy": "zico", "version": "1", "options": "", "protocol": "paper",
    "inputs": "real", "truth": "test200", "seed": "0", "n": 1000, "n_nan": 0, "n_inf": 0, "tau": 0.585, "rho": 0.78,
}  # fmt: skip
PARTS = {"truth": {"nats_tss/cifar10": {"sha256": "a"}}, "inputs": {"nats_tss/cifar10/seed0": {"sha256": "i"}}}


def run(folder: Path, rows: list[dict[str, object]], provenance: dict[str, object] | None = None) -> Path:
    folder.mkdir()
    names = (*columns.SUBJECT, *columns.MEASURED)
    pd.DataFrame([ROW | row for row in rows])[list(names)].to_csv(folder / "agreement.csv", index=False)
    if provenance is not None:
        (folder / "run.json").write_text(json.dumps(provenance))
    return folder


def changes(tmp_path: Path, a: Path, b: Path) -> pd.DataFrame:
    assert main([str(a), str(b), "--csv", str(tmp_path / "changes.csv")]) == 0
    return pd.read_csv(tmp_path / "changes.csv", keep_default_na=False, na_values={"tau_difference": [""]})


def test_rows_that_are_equal_changed_new_and_gone(tmp_path, capsys):
    a = run(tmp_path / "a", [{}, {"proxy": "naswot", "tau": 0.6}, {"proxy": "gone"}])
    b = run(tmp_path / "b", [{}, {"proxy": "naswot", "tau": 0.62}, {"proxy": "new"}])
    found = changes(tmp_path, a, b).set_index("proxy")
    assert found["status"].to_dict() == {
        "zico": "equal", "naswot": "changed", "gone": "only in A", "new": "only in B",
    }  # fmt: skip
    assert found.loc["naswot", "tau_difference"] == pytest.approx(0.02)
    printed = capsys.readouterr().out
    assert "+.020" in printed
    assert "1 equal, 1 changed, 0 not comparable, 1 only in A, 1 only in B" in printed


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"version": "2"}, "version 1 against 2"),
        ({"truth": "val200"}, "truth test200 against val200"),
        ({"n": 990}, "n 1000 against 990"),
    ],
)
def test_versions_truths_and_samples_are_never_subtracted(row, reason, tmp_path):
    found = changes(tmp_path, run(tmp_path / "a", [{}]), run(tmp_path / "b", [row | {"tau": 0.7}])).iloc[0]
    assert (found["status"], found["reason"]) == ("not comparable", reason)
    assert math.isnan(found["tau_difference"])
    assert (found["tau_a"], found["tau_b"]) == (0.585, 0.7)


@pytest.mark.parametrize(
    ("part", "reason"),
    [
        ({"truth": {"nats_tss/cifar10": {"sha256": "b"}}}, "the truth's file (sha256) differs"),
        ({"inputs": {"nats_tss/cifar10/seed0": {"sha256": "j"}}}, "the images (sha256) differ"),
        ({"space_versions": {"nats_tss": 2}}, "the networks of nats_tss are of a different version"),
        ({"config": {"sample_seed": 1}}, "other architectures were drawn"),
    ],
)
def test_what_lies_behind_equal_names_is_compared_too(part, reason, tmp_path):
    before = PARTS | {"config": {"sample_seed": 0}, "space_versions": {"nats_tss": 1}}
    found = changes(tmp_path, run(tmp_path / "a", [{}], before), run(tmp_path / "b", [{}], before | part)).iloc[0]
    assert (found["status"], found["reason"]) == ("not comparable", reason)


def test_a_verdict_that_turned_is_told(tmp_path, capsys):
    a, b = run(tmp_path / "a", [{}]), run(tmp_path / "b", [{}])
    for folder, beats in ((a, "undecided"), (b, "yes")):
        row = ROW | dict.fromkeys(columns.VERDICT[9:], 0.1) | {"baseline": "params", "beats": beats}
        pd.DataFrame([row])[list(columns.VERDICT)].to_csv(folder / "verdict.csv", index=False)
    assert main([str(a), str(b / "agreement.csv")]) == 0
    assert "undecided" in capsys.readouterr().out


def test_mistakes_are_one_sentence(tmp_path, capsys):
    a = run(tmp_path / "a", [{}])
    assert main([str(a), str(tmp_path / "nowhere")]) == 2
    assert "There is no agreement table at" in capsys.readouterr().err
    assert main([str(a), str(run(tmp_path / "b", [{}, {}]))]) == 2
    assert "has the proxy zico with seed 0 more than once" in capsys.readouterr().err
    assert main([str(a)]) == 2
    assert "arguments are required: B" in capsys.readouterr().err
