"""An evaluation of a benchmark whose accuracies can be compared within groups alone."""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.mnasnet import ACCEL
from benchmarks.timm_zoo import SOURCE, library
from benchmarks.timm_zoo.counts import is_counted
from benchmarks.timm_zoo.populations import rows_of
from benchmarks.timm_zoo.rows import published_rows, read_row
from harness.__main__ import main
from harness.agreement.within import combined
from harness.columns import WITHIN
from harness.errors import MissingDataError
from harness.evaluation import ask, evaluate, forecast, score_shard
from harness.evaluation.request import open_request
from harness.inputs import InputKind
from harness.scoring import ExecutionOptions
from harness.scoring.composites import require_space
from harness.settings import Settings
from harness.store import ScoreStore
from harness.truth.sources import fetch

TAGS = ("r160_in1k", "ra4_e3600_r224_in1k", "r224_in1k")  # the last one has fewer than ten that are counted


@pytest.fixture(scope="module")
def evaluated(mirror: Path, proxy_text, tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("groups")
    numbers = {row: number for number, row in enumerate(published_rows())}
    rows = [row for tag in TAGS for row in rows_of(tag) if is_counted(numbers[row])]
    (home / "some.csv").write_text("arch\n" + "".join(f"{row.name}\n" for row in rows))
    (home / "as_params.py").write_text(proxy_text.replace("{name}", "as_params"))
    proxies = f"proxy=[params,flops,params_live,{home / 'as_params.py'}]"
    words = ["bench=timm", "dataset=imagenet", proxies, f"population={home / 'some.csv'}"]
    words += ["inputs=noise", f"store={home / 'scores.sqlite'}", "workers=1", f"out={home / 'out'}"]
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("HARNESS_MIRROR", str(mirror))
        changed.setenv("HARNESS_DATA", str(home))
        changed.setattr(sys, "argv", ["harness", *words])
        fetch(SOURCE, home)
        assert main() == 0
    return home / "out"


@pytest.fixture(scope="module")
def within(evaluated) -> pd.DataFrame:
    return pd.read_csv(evaluated / "within.csv", keep_default_na=False)


def test_groups_and_their_combination_are_those_of_the_scores(evaluated, within):
    assert list(within.columns) == list(WITHIN)
    scores = pd.read_parquet(evaluated / "scores.parquet")
    tags = scores["arch"].map(lambda arch: read_row(arch).tag)
    taus, sizes = [], []
    for tag in TAGS[:2]:
        own = scores[tags == tag]
        (row,) = within[(within["group"] == tag) & (within["proxy"] == "flops")].to_dict("records")
        tau = stats.kendalltau(own["flops"], own["truth"]).statistic
        assert float(row["tau"]) == pytest.approx(tau)
        assert int(row["n"]) == len(own) >= 10
        taus.append(tau)
        sizes.append(len(own))
    assert set(within["group"]) == {*TAGS[:2], ""}
    rows = within[(within["group"] == "") & (within["baseline"] == "") & (within["proxy"] == "flops")]
    (together,) = rows.to_dict("records")
    expected = combined([np.arctanh(tau) for tau in taus], [0.437 / (n - 4) for n in sizes])
    assert float(together["tau"]) == pytest.approx(np.tanh(expected.value))
    assert (float(together["tau_low"]), float(together["tau_high"])) == pytest.approx(
        (np.tanh(expected.low), np.tanh(expected.high))
    )


def test_the_report_begins_with_the_groups_and_says_what_is_left_out(evaluated, within):
    report = (evaluated / "report.md").read_text()
    assert report.index("## Rank correlation within groups") < report.index("## Rank correlation with the ground truth")
    n_small = sum(1 for arch in pd.read_parquet(evaluated / "scores.parquet")["arch"] if read_row(arch).tag == TAGS[2])
    assert 0 < n_small < 10
    assert f"- {n_small} of " in report
    assert "networks are in groups of fewer than 10" in report
    against = within[within["baseline"] == "params"].set_index("proxy")
    assert against.loc["as_params", "beats"] == "undecided"
    assert float(against.loc["as_params", "p_holm"]) == 1
    assert float(against.loc["as_params", "delta"]) == 0


def test_a_count_has_a_difference_from_another_count_and_no_verdict(within):
    against = within[within["baseline"] == "params"].set_index("proxy")
    assert float(against.loc["params_live", "delta"]) == 0
    assert against.loc[["params_live", "flops"], ["beats", "p_holm"]].to_numpy().tolist() == [["", ""]] * 2


def test_of_several_benchmarks_the_one_whose_library_is_missing_is_left_out(mirror, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_MIRROR", str(mirror))
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path))
    assert all([fetch(source, tmp_path) for source in (SOURCE, ACCEL)])
    monkeypatch.setitem(sys.modules, "timm", None)
    settings = Settings(sample=20, inputs=(InputKind.noise,), store=tmp_path / "scores.sqlite", out=tmp_path / "out")
    library.imported.cache_clear()
    try:
        found = evaluate("params", ["timm", "mnasnet"], "imagenet", settings)
        with pytest.raises(MissingDataError, match=r"pip install 'nas-proxy-harness\[timm\]'"):
            evaluate("params", "timm", "imagenet", replace(settings, out=tmp_path / "alone"))
        shard = replace(settings, shard="0/2", store=tmp_path / "shard.sqlite")
        shards = score_shard(ask("params", ["timm", "mnasnet"], "imagenet", None, shard))
        dry = replace(settings, dry_run=True, store=tmp_path / "dry.sqlite")
        (one,) = forecast(ask("params", ["timm", "mnasnet"], "imagenet", None, dry))
    finally:
        library.imported.cache_clear()
    assert set(found.agreement["bench"]) == {"mnasnet"}
    assert one.name == ("mnasnet", "imagenet")
    assert not list(tmp_path.glob("dry.sqlite*"))  # it is only looked at
    for skipped in (found.skipped, shards.skipped):
        (one,) = skipped
        assert (one.bench, one.data_set) == ("timm", "imagenet")
        assert "pip install 'nas-proxy-harness[timm]'" in one.reason


def test_a_proxy_that_is_made_of_others_needs_the_library_of_its_parts(mirror, tmp_path, monkeypatch):
    monkeypatch.setenv("HARNESS_MIRROR", str(mirror))
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path))
    assert fetch(SOURCE, tmp_path)
    settings = Settings(sample=5, inputs=(InputKind.noise,), population="counted")
    (evaluated, (run,), _) = open_request(ask("az_nas", "timm", "imagenet", None, settings)).found[0]
    monkeypatch.setitem(sys.modules, "timm", None)
    library.imported.cache_clear()
    try:
        with (
            ScoreStore(tmp_path / "scores.sqlite") as store,
            pytest.raises(MissingDataError, match=r"pip install 'nas-proxy-harness\[timm\]'"),
        ):
            require_space(run, evaluated.archs, store, ExecutionOptions(1))
    finally:
        library.imported.cache_clear()
