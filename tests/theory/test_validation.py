"""`experiment=validation`: shortlists, the measured table, and the command."""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.space import BENCHMARKS
from harness.theory.__main__ import main
from harness.theory.settings import ValidationSettings
from harness.theory.validation import Study, families
from harness.theory.validation_pool import Pool, shortlists
from harness.theory.validation_table import notes_of, with_savings
from harness.theory.winners import Candidates, chosen
from harness.truth import Truth
from harness.truth.table import TruthColumn

_N_TRAINED = 300
COLUMN = TruthColumn("acc", "d", "accuracy", "%", "test", 1, "one", True, "s", "h")


def test_a_shortlist_has_the_best_and_draws_among_the_tied():
    random = np.random.default_rng(0)
    scores = np.array([5.0, 3.0, 3.0, 3.0, np.nan, 1.0])
    (one,) = shortlists(scores, 1, 9, random)
    assert list(one) == [0]
    assert [set(rows) for rows in shortlists(scores, 4, 9, random)] == [{0, 1, 2, 3}]
    drawn = shortlists(scores, 2, 300, random)
    assert len(drawn) == 300
    others = [int(set(rows.tolist()).difference({0}).pop()) for rows in drawn]
    assert np.bincount(others, minlength=6)[[1, 2, 3]] == pytest.approx([100, 100, 100], abs=35)
    assert sorted(shortlists(scores, 5, 9, random)[0]) == [0, 1, 2, 3, 5]  # without a score: the last


def test_a_perfect_proxy_saves_images_and_its_floor_is_zero():
    accuracies = np.linspace(0.6, 0.9, 400)
    pool = Pool("b", "d", COLUMN, accuracies, {"perfect": accuracies, "opposite": -accuracies}, None, ())
    settings = ValidationSettings(sizes=(100, 1_000, 10_000), wanted=(0.5, 2.0), shortlists=(10,))
    study = Study(pool, settings, 0.0, 0)
    rows, needed = [], []
    for family in families(pool, settings, 0):
        own = list(study.rows(family))
        rows += own
        needed += study.needed(family, [row["regret"] for row in own])
    table = pd.DataFrame(rows).set_index(["first", "m"])
    perfect, everybody = table.loc["perfect"], table.loc["(all)"]
    assert (perfect["regret"] < everybody["regret"]).all()
    assert (perfect["floor"] == 0).all()
    assert table.loc["opposite"]["floor"].iloc[0] == pytest.approx(100 * (accuracies[-1] - accuracies[9]))
    images = pd.DataFrame(needed).set_index(["first", "wanted"])
    assert images.loc[("opposite", 2.0), "reachable"] == "no"
    assert np.isnan(images.loc[("opposite", 2.0), "m_needed"])
    m = int(images.loc[("(all)", 2.0), "m_needed"])
    all_networks = Candidates.of(accuracies)
    assert 100 * chosen(all_networks, m).regret(0.9) <= 2
    assert 100 * chosen(all_networks, int(m / 1.03)).regret(0.9) > 2
    assert images.loc[("perfect", 2.0), "m_needed"] < m


def test_the_measured_table_reproduces(fetched_home):
    """Means of 300 simulated choices (100 for widths); their simulation error is .4 points over 17 at 100 images."""
    measured = {
        ("nats_tss", "cifar10", "test200"): (1.60, 1.13, 0.59, 0.23, 0.07),
        ("nats_tss", "cifar100", "test200"): (3.55, 2.73, 1.19, 0.43, 0.14),
        ("nats_tss", "ImageNet16-120", "test200"): (3.16, 2.44, 1.42, 0.56, 0.18),
        ("nats_sss", "cifar10", "val90"): (1.77, 1.40, 0.86, 0.44, 0.19),
    }
    for (bench, dataset, column), regrets in measured.items():
        values = Truth.open(bench, fetched_home).values(BENCHMARKS.get(bench).architectures, dataset, column) / 100
        candidates, best = Candidates.of(values), float(values.max())
        for m, regret in zip((100, 250, 1_000, 5_000, 25_000), regrets, strict=True):
            found = chosen(candidates, m)
            spread = np.sqrt(found.probabilities @ (best - found.accuracies) ** 2 - found.regret(best) ** 2)
            error = spread / np.sqrt(300 if bench == "nats_tss" else 100)
            assert 100 * found.regret(best) == pytest.approx(regret, abs=100 * 3.5 * error + 0.005)


@pytest.mark.long
def test_the_command_on_the_digits(in_empty_folder):
    command = in_empty_folder(main)
    words = [
        "experiment=validation",
        "dataset=digits",
        "sizes=[50,500]",
        "proxy=params",
        "k=[20]",
        "correlation=[0,.5]",
    ]
    code, _, err = command(*words, "draws=20", "wanted=2", "out=here")
    assert code == 0, err
    assert {path.name for path in Path("here").iterdir()} == {
        "validation.csv", "validation_shortlists.csv", "validation_needed.csv", "validation.md", "validation.json",
        "validation.png", "validation.parquet",
    }  # fmt: skip
    table = pd.read_csv("here/validation.csv")
    assert len(table) == 2 * 2
    assert (table.loc[table["correlation"] == 0, "regret_error"] == 0).all()
    assert (table["regret"] < table["hoeffding"]).all()
    needed = pd.read_csv("here/validation_needed.csv")
    assert set(needed["first"]) == {"(all)", "params", "(random)"}
    assert (needed["trainings_saved"] == needed["n_networks"] - needed["k"]).all()
    assert "the bound is" in Path("here/validation.md").read_text()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["sizes=[0]"], "sizes=[0] is invalid: it must be above 0 and at most 10,000,000."),
        (["sizes=[500,100]"], "sizes=[500, 100] is invalid: it must ascend."),
        (["correlation=1"], "correlation=[1.0] is invalid: it must be 0 or more and below 1."),
        (["k=[-3]"], "k=[-3] is invalid"),
        (["k=[20,20000]", "sizes=[50]"], "k=20000 is invalid: a shortlist must be shorter than the 15,625 networks of"),
        (["shorter=test9"], "No truth column of nats_tss on digits is called 'test9'."),
        (["shorter=no.csv:acc"], "no.csv"),
        (["draws=1"], "draws=1 is invalid"),
        (["wanted=0"], "wanted=[0.0] is invalid"),
        (["proxy=zicoo"], "Did you mean 'zico'?"),
        (["scores=nowhere"], "scores=nowhere is invalid: there is no such folder of score tables"),
        (["dataset=digit"], "Did you mean 'digits'?"),
    ],
)
def test_mistakes_end_in_one_sentence(in_empty_folder, words, sentence):
    code, _, err = in_empty_folder(main)("experiment=validation", "dataset=digits", *words)
    assert code == 2
    assert sentence in err
    assert err.count("\n") == 1


def test_a_truth_that_is_no_accuracy_is_refused(in_empty_folder, fetched_home, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA", str(fetched_home))
    command = in_empty_folder(main)
    for dataset, metric in (("room_layout", "neg_loss"), ("normal", "ssim"), ("segmentsemantic", "mIoU")):
        code, _, err = command("experiment=validation", "bench=transnas_micro", f"dataset={dataset}")
        assert code == 2
        assert f"its metric is {metric}, and it must be a share of images" in err
        assert err.count("\n") == 1


def test_a_shorter_training_costs_what_every_network_is_trained():
    accuracies = np.linspace(0.6, 0.9, 400)
    column = dataclasses.replace(COLUMN, epochs=200)
    scores = {"count": accuracies, "acc12": accuracies}
    pool = Pool("b", "d", column, accuracies, scores, None, (), {"acc12": 12})
    settings = ValidationSettings(sizes=(100, 1_000), wanted=(2.0,), shortlists=(10,))
    study = Study(pool, settings, 0.0, 0)
    needed = []
    for family in families(pool, settings, 0):
        needed += study.needed(family, [row["regret"] for row in study.rows(family)])
    table = with_savings(pd.DataFrame(needed)).set_index("first")
    assert table["epochs"].to_dict() == {
        "(all)": 400 * 200, "count": 10 * 200, "acc12": 10 * 200 + 400 * 12, "(random)": 10 * 200,
    }  # fmt: skip
    assert table["epochs_saved"].to_dict() == {"(all)": 0, "count": 78_000, "acc12": 73_200, "(random)": 78_000}
    said = list(notes_of([pool], pd.DataFrame(study.rows(next(families(pool, settings, 0)))), table.reset_index()))
    after = "b / d, correlation 0: after a shorter training of every network, with the 10 best by acc12 1 image and "
    assert after + "10 trainings of 6,800 epochs altogether." in said


def trained(folder: Path, line: str) -> Path:
    """A file with accuracies of some cells on the digits as a shorter training, under a line that declares it."""
    space = BENCHMARKS.get("nats_tss")
    values = Truth.open("nats_tss").values(space.architectures, "digits", "test_seed0")
    text = "\n".join(f"{space.architectures[row]},{values[row]:.6f}" for row in range(_N_TRAINED))
    path = folder / "short.csv"
    path.write_text(f"{line}arch,acc\n{text}\n")
    return path


def test_a_shorter_training_needs_known_epochs(in_empty_folder):
    command = in_empty_folder(main)
    trained(Path(), "")
    code, _, err = command("experiment=validation", "dataset=digits", "shorter=short.csv:acc")
    assert code == 2
    assert "shorter=short.csv:acc is invalid: it is not known how many epochs the truth test took." in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("", "its epochs are not stated; write them above its header, as '# acc: metric=accuracy, unit=%, epochs=12'."),
        ("# acc: unit=%, epochs=200\n", "its 200 epochs must be fewer than the 200 of long.csv:acc."),
        ("# acc: unit=%, epochs=12\n", ""),
    ],
)
def test_a_shorter_training_of_ones_own(in_empty_folder, line, sentence):
    command = in_empty_folder(main)
    trained(Path(), "# acc: metric=accuracy, unit=%, split=test, epochs=200\n").rename("long.csv")
    trained(Path(), line)
    words = ("proxy=params", "k=[20]", "sizes=[50]", "wanted=2", "out=here")
    files = ("truth=long.csv:acc", "shorter=short.csv:acc")
    code, _, err = command("experiment=validation", "dataset=digits", *files, *words)
    assert code == (2 if sentence else 0), err
    if sentence:
        assert sentence in err
        assert err.count("\n") == 1
        return
    needed = pd.read_csv("here/validation_needed.csv").set_index("first")
    assert needed.loc["short.csv:acc", "epochs"] == 20 * 200 + _N_TRAINED * 12
    assert needed.loc["params", "epochs_saved"] == (_N_TRAINED - 20) * 200


def test_two_shorter_trainings_of_one_name_are_refused(in_empty_folder):
    command = in_empty_folder(main)
    trained(Path(), "# acc: metric=accuracy, unit=%, split=test, epochs=200\n").rename("long.csv")
    short = trained(Path(), "# acc: metric=accuracy, unit=%, split=test, epochs=12\n")
    Path("other").mkdir()
    Path("other/short.csv").write_text(short.read_text())
    words = ("proxy=params", "k=[20]", "sizes=[50]", "truth=long.csv:acc")
    code, _, err = command(
        "experiment=validation", "dataset=digits", "shorter=[short.csv:acc,other/short.csv:acc]", *words
    )
    assert code == 2
    assert "Two columns that draw up shortlists are called short.csv:acc: rename one." in err
