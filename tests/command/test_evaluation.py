"""`python -m harness` from end to end, on the embedded benchmark with small batches."""

import json
import sqlite3
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from stored_scores import stored

from harness import Settings, evaluate
from harness.columns import AGREEMENT
from harness.protocol import Protocol
from harness.space import BENCHMARKS
from harness.store import ScoreStore
from harness.truth import Truth

SMALL = ["protocol.batch_size=8", "sample=12", "workers=1"]


def test_an_evaluation_writes_its_files_and_prints_their_folder_last(command):
    code, out, _ = command("proxy=[zico,params]", *SMALL)
    assert code == 0
    folder = Path(out.splitlines()[-1])
    assert {file.name for file in folder.iterdir()} == {
        "agreement.csv",
        "verdict.csv",
        "selection.csv",
        "reliability.csv",
        "scores.parquet",
        "report.md",
        "scatter.png",
        "forest.png",
        "topk.png",
        "cost.png",
        "run.json",
    }
    agreement = pd.read_csv(folder / "agreement.csv")
    assert tuple(agreement.columns) == AGREEMENT
    assert list(agreement["proxy"]) == ["zico", "params"]
    assert (agreement["n"] == 12).all()
    scores = pd.read_parquet(folder / "scores.parquet")
    assert list(scores.columns) == ["arch", "index", "truth", "zico", "params"]
    space = BENCHMARKS.get("nats_tss")
    assert [space.architectures[row] for row in scores["index"]] == list(scores["arch"])
    run = json.loads((folder / "run.json").read_text())
    assert run["config"]["protocol"]["batch_size"] == 8
    assert len(run["inputs"]["nats_tss/digits/seed0"]["sha256"]) == 64
    assert not Path("outputs").exists()
    assert not Path("multirun").exists()


@pytest.mark.long
def test_a_second_run_computes_nothing_and_says_the_same(command):
    words = ["proxy=[zico,naswot]", *SMALL, "out=one"]
    assert command(*words)[0] == 0
    before = stored(Path("results/scores.sqlite"))
    code, _, err = command(*words[:-1], "out=two")
    assert (code, err) == (0, "")  # no progress bar: nothing to do
    assert stored(Path("results/scores.sqlite")) == before
    for name in ("agreement.csv", "scores.parquet", "scatter.png"):
        assert Path("one", name).read_bytes() == Path("two", name).read_bytes()


@pytest.mark.long
def test_scores_are_bit_equal_for_any_workers_order_and_company(command):
    proxies = ["zico", "naswot", "synflow", "grad_norm"]
    assert command(f"proxy=[{','.join(proxies)}]", *SMALL, "store=one.sqlite")[0] == 0
    two = [*SMALL[:2], "workers=2", "store=two.sqlite"]
    assert command(f"proxy=[{','.join(reversed(proxies))}]", *two)[0] == 0
    for name in proxies:
        assert command(f"proxy={name}", *SMALL, "store=alone.sqlite")[0] == 0
    assert command("proxy=zico", "protocol.batch_size=8", "sample=5", "workers=1", "store=nested.sqlite")[0] == 0
    one = stored(Path("one.sqlite"))
    assert one == stored(Path("two.sqlite")) == stored(Path("alone.sqlite"))
    nested = stored(Path("nested.sqlite"))
    assert nested
    assert nested.items() <= one.items()


def test_canonical_duplicates_are_scored_once(command):
    space = BENCHMARKS.get("nats_tss")
    second = next(arch for arch in space.architectures if space.canonical(arch) != arch)
    twins = [arch for arch in space.architectures if space.canonical(arch) == space.canonical(second)]
    pd.DataFrame({"arch": twins, "mine": range(len(twins))}).to_csv("mine.csv", index=False)
    assert len(twins) > 1
    assert command("scores=mine.csv", "proxy=[zico,params]", *SMALL[:1], "workers=1", "out=one")[0] == 0
    found = stored(Path("results/scores.sqlite"))
    assert sum(proxy == "zico@1" for proxy, _, _ in found) == 1
    assert sum(proxy == "params@1" for proxy, _, _ in found) == len(twins)
    assert pd.read_parquet("one/scores.parquet")["zico"].nunique() == 1


def test_scores_made_elsewhere_go_straight_to_agreement(command):
    archs = list(BENCHMARKS.get("nats_tss").architectures[:30])
    truth = Truth.open("nats_tss").values(archs, "digits", "test")
    table = pd.DataFrame({"arch": archs, "oracle": truth, "contrary": -truth})
    table.loc[3, "oracle"] = np.nan
    table.to_csv("mine.csv", index=False)
    assert command("scores=mine.csv", "out=one")[0] == 0
    rows = pd.read_csv("one/agreement.csv").set_index("proxy")
    assert rows.loc["oracle", ["tau", "n", "n_nan"]].tolist() == [1.0, 29, 1]
    assert rows.loc["contrary", "rho"] == pytest.approx(-1.0)
    assert "params" in rows.index


def test_a_run_that_fails_leaves_no_empty_folder(command):
    archs = list(BENCHMARKS.get("nats_tss").architectures[:30])
    pd.DataFrame({"arch": archs, "flops": range(30), "flops (mine.csv)": range(30)}).to_csv("mine.csv", index=False)
    Path("kept").mkdir()
    for words in ([], ["out=new"], ["out=kept"]):
        code, _, err = command("scores=mine.csv", "proxy=flops", *words)
        assert code == 2
        assert err.endswith("Two columns of scores would be called flops (mine.csv); rename one in scores=.\n")
    assert {path.name for path in Path().iterdir()} == {"mine.csv", "kept", "results"}
    assert not list(Path("results").glob("runs/*"))


def test_each_seed_is_a_row_and_counts_have_none(command):
    assert command("proxy=[zico,params]", *SMALL, "seeds=2", "seed=3", "out=one")[0] == 0
    rows = pd.read_csv("one/agreement.csv", dtype=str)
    assert list(zip(rows["proxy"], rows["seed"], strict=True)) == [("zico", "3"), ("params", "none"), ("zico", "4")]
    scores = pd.read_parquet("one/scores.parquet")
    assert (scores["zico"] != scores["zico#4"]).any()


MY_PROXY = '''"""A proxy of one's own."""
from dataclasses import dataclass
from typing import ClassVar
from harness.evidence import Layers
from harness.proxy import PROXIES, Proxy, Sees

@PROXIES.register("{name}")
@dataclass(frozen=True)
class Mine(Proxy):
    """Weights, scaled."""
    version: ClassVar[int] = 1
    sees: ClassVar[Sees] = Sees.ALL
    factor: float = {factor}

    def measure(self, layers: Layers) -> float:
        if {broken}:
            raise RuntimeError("not today")
        return self.factor * layers.sum(layers.n_weights)
'''


@pytest.mark.long
def test_a_proxy_by_path_takes_options_and_is_scored_anew_when_its_file_changes(command):
    Path("mine.py").write_text(MY_PROXY.format(name="by_path", factor=2.0, broken=False))
    words = ["proxy=mine.py", *SMALL, "dataset=digits"]
    assert command(*words, "out=one")[0] == 0
    assert command(*words, "+options.by_path.factor=-2", "out=two")[0] == 0
    one, two = (pd.read_parquet(f"{name}/scores.parquet")["by_path"] for name in ("one", "two"))
    assert (one == -two).all()
    with sqlite3.connect("results/scores.sqlite") as connection:
        digests = connection.execute("SELECT source, options FROM keys WHERE proxy LIKE 'by_path@%'").fetchall()
    assert all(len(source) == 64 for source, _ in digests)
    assert len(digests) == 2


@pytest.mark.long
def test_failures_are_rows_and_are_retried_when_asked(command):
    Path("broken.py").write_text(MY_PROXY.format(name="broken", factor=1.0, broken=True))
    code, _, _ = command("proxy=[broken.py,params]", *SMALL, "out=one")
    assert code == 0
    rows = pd.read_csv("one/agreement.csv").set_index("proxy")
    assert rows.loc["broken", ["n", "n_nan"]].tolist() == [0, 12]
    assert rows.loc["params", "n"] == 12
    assert "RuntimeError: not today" in Path("one/report.md").read_text()
    with ScoreStore(Path("results/scores.sqlite")) as store:
        (key,) = (key for key in store.score_keys() if key.proxy == "broken@1")
        older = [score._replace(reason="an older one") for score in store.find(key, store.known(key)).values()]
        store.add([(key, score) for score in older], replace=True)
    assert command("proxy=broken.py", *SMALL, "retry=none")[0] == 0
    assert "an older one" in Path(command("proxy=broken.py", *SMALL)[1].splitlines()[-1], "report.md").read_text()
    assert command("proxy=broken.py", *SMALL, "retry=failed", "out=two")[0] == 0
    assert "an older one" not in Path("two/report.md").read_text()


def test_all_stands_for_what_is_there_and_says_what_is_left_out(command):
    code, out, _ = command("proxy=params", "bench=all", "dataset=all", "sample=12", "out=one")
    assert code == 0
    assert "skipped: nats_tss cifar10" in out
    assert "python -m harness.data fetch nats_tss" in out
    assert pd.read_csv("one/agreement.csv")["dataset"].tolist() == ["digits"]


@pytest.mark.long
def test_one_table_over_several_data_sets(command, fetched_home, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA", str(fetched_home))
    assert command("proxy=[params,flops]", "bench=all", "dataset=all", "sample=50", "out=one")[0] == 0
    rows = pd.read_csv("one/agreement.csv")
    with_truth = [name for name in BENCHMARKS if BENCHMARKS.get(name).enumerable]
    if find_spec("timm") is None:
        with_truth.remove("timm")
    wanted = {(name, data_set) for name in with_truth for data_set in BENCHMARKS.get(name).data_sets}
    assert set(zip(rows["bench"], rows["dataset"], strict=True)) == wanted
    assert {"bench", "dataset"} <= set(pd.read_parquet("one/scores.parquet").columns)


@pytest.mark.long
def test_the_counts_agree_with_the_published_truth_as_measured_on_the_tables(command, fetched_home, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA", str(fetched_home))
    words = ["proxy=[params,flops]", "dataset=[cifar10,cifar100,ImageNet16-120]", "sample=all", "out=one"]
    assert command(*words)[0] == 0
    rows = pd.read_csv("one/agreement.csv")
    published = {"cifar10": (0.578, 0.753), "cifar100": (0.553, 0.728), "ImageNet16-120": (0.520, 0.692)}
    for _, row in rows.iterrows():
        assert (row["tau"], row["rho"]) == pytest.approx(published[row["dataset"]], abs=0.001)
        assert row["tau_sampling_low"] == row["tau"] == row["tau_sampling_high"]
        assert row["tau_low"] < row["tau"] < row["tau_high"]


@pytest.mark.long
def test_the_python_interface_gives_the_same_numbers(command, tmp_path):
    assert command("proxy=grad_norm", *SMALL, "out=one", "store=one.sqlite")[0] == 0
    protocol = Protocol(batch_size=8)
    settings = Settings(sample=12, workers=1, protocol=protocol, store=Path("two.sqlite"), out=Path("two"))
    evaluation = evaluate("grad_norm", "nats_tss", "digits", settings)
    written = pd.read_csv("one/agreement.csv")
    assert evaluation.agreement["tau"].tolist() == written["tau"].tolist()
    assert list(evaluation.scores) == [("nats_tss", "digits")]
