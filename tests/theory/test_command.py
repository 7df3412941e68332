"""`python -m harness.theory` from end to end, small."""

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.theory.__main__ import main
from harness.theory.images import Collection
from harness.theory.linear import linear
from harness.theory.settings import LinearSettings

SMALL = [
    "linear.n_images=100", "linear.n_draws=60", "mlp.widths=[4,8]", "mlp.n_draws=12", "mlp.n_training=200",
    "mlp.n_test=50", "mlp.batch_sizes=[32]", "random_mlps.n_networks=20", "random_mlps.widths=[2,16]",
    "random_mlps.n_training=200", "random_mlps.n_test=50", "random_mlps.batch_sizes=[32,64]",
]  # fmt: skip


@pytest.fixture
def command(in_empty_folder):
    return in_empty_folder(main)


def _losses(seed: int) -> list[float]:
    finding = linear(LinearSettings(n_images=100, n_draws=60), Collection("digits", seed).training(100), seed)
    return list(finding.points["loss"])


@pytest.mark.long
def test_all_makes_the_three_figures_and_declares_digits(command):
    code, out, _ = command(*SMALL)
    assert code == 0
    folder = Path(out.splitlines()[-1])
    pictures = {"linear.png", "linear_bounds.png", "mlp_1e-08.png", "mlp_0.1.png", "random_mlps.png"}
    texts = {
        f"{name}.{ending}" for name in ("linear", "mlp", "random_mlps") for ending in ("md", "csv", "json", "parquet")
    }
    assert {path.name for path in folder.iterdir()} == pictures | texts
    assert "100 training images of scikit-learn digits" in (folder / "linear.md").read_text()
    linear = pd.read_csv(folder / "linear.csv")
    assert set(linear["n"]) == {60}
    has_interval = linear[["rho_low", "rho_high"]].notna().all(axis=1)
    # Next to -1 a few networks carry all the variance: fewer than an interval can be made from.
    assert (linear.loc[~has_interval, "rho"].abs() > 0.95).all()
    known = linear[has_interval]
    assert len(known) >= 4
    assert known["rho"].between(known["rho_low"], known["rho_high"]).all()
    points = pd.read_parquet(folder / "linear.parquet")
    assert (points["loss"] <= points["bound"]).all()
    assert points["bound"].to_numpy() == pytest.approx(50 * points["variances"].to_numpy())  # Equation 6, M = 100
    mlps = pd.read_parquet(folder / "mlp.parquet")
    assert len(mlps) == 2 * 12 * 2  # widths, draws, rates
    trained = mlps[mlps["learning_rate"] == 0.1]
    assert (trained["loss_removed"] > 0).all()
    assert (mlps.loc[mlps["learning_rate"] == 1e-8, "loss_removed"].abs() < 1e-6).all()
    many = pd.read_parquet(folder / "random_mlps.parquet")
    assert len(many) == 20 * 2
    assert many["width"].between(2, 16).all()
    provenance = json.loads((folder / "mlp.json").read_text())
    assert provenance["config"]["widths"] == [4, 8]
    assert provenance["command"].startswith("python -m harness.theory linear.n_images=100")
    assert not Path("outputs").exists()


@pytest.mark.long
def test_a_second_run_draws_the_same_and_another_seed_does_not(command):
    for out in ("one", "two"):
        assert command("experiment=linear", *SMALL[:2], f"out={out}")[0] == 0
    for name in ("linear.csv", "linear.png"):
        assert Path("one", name).read_bytes() == Path("two", name).read_bytes()
    losses = {seed: _losses(seed) for seed in (0, 1)}
    assert pd.read_parquet("one/linear.parquet")["loss"].tolist() == losses[0]
    assert losses[0] != losses[1]


def test_mnist_is_taken_where_it_is(command, images_home, monkeypatch):
    monkeypatch.setenv("HARNESS_IMAGES", str(images_home))
    assert command("experiment=linear", *SMALL[:2], "out=here")[0] == 0
    assert "100 training images of mnist: train idx files" in Path("here/linear.md").read_text()
    assert Collection("digits", 0).training(5).source.startswith("5 training images of scikit-learn digits")


def test_damaged_mnist_is_told_and_not_replaced(command, monkeypatch, tmp_path):
    folder = tmp_path / "images" / "real" / "mnist"
    folder.mkdir(parents=True)
    (folder / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(bytes(100)))
    monkeypatch.setenv("HARNESS_IMAGES", str(tmp_path / "images"))
    code, _, err = command("experiment=linear")
    assert code == 2
    assert "begins with the magic number 0" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["experiment=liner"], "No experiment is called 'liner'. Did you mean 'linear'?"),
        (["experimnt=linear"], "No setting is called 'experimnt'. Did you mean 'experiment'?"),
        (["data=cifar10"], "No value of data is called 'cifar10'"),
        (["data=mnist"], "Run `python -m harness.data fetch mnist`"),
        (["linear.n_draws=many"], "linear.n_draws=many is invalid: it must be a whole number."),
        (["linear.draws=3"], "No setting is called 'linear.draws'. Did you mean 'linear.n_draws'?"),
        (["linear.n_images=0"], "linear.n_images=0 is invalid: it must be above 0"),
        (["linear.learning_rate=-1"], "linear.learning_rate=-1.0 is invalid"),
        (["mlp.widths=[]"], "mlp.widths=[] is invalid: it must be a number or a list"),
        (["random_mlps.widths=[9,3]"], r"random_mlps.widths=[9, 3] is invalid: it must be two ends"),
        (["experiment=mlp", "mlp.batch_sizes=[600]"], "Use batches of at most 448"),
        (["training.steps=[4,2]"], "it must ascend"),
        (["training.n_measured=100"], "whole batches"),
        (["training.momentum=1"], "momentum must lie in [0, 1)"),
        (["seed=-1"], "seed=-1 is invalid"),
        (["workers=0"], "workers=0 is invalid"),
        (["out=taken"], "out=taken cannot be written"),
    ],
)
def test_mistakes_end_in_one_sentence(command, words, sentence):
    Path("taken").write_text("a file")
    code, _, err = command("experiment=linear", *words)
    assert code == 2
    assert sentence in err
    assert err.count("\n") == 1
    assert not Path("results").exists() or "data=mnist" in words or "experiment=mlp" in words


@pytest.mark.long
def test_the_study_of_cells_trains_and_goes_on_from_its_store(command, fetched_home, images_home, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA", str(fetched_home))
    monkeypatch.setenv("HARNESS_IMAGES", str(images_home))
    recipe = ["training.sample=2", "training.steps=[1,2]", "training.batch_size=8", "training.n_measured=16"]
    words = ["experiment=training", *recipe, "workers=1", "out=study", "store=scores.sqlite"]
    code, _, err = command(*words)
    assert (code, "networks" in err) == (0, True)
    points = pd.read_parquet("study/training.parquet")
    assert len(points) == 2
    losses = points[["loss_0", "loss_1", "loss_2"]].to_numpy()
    assert np.isfinite(losses).all()
    assert losses[:, 0] == pytest.approx(np.log(10), abs=0.7)  # ten classes, untrained
    assert points["accuracy"].between(9, 95).all()
    assert Path("study/training_scores/agreement.csv").is_file()
    assert Path("study/training.png").is_file()
    again, _, quiet = command(*words)
    assert (again, quiet) == (0, "")  # no progress bar: nothing to do
    pd.testing.assert_frame_equal(pd.read_parquet("study/training.parquet"), points)
