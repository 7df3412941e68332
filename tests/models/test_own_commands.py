"""A file of a user's networks, and a user's data, in the commands besides an evaluation."""

import gzip
import re
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness import convert, describe, score
from harness.lens import __main__ as lens
from harness.plan import main as plan
from harness.search import __main__ as search
from harness.train import __main__ as train

SPACE = """
    from torch import nn
    from harness.space import ModelSpace

    class Small(ModelSpace):
        name = "small"
        architectures = ("narrow", "middle", "wide", "wider")

        def build(self, arch, data_set):
            width = {"narrow": 8, "middle": 16, "wide": 32, "wider": 64}[arch]
            return nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.ReLU(), nn.Linear(width, data_set.n_classes))

        def accuracies(self, data_set):
            return {"narrow": 80.0, "middle": 90.0, "wide": 85.0, "wider": 70.0}

    def build(arch):
        return nn.Sequential(nn.Flatten(), nn.Linear(64, int(arch)), nn.GELU(), nn.Linear(int(arch), 10))
"""


def size(width: int, n_classes: int) -> int:
    """Weights and biases of 64 inputs, a layer, and the outputs."""
    return 65 * width + (width + 1) * n_classes


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rough_intervals: None) -> Path:
    """Four networks, 40 grey images of 8 x 8 in three classes, and files that name networks."""
    monkeypatch.chdir(tmp_path)
    Path("models.py").write_text(textwrap.dedent(SPACE))
    rng = np.random.default_rng(0)
    np.savez("own.npz", images=rng.integers(0, 256, (40, 8, 8), dtype=np.uint8), labels=np.arange(40) % 3)
    Path("archs.csv.gz").write_bytes(gzip.compress("\ufeffarch;note\nwider;a, b\n1;c\n".encode()))
    Path("widths.tsv").write_text("arch\tnote\n16\ta\n8\tb\n")
    return tmp_path


def test_an_own_network_is_described_with_its_counts_and_accuracy(folder, capsys):
    assert describe.main(["models.py", "wide"]) == 0
    out = capsys.readouterr().out
    assert "wide, number 2 of 4 in small" in out
    assert f"digits: {size(32, 10):,} params" in out
    assert "accuracy 85.000 (" in out
    assert "neighbours" not in out
    assert Path("small-2.png").stat().st_size > 0
    assert describe.main(["models.py:build", "16", "--dataset", "own.npz", "--out", "picture.png"]) == 0
    assert f"own.npz: {size(16, 10):,} params" in capsys.readouterr().out


def test_a_file_of_own_networks_is_scored_on_own_data(folder):
    words = ["--proxy", "params", "grad_norm", "--store", "s.sqlite", "--out", "out.csv"]
    own = ["--dataset", "own.npz", "--data", "classes=5", "--batch-size", "8"]
    assert score.main(["models.py", "archs.csv.gz", *words, *own]) == 0
    table = pd.read_csv("out.csv")
    assert table["arch"].tolist() == ["wider", "middle"]  # a name, and an index
    assert table["note"].tolist() == ["a, b", "c"]
    assert table["params"].tolist() == [size(64, 5), size(16, 5)]
    assert table["grad_norm"].notna().all()


def test_a_function_is_scored_on_the_names_of_the_file(folder):
    words = ["--proxy", "params", "--store", "s.sqlite", "--out", "out.csv"]
    assert score.main(["models.py:build", "widths.tsv", *words]) == 0
    assert pd.read_csv("out.csv")["params"].tolist() == [size(16, 10), size(8, 10)]


def test_own_networks_are_searched_by_searchers_that_need_no_neighbours(in_empty_folder, folder):
    command = in_empty_folder(search.main)
    models, data = folder / "models.py", folder / "own.npz"
    words = [f"bench={models}", f"dataset={data}", "proxy=params", "steps=10", "workers=1", "protocol.batch_size=8"]
    limit = size(32, 3)
    code, out, err = command("search=[random,exhaustive]", *words, f"budget.params={limit}")
    assert code == 0, err
    found = pd.read_csv(Path(out.splitlines()[-1]) / "search.csv")
    assert found["arch"].tolist() == ["wide", "wide"]  # the largest within budget
    assert found["regret"].tolist() == [5, 5]  # of 90
    code, _, err = command("search=evolution", *words)
    assert code == 2
    assert "small does not say which ones are neighbours. Use search=exhaustive or search=random" in err
    assert len(err.splitlines()) == 1


def test_a_space_that_says_what_is_near_can_be_evolved(in_empty_folder, folder):
    near = "    def neighbours(self, arch):\n        at = self.architectures.index(arch)\n"
    near += "        return [self.architectures[one] for one in (at - 1, at + 1) if 0 <= one < 4]\n\ndef build("
    text = (folder / "models.py").read_text().replace("def build(arch):", f"{near}arch):", 1)
    (folder / "models.py").write_text(text)
    words = [f"bench={folder / 'models.py'}", "proxy=params", "steps=40", "population=4", "workers=1"]
    code, out, err = in_empty_folder(search.main)("search=evolution", *words)
    assert code == 0, err
    assert pd.read_csv(Path(out.splitlines()[-1]) / "search.csv")["arch"].tolist() == ["wider"]


def test_a_registered_space_is_searched_on_own_data_without_truth(in_empty_folder, folder):
    words = ["bench=nats_tss", f"dataset={folder / 'own.npz'}", "search=random", "proxy=params", "steps=2"]
    code, out, err = in_empty_folder(search.main)(*words, "workers=1", "protocol.batch_size=4")
    assert code == 0, err
    assert "accuracy" not in pd.read_csv(Path(out.splitlines()[-1]) / "search.csv")


@pytest.mark.long
def test_the_lens_looks_at_own_networks(folder, capsys):
    words = ["bench=models.py", "dataset=own.npz", "proxy=params", "workers=1", "protocol.batch_size=8", "out=lens"]
    assert lens.main(words) == 0, capsys.readouterr().err
    assert set(pd.read_csv(folder / "lens" / "bias.csv")["bench"]) == {"small"}


@pytest.mark.parametrize(
    ("main", "words", "sentence"),
    [
        (plan, ["width=.05", "bench=models.py", "proxy=params", "workers=1"], "No proxy has 50 scores in the pilot"),
        (train.main, ["bench=models.py", "arch=wide"], "bench=models.py is invalid: this command trains networks of"),
        (train.main, ["dataset=own.npz", "arch=11"], "dataset=own.npz is invalid: this command trains on registered"),
        (search.main, ["bench=models.py:build", "search=random"], "is a function, whose networks a search cannot list"),
        (convert.main, ["models.py:build", "8"], "models.py:build is a function, which takes any name"),
        (describe.main, ["models.py", "huge"], "'huge' is not an architecture of small"),
        (describe.main, ["other.py", "wide"], "bench=other.py names no file"),
        (score.main, ["models.py", "widths.tsv"], "'widths.tsv', line 2: "),
        (score.main, ["models.py", "archs.csv.gz", "--data", "classes"], "--data classes is invalid: it must be NAME="),
        (score.main, ["models.py", "archs.csv.gz", "--data", "classes=2"], "data.classes is for data of your own"),
        (score.main, ["nats_tss", "x.csv"], "There is no file 'x.csv'; FILE takes a CSV or Parquet file"),
    ],
)
def test_what_does_not_work_is_one_sentence(main, words, sentence, folder, capsys):
    assert main(words) == 2
    err = capsys.readouterr().err
    assert sentence in err
    assert len([line for line in err.splitlines() if not re.search(r"\d+%\|", line)]) == 1
