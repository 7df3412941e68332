"""Data and accuracies of a user's own, from the command line to the report: what docs/howto/own_data.md shows."""

import hashlib
import json
import re
import shlex
from dataclasses import astuple, replace
from pathlib import Path

import numpy as np
import pytest

from harness import Settings, evaluate
from harness.errors import OptionError
from harness.evaluation.pairs import attempted, pairs
from harness.inputs import DATA_SETS
from harness.protocol import Protocol
from harness.space import BENCHMARKS
from harness.store import ScoreStore

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "own_data.md"
SPACE = BENCHMARKS.get("nats_tss")
CELLS = SPACE.architectures[100:112]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rough_intervals: None) -> Path:
    """Forty grey images of 8 x 8, and accuracies of ten of twelve cells that grow with their parameters."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    np.savez("own.npz", images=rng.integers(0, 256, (40, 8, 8), dtype=np.uint8), labels=np.arange(40) % 3)
    rows = [f"{cell},{size(cell) / 1e4}" for cell in CELLS[:10]]
    Path("own.csv").write_text("\n".join(["arch,acc", *rows, f"{CELLS[10]},", f"{CELLS[11]},"]))
    return tmp_path


def size(cell) -> int:  # type: ignore[no-untyped-def]
    return SPACE.params(cell, DATA_SETS.get("cifar10"))


def run_of(folder: Path) -> dict:  # type: ignore[type-arg]
    return json.loads((folder / "run.json").read_text())


@pytest.mark.long
def test_the_page_does_what_it_says(in_empty_folder, monkeypatch):
    from harness.__main__ import main

    command = in_empty_folder(main)
    text = PAGE.read_text(encoding="utf-8")
    scope: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        exec(compile(block, str(PAGE), "exec"), scope)
    assert len(scope["names"]) == 10  # type: ignore[arg-type]
    lines = [shlex.split(line) for line in re.findall(r"^    python -m harness (.*)$", text, flags=re.MULTILINE)]
    assert len(lines) == 4
    for words in lines:
        code, out, err = command(*words, "workers=1", "protocol.batch_size=4")
        assert code == 0, err
        assert re.search(r"truth: accuracies\.csv:(accuracy|error) \(", out)
    assert "lower is better" in out  # of the last one


def test_a_grey_data_set_and_accuracies_of_ten_cells(files):
    settings = Settings(truth="own.csv:acc", workers=1, store=files / "scores.sqlite", out=files / "out")
    found = evaluate(["params", "grad_norm"], "nats_tss", "own.npz", settings)
    scores = found.scores["nats_tss", "own.npz"]
    assert set(scores["arch"]) == set(CELLS[:10])  # those that are known, of 15,625
    assert scores["grad_norm"].notna().all()
    row = found.agreement.set_index("proxy").loc["params"]
    assert (row["tau"], row["n"], row["truth"]) == (1, 10, "own.csv:acc")  # accuracies follow the parameters
    assert found.agreement.set_index("proxy").loc["grad_norm", "protocol"] == "paper(batch_size=20)"  # of 40 images
    run = run_of(files / "out")
    truth = run["truth"]["nats_tss/own.npz"]
    assert truth["sha256"] == hashlib.sha256((files / "own.csv").read_bytes()).hexdigest()
    assert (truth["metric"], truth["split"], truth["epochs"]) == ("unstated", "unstated", None)
    assert "known for 10 of 15,625 architectures" in truth["note"]
    assert "own.npz (40 inputs, 1 x 8 x 8)" in run["inputs"]["nats_tss/own.npz/seed0"]["source"]
    report = (files / "out" / "report.md").read_text()
    assert "split unstated, metric unstated; epochs unstated" in report


@pytest.mark.long
def test_another_loss_or_other_images_never_meet_old_scores(files):
    def keys(**changed: object) -> set[str]:
        settings = Settings(
            truth="own.csv:acc",
            workers=1,
            sample=2,
            protocol=Protocol(batch_size=4),
            store=files / "s.sqlite",
            **changed,
        )  # type: ignore[arg-type]
        evaluate(["params", "grad_norm"], "nats_tss", "own.npz", settings)
        with ScoreStore(files / "s.sqlite", read_only=True) as store:
            return {
                f"{key.proxy} {key.data_set} {key.inputs}" for key in store.score_keys() if "grad_norm" in key.proxy
            }

    first = keys()
    assert keys() == first
    second = keys(loss="mse")
    assert len(second) == len(first) + 1
    arrays = dict(np.load("own.npz"))
    arrays["images"][:] = 255 - arrays["images"]
    np.savez("own.npz", **arrays)
    assert len(keys()) == len(second) + 1


def test_a_file_replaces_the_truth_of_a_registered_data_set(files):
    settings = Settings(truth="own.csv:acc:min", workers=1, sample=5, store=files / "scores.sqlite", out=files / "out")
    found = evaluate("params", "nats_tss", "digits", settings)
    assert found.agreement.set_index("proxy").loc["params", "tau"] < 0  # lower is better, and params grow with it
    assert (found.agreement["n"] == 5).all()


def test_a_search_is_judged_by_accuracies_of_a_file(files):
    from harness.search import SearchSettings, SearchSpec, search

    rows = [f"{number},{number % 97}" for number in range(len(SPACE.architectures))]
    Path("many.csv").write_text("\n".join(["index,acc", *rows]))
    base = Settings(truth="many.csv:acc", workers=1, store=files / "scores.sqlite", out=files / "out")
    spec = SearchSpec(("random",), ("params",), ("nats_tss",), ("own.npz",))
    found = search(spec, SearchSettings(base, steps=5))
    assert found.out == files / "out"
    assert run_of(files / "out")["truth"]["nats_tss/own.npz"]["name"] == "many.csv:acc"
    with pytest.raises(OptionError, match=r"truth=own\.csv:acc knows 10 of the 15,625 architectures of nats_tss"):
        search(spec, SearchSettings(replace(base, truth="own.csv:acc"), steps=5))


WRONG = {
    "no truth": (["dataset=own.npz"], "There is no ground truth of nats_tss on own.npz, which is your own data; give"),
    "a column": (
        ["dataset=own.npz", "truth=test200"],
        "truth=test200 is a column of the benchmark, which was trained on",
    ),
    "too many": (["dataset=own.npz", "truth=own.csv:acc", "sample=11"], "sample=11 is too many: truth= knows 10"),
    "not square": (["dataset=wide.npz", "truth=own.csv:acc"], "takes square images|take square images"),
    "odd size": (["dataset=odd.npz", "truth=own.csv:acc"], "whose height is a multiple of 4, and these are 7 x 7"),
    "vectors": (["dataset=flat.npz", "truth=own.csv:acc"], "take images .*, and an input is 5"),
    "tokens": (["dataset=tokens.npz", "truth=own.csv:acc"], "and not tokens"),
    "other channels": (
        ["bench=transnas_micro", "dataset=own.npz", "truth=own.csv:acc"],
        "3 channels, and these have 1",
    ),
    "substitute": (
        ["dataset=own.npz", "truth=own.csv:acc", "inputs=substitute"],
        "There are no substitute inputs of own",
    ),
    "loss of digits": (["dataset=digits", "loss=mse"], "loss=mse is for data of your own"),
    "loss of all": (["dataset=all", "loss=mse"], "loss=mse is for data of your own"),
    "setting": (["dataset=own.npz", "truth=own.csv:acc", "data.clases=3"], "No setting is called 'data.clases'"),
    "value": (["dataset=own.npz", "truth=own.csv:acc", "data.classes=few"], "data.classes=few is invalid"),
    "same name": (["dataset=own.npz,more/own.npz", "truth=own.csv:acc"], "are both called own.npz; rename one"),
    "no npz": (["dataset=none.npz"], "There is no file"),
    "unknown": (["dataset=ciphar10"], "No data set is called 'ciphar10'. Did you mean 'cifar10'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_mistakes_end_in_one_sentence_and_leave_nothing(files, in_empty_folder, case):
    from harness.__main__ import main

    labels = np.arange(40) % 3
    np.savez("wide.npz", images=np.zeros((40, 8, 12), np.uint8), labels=labels)
    np.savez("odd.npz", images=np.zeros((40, 7, 7), np.uint8), labels=labels)
    np.savez("flat.npz", images=np.zeros((40, 5), np.float32), labels=labels)
    np.savez("tokens.npz", tokens=np.zeros((40, 5), np.int64), labels=labels)
    Path("more").mkdir()
    np.savez("more/own.npz", images=np.zeros((40, 8, 8), np.uint8), labels=labels)
    words, message = WRONG[case]
    code, out, err = in_empty_folder(main)("proxy=grad_norm", *words)
    assert (code, out) == (2, "")
    assert re.search(message, err), err
    assert err.count("\n") == 1
    assert err.isascii()
    assert not list(Path().glob("results/runs/*"))


def test_scores_of_own_data_stay_out_of_exports(files):
    from harness.store.command import export

    settings = Settings(truth="own.csv:acc", workers=1, store=files / "scores.sqlite")
    evaluate("params", "nats_tss", "own.npz", settings)
    exported = export(files / "scores.sqlite", files / "tables")
    assert (exported.n_tables, set(exported.left_out)) == (0, {"on data that the harness does not come with"})


MODELS = """
from torch import nn

class Reader(nn.Module):
    def __init__(self, width, data_set):
        super().__init__()
        self.words = nn.Embedding(data_set.n_tokens, width)
        self.out = nn.Linear(width, data_set.n_classes)

    def forward(self, tokens):
        return self.out(self.words(tokens))

def build(arch, data_set):
    return Reader(int(arch), data_set)
"""


def test_a_benchmark_without_networks_for_the_data_is_left_out_by_name(files):
    named = pairs(["nats_tss_darcy", "nats_tss"], ["own.npz"], Settings())
    assert [space.name for space, _ in named.usable] == ["nats_tss"]
    ((bench, data_set, reason),) = [astuple(one) for one in named.skipped]
    assert (bench, data_set) == ("nats_tss_darcy", named.usable[0][1].name)
    assert reason
    _, skipped = attempted(lambda space, _: space, named, "evaluated")
    assert skipped == list(named.skipped)


def test_networks_tokens_and_accuracies_all_of_ones_own(files):
    Path("models.py").write_text(MODELS)
    np.savez("tokens.npz", tokens=np.random.default_rng(0).integers(0, 30, (24, 5)))
    Path("widths.csv").write_text("arch,perplexity\n4,9\n8,8\n16,7\n32,\n64,5\n")
    settings = Settings(truth="widths.csv:perplexity:min", workers=1, store=files / "scores.sqlite", out=files / "out")
    found = evaluate(["params", "grad_norm"], "models.py:build", "tokens.npz", settings)
    (scores,) = found.scores.values()
    assert list(scores["arch"]) == ["4", "8", "16", "32", "64"]  # the unknown one is scored too
    # 30 words of each width, and a linear layer from it to 30 outputs.
    assert list(scores["params"]) == [30 * width + 30 * width + 30 for width in (4, 8, 16, 32, 64)]
    assert scores["grad_norm"].notna().all()
    row = found.agreement.set_index("proxy").loc["params"]
    assert (row["tau"], row["n"]) == (1, 4)  # lower is better, and wider networks have less
