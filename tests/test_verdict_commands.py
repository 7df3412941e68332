"""The verdict, the lens and the planner as a user runs them, on the embedded benchmark."""

import numpy as np
import pandas as pd
import pytest

from harness import Settings, columns, evaluate, lens, plan
from harness.agreement import correlations
from harness.lens import clustered
from harness.lens.__main__ import main as lens_command
from harness.paths import DATA_VARIABLE
from harness.result_tables import read_agreement
from harness.settings import AGAINST
from harness.space import BENCHMARKS
from harness.space.initialise import Initialisation
from harness.truth.table import TruthColumn, TruthTable, write_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("verdict")


@pytest.fixture(scope="module")
def seeded(folder):
    settings = Settings(sample=60, seeds=2, workers=1, store=folder / "s.sqlite", out=folder / "seeded")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("harness.agreement.resampling.MOST_REPLICATES", 100)
        return evaluate("synflow", settings=settings)


def test_a_proxy_alone_is_compared_with_counts_that_were_not_asked_for(seeded):
    verdicts = pd.read_csv(seeded.out / "verdict.csv")
    assert sorted(set(verdicts["baseline"])) == sorted(AGAINST)
    assert list(verdicts.columns) == list(columns.VERDICT)
    assert set(verdicts["beats"]) <= {"yes", "no", "undecided"}
    # They are no rows of the table that was asked for.
    assert set(read_agreement(seeded.out / "agreement.csv")["proxy"]) == {"synflow"}
    report = (seeded.out / "report.md").read_text()
    assert "synflow (mean of 2 seeds) beats #Params: " in report
    assert "synflow (mean of 2 seeds) adds information beyond FLOPs of live operations: " in report
    assert (verdicts["seed"] == "0+1").all()
    assert (verdicts["n_seeds"] == 2).all()
    assert verdicts["seed_error"].notna().all()


def test_seeds_are_spread_of_their_own(seeded):
    row = pd.read_csv(seeded.out / "seeds.csv").iloc[0]
    taus = seeded.agreement["tau"].to_numpy()
    assert (row["n_seeds"], row["tau_mean"]) == (2, pytest.approx(taus.mean()))
    assert row["tau_seed_sd"] == pytest.approx(abs(taus[0] - taus[1]) / np.sqrt(2))
    widths = seeded.agreement["tau_high"] - seeded.agreement["tau_low"]
    assert row["tau_architecture_se"] == pytest.approx(widths.mean() / 3.92)
    assert 0.3 < row["tau_between_seeds"] < 1
    assert "## Variation over seeds" in (seeded.out / "report.md").read_text()


def test_the_truth_of_the_embedded_benchmark_is_repeated_by_its_seeds_alone(seeded):
    rows = pd.read_csv(seeded.out / "reliability.csv")
    assert rows["between"].tolist() == ["seeds"]
    assert rows["n"].tolist() == [60]


@pytest.mark.long
def test_the_lens_says_what_proxies_follow_and_which_are_alike(folder, capsys, rough_intervals):
    words = ["proxy=[synflow,params]", "sample=60", "workers=1", f"store={folder / 's.sqlite'}", f"out={folder / 'l'}"]
    assert lens_command(words) == 0
    assert "- synflow: " in capsys.readouterr().out
    bias = pd.read_csv(folder / "l" / "bias.csv")
    # Depth and number of convolutions are counts where they are registered; the others always are.
    assert {"params", "flops", "params_live", "flops_live", "sum_log_layer_size"} <= set(bias["count"])
    # Parameters and multiply-accumulates rank the cells of NATS-TSS alike.
    assert bias.query("proxy == 'params' and count == 'flops'")["tau"].item() == pytest.approx(1)
    similar = pd.read_csv(folder / "l" / "similarity.csv")
    assert similar["tau"].between(-1, 1).all()
    assert (folder / "l" / "similarity-nats_tss-digits.png").stat().st_size > 10_000


def test_alike_columns_become_neighbours_and_a_group() -> None:
    # 0 and 2 agree, 1 and 3 agree, the two pairs oppose each other.
    values = np.array([[1, -0.9, 0.9, -0.8], [-0.9, 1, -0.8, 0.9], [0.9, -0.8, 1, -0.9], [-0.8, 0.9, -0.9, 1]])
    order, groups = clustered(values)
    assert {frozenset(order[:2]), frozenset(order[2:])} == {frozenset([0, 2]), frozenset([1, 3])}
    assert groups[0] == groups[1] != groups[2] == groups[3]


@pytest.mark.long
def test_a_study_runs_its_variants_and_compares_them_with_the_settings_as_given(folder, rough_intervals):
    words = ["study=init", "proxy=synflow", "sample=20", "workers=1", f"store={folder / 's.sqlite'}"]
    assert lens_command([*words, f"out={folder / 'study'}"]) == 0
    table = pd.read_csv(folder / "study" / "stability.csv").set_index("variant")
    others = [init.value for init in Initialisation if init is not Initialisation.default]
    assert list(table.index) == ["as_given", *others]
    assert table.loc["as_given", "tau_with_reference"] == pytest.approx(1)
    assert (table["tau_with_reference"] < 0.999).any()
    assert (folder / "study" / "normal" / "agreement.csv").is_file()


def test_variants_keep_what_the_study_does_not_vary() -> None:
    found = lens.variants("batches", Settings(seed=3))
    assert [one.name for one in found] == ["as_given", "2x16", "2x32", "2x64", "4x128", "8x128"]
    assert {one.settings.seed for one in found} == {3}


def test_a_study_of_protocols_leaves_out_the_one_that_is_given(folder, rough_intervals):
    words = ["study=protocols", "protocol=paper_16", "protocols=[paper,paper_16,paper]", "proxy=synflow", "sample=8"]
    assert lens_command([*words, "workers=1", f"store={folder / 's.sqlite'}", f"out={folder / 'protocols'}"]) == 0
    table = pd.read_csv(folder / "protocols" / "stability.csv").set_index("variant")
    assert list(table.index) == ["as_given", "paper"]
    assert (folder / "protocols" / "paper" / "agreement.csv").is_file()


def test_the_planner_prints_numbers_of_architectures(folder, capsys):
    words = ["width=.2", "proxy=[params,flops_live]", "sample=300", f"store={folder / 's.sqlite'}"]
    assert plan.main([*words, f"out={folder / 'plan'}"]) == 0
    printed = capsys.readouterr().out
    assert "tau of params" in printed
    assert "flops_live less params" in printed


@pytest.mark.parametrize(
    ("command", "words", "sentence"),
    [
        (lens_command, ["study=batch"], "No study is called 'batch'. Did you mean 'batches'?"),
        (
            lens_command,
            ["study=protocols", "protocols=[papr]"],
            "No protocol is called 'papr'. Did you mean 'paper'?",
        ),
        (lens_command, ["study=protocols", "protocols=[]"], "protocols=[] is invalid"),
        (
            lens_command,
            ["study=protocols", "protocols=[paper,paper]", "proxy=params"],
            "protocols=[paper,paper] has nothing that differs from the given protocol, paper; name others",
        ),
        (lens_command, ["sampel=3"], "No setting is called 'sampel'. Did you mean 'sample'?"),
        (
            lens_command,
            ["--proxy", "zico"],
            "--proxy is not an option: settings are written without dashes, as proxy=zico.",
        ),
        (plan.main, ["width=wide"], "width=wide is invalid"),
        (plan.main, [], "width=null is invalid"),
    ],
)
def test_mistakes_are_one_sentence(command, words, sentence, capsys):
    assert command(words) == 2
    assert sentence in capsys.readouterr().err


def test_shorter_training_stands_beside_the_truth_as_a_reference(tmp_path, monkeypatch):
    space = BENCHMARKS.get("nats_tss")
    random = np.random.default_rng(0)
    final = random.normal(90, 3, len(space.architectures))
    after = {"test200": final, "test12": final + random.normal(0, 3, final.size), "val12": -final}
    described = [
        TruthColumn(name, "cifar10", "accuracy", "%", split, epochs, "mean", True, "made up", "0" * 64)
        for name, split, epochs in (("test200", "test", 200), ("test12", "test", 12), ("val12", "val", 12))
    ]
    table = TruthTable(space.architectures, tuple(described), tuple(after.values()))
    write_table(table, tmp_path / "truth" / "nats_tss" / "made_up.parquet", origin="test")
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    settings = Settings(sample=200, truth="test200", store=tmp_path / "s.sqlite", out=tmp_path / "out")
    evaluation = evaluate("params", "nats_tss", "cifar10", settings)
    # Validation after 12 epochs is another split: no reference.
    row = pd.read_csv(tmp_path / "out" / "reference.csv")
    assert row[["reference", "epochs", "n"]].to_numpy().tolist() == [["test12", 12, 200]]
    index = evaluation.scores["nats_tss", "cifar10"]["index"]
    assert row["tau"].item() == pytest.approx(correlations(after["test12"][index], final[index]).tau)
    assert "## Early-epoch accuracy as a reference" in (tmp_path / "out" / "report.md").read_text()
