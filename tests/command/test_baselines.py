"""What is a baseline, and what is left out: told by the registry and by what is on this machine."""

import math
import re
from pathlib import Path

import pandas as pd
import pytest

from harness import Settings, evaluate
from harness.errors import HarnessError
from harness.evaluation.baselines import compared_with
from harness.paths import IMAGES_VARIABLE
from harness.proxy import PROXIES, baseline_names
from harness.result_tables import read_agreement
from harness.space import BENCHMARKS
from harness.truth import Truth

COUNTS = ("n_weights", "params_live", "flops")  # compared with by default: none of them


def settings(folder: Path, **more: object) -> Settings:
    return Settings(workers=1, store=folder / "s.sqlite", out=folder / "out", **more)


@pytest.mark.long
@pytest.mark.usefixtures("rough_intervals")
def test_every_registered_baseline_is_one_and_no_hypothesis(tmp_path):
    assert set(baseline_names()) == {name for name in PROXIES if PROXIES.get(name).baseline}
    assert set(compared_with()) < set(baseline_names())
    found = evaluate(["swap", *COUNTS], settings=settings(tmp_path, sample=60)).tables.verdicts.set_index("proxy")
    counts, proxy = found.loc[list(COUNTS)], found.loc["swap"]
    assert (counts["beats"] == "").all()
    assert (counts["beats_networks"] == "").all()
    assert counts[["p_holm", "p_holm_networks"]].isna().all().all()
    assert (counts["n_family"] == 0).all()
    assert (proxy["n_family"] == 1).all()
    assert counts["delta"].notna().any()
    # One proxy: Holm multiplies by one, however many counts there are beside it.
    assert proxy["p_holm"].tolist() == pytest.approx(proxy["p"].tolist())
    assert set(proxy["beats"]) <= {"yes", "no", "undecided"}


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"against": ("zico",)}, "against=zico is invalid: zico is no baseline; the baselines are "),
        ({"against": ("parms",)}, "No proxy is called 'parms'. Did you mean 'params'?"),
        ({"against": ()}, "against=[] is invalid: it must be one baseline or more"),
        ({"hypothesis": ("zico",)}, "hypothesis=zico is invalid: it must be PROXY:BASELINE"),
        ({"hypothesis": ("naswot:params",)}, "hypothesis=naswot:params is invalid: naswot is not evaluated here"),
        ({"hypothesis": ("flops:params",)}, "hypothesis=flops:params is invalid: flops is a baseline"),
        ({"hypothesis": ("swap:n_weights",)}, "hypothesis=swap:n_weights is invalid: nothing is compared with"),
        ({"smallest": -0.1}, "smallest=-0.1 is invalid: it must be 0 or more and below 1."),
        ({"population": "reachabel"}, "Did you mean 'reachable'?"),
    ],
)
def test_mistakes_about_the_verdict_are_told_before_anything_is_computed(tmp_path, more, sentence):
    with pytest.raises(HarnessError, match=re.escape(sentence)):
        evaluate(["swap", "flops"], settings=settings(tmp_path, sample=20, **more))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("rough_intervals")
def test_scores_made_elsewhere_are_proxies_whatever_their_name(tmp_path):
    archs = list(BENCHMARKS.get("nats_tss").architectures[:40])
    truth = Truth.open("nats_tss").values(archs, "digits", "test")
    pd.DataFrame({"arch": archs, "n_weights": truth}).to_csv(tmp_path / "mine.csv", index=False)
    found = evaluate(settings=settings(tmp_path, scores=tmp_path / "mine.csv"))
    own = found.tables.verdicts.query("proxy == 'n_weights' and baseline == 'params'")
    assert own["beats"].item() == "yes"
    assert "mine.csv) beats #Params: yes" in (tmp_path / "out" / "report.md").read_text()


@pytest.mark.usefixtures("rough_intervals")
def test_a_column_that_is_called_as_a_baseline_stays_the_files_own(tmp_path):
    """A file's flops_live that is the truth reversed: it neither becomes the baseline nor loses its verdict to it."""
    archs = list(BENCHMARKS.get("nats_tss").architectures[:40])
    truth = Truth.open("nats_tss").values(archs, "digits", "test")
    pd.DataFrame({"arch": archs, "flops_live": -truth}).to_csv(tmp_path / "mine.csv", index=False)
    found = evaluate("params", settings=settings(tmp_path, scores=tmp_path / "mine.csv"))
    own = found.tables.verdicts.query("proxy == 'flops_live (mine.csv)' and baseline == 'flops_live'")
    assert own["tau"].item() == pytest.approx(-1)
    assert own["baseline_tau"].item() > 0
    assert own["beats"].item() == "no"
    assert "mine.csv: its column flops_live is called flops_live (mine.csv) here" in found.notes[0]


@pytest.mark.usefixtures("rough_intervals")
def test_truth_is_opened_once_per_evaluation_set(tmp_path, monkeypatch):
    opened = []
    first = Truth.open.__func__

    def counted(cls: type[Truth], benchmark: str, home: Path | None = None) -> Truth:
        opened.append(benchmark)
        return first(cls, benchmark, home)

    monkeypatch.setattr(Truth, "open", classmethod(counted))
    found = evaluate(["params", "flops"], settings=settings(tmp_path, sample=30))
    assert opened == ["nats_tss"]
    assert len(found.tables.reliability) == 1  # which reads other columns of it


def test_baselines_of_the_verdict_are_shown_in_the_terminal_alone(command):
    code, out, _ = command("proxy=naswot", "sample=20", "protocol.batch_size=8", "workers=1", "out=one")
    assert code == 0
    head = out.partition("truth: ")[0]
    for name in compared_with():
        assert f" {name}* " in head
    assert "inputs real; " in out
    assert "* baseline" in out
    assert pd.read_csv("one/agreement.csv")["proxy"].tolist() == ["naswot"]
    assert list(pd.read_parquet("one/scores.parquet").columns) == ["arch", "index", "truth", "naswot"]


def test_what_needs_no_inputs_is_said_so(command):
    _, out, _ = command("proxy=[naswot,params,n_weights]", "sample=20", "protocol.batch_size=8", "workers=1")
    assert "inputs real (counts need none); protocol paper(batch_size=8); seed 0\n" in out
    assert "no interval on " not in out


def test_a_sample_below_ten_is_said_to_be_too_small(command):
    code, out, _ = command("proxy=params", "sample=9", "out=one")
    assert code == 0
    sentence = "no interval on nats_tss / digits: n = 9; a sample below 10 is too small for one"
    assert sentence in out
    assert f"- {sentence}." in Path("one/report.md").read_text()
    assert math.isnan(read_agreement(Path("one/agreement.csv"))["tau_low"].item())


@pytest.mark.long
@pytest.mark.parametrize("data_sets", ["all", "[digits,cifar10]"])
def test_data_sets_whose_images_are_missing_are_left_out_with_the_command_that_brings_them(
    data_sets, command, fetched_home, monkeypatch
):
    monkeypatch.setenv("HARNESS_DATA", str(fetched_home))
    monkeypatch.setenv(IMAGES_VARIABLE, str(Path.cwd() / "no_images"))
    words = [f"dataset={data_sets}", "sample=10", "protocol.batch_size=8", "workers=1", "out=one"]
    code, out, _ = command("proxy=naswot", *words)
    assert code == 0
    assert pd.read_csv("one/agreement.csv")["dataset"].tolist() == ["digits"]
    assert "skipped: nats_tss cifar10: No images of cifar10 are in " in out
    assert "python -m harness.data fetch cifar10" in out
    # What needs no images is evaluated.
    assert command("proxy=params", *words[:-1], "out=two")[0] == 0
    assert "cifar10" in pd.read_csv("two/agreement.csv")["dataset"].tolist()


def test_a_data_set_named_alone_is_no_list(command, fetched_home, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA", str(fetched_home))
    monkeypatch.setenv(IMAGES_VARIABLE, str(Path.cwd() / "no_images"))
    code, _, err = command("proxy=naswot", "dataset=cifar10", "sample=10")
    assert code == 2
    assert err.startswith("No images of cifar10 are in ")
    code, _, err = command("proxy=naswot", "dataset=[cifar10,cifar100]", "sample=10")
    assert code == 2
    assert err.startswith("None of the data sets can be evaluated. No images of cifar10 are in ")


def test_a_list_leaves_out_missing_data_and_no_mistake(command, fetched_home, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA", str(fetched_home))
    code, _, err = command("proxy=params", "dataset=[cifar10,digits]", "truth=test200", "sample=10")
    assert code == 2
    assert "No truth column of nats_tss on digits is called 'test200'" in err
