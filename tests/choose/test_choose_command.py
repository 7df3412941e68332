"""The command from a file of accuracies to its files, with counts alone; and what it says of mistakes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.choose.__main__ import main
from harness.space import BENCHMARKS
from harness.truth import Truth

COUNTS = ["proxy=[params_live,flops]", "bench=nats_tss", "dataset=digits", "sample=80", "repeats=2"]
COUNTS += ["score_tables=null"]


@pytest.fixture
def command(in_empty_folder):
    return in_empty_folder(main)


def known_rows(n: int) -> pd.DataFrame:
    """Architectures whose digits accuracy is embedded."""
    space = BENCHMARKS.get("nats_tss")
    values = Truth.open("nats_tss").values(space.architectures, "digits", "test")
    index = np.random.default_rng(0).permutation(np.flatnonzero(np.isfinite(values)))[:n]
    return pd.DataFrame({"arch": [space.architectures[row] for row in index], "acc": values[index]})


def test_from_accuracies_to_what_to_train(command) -> None:
    known = known_rows(40)
    known.to_csv("mine.csv", index=False)
    code, out, error = command("truth=mine.csv:acc", *COUNTS, "k=3", "out=one")
    assert code == 0, error
    assert "40 trained architectures" in out
    assert "Rank the rest by" in out
    assert "Expected tau" in out
    assert "Against counting" in out
    rankings = pd.read_csv("one/rankings.csv").set_index("ranking")
    assert {"params", "flops", "params_live", "rank_ridge", "extra_trees"} <= set(rankings.index)
    learned = rankings[rankings["kind"] == "predictor"]
    assert (learned["learned_from"] == "truth, cross-fitted").all()
    assert (rankings.drop(learned.index)["learned_from"] == "nothing").all()
    proposed = pd.read_csv("one/next.csv")
    assert not set(proposed["arch"]) & set(known["arch"])
    assert (proposed["why"] == "top").sum() == 3
    assert "| learned from |" in Path("one/choose.md").read_text(encoding="utf-8")
    assert out.strip().splitlines()[-1] == "one"
    # Lower is better: the same order, the same answer.
    known.assign(loss=-known["acc"])[["arch", "loss"]].to_csv("loss.csv", index=False)
    code, _, error = command("truth=loss.csv:loss:min", *COUNTS, "k=3", "out=two")
    assert code == 0, error
    assert pd.read_csv("two/next.csv").equals(proposed)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["truth=nowhere.csv:acc"], "There is no file 'nowhere.csv'"),
        (["truth=few.csv:acc"], "has accuracies of 5 different networks; choosing takes at least 10."),
        (["truth=same.csv:acc"], "has the same accuracy, 0.5, for all architectures."),
        (["truth=few.csv:acc", "bench=[nats_tss,nats_sss]"], "choose takes one benchmark and one data set"),
        ([], "truth= is missing"),
        (["truth=few.csv:acc", "k=0"], "k=0 is invalid: it must be 1 to 10,000."),
        (["truth=few.csv:acc", "predictors=[rigde]"], "No predictor is called 'rigde'"),
        (["simulate=[5]"], "simulate=5 is invalid: it must be 10 to 2,000"),
        (["simulate=[20]", "score_tables=nowhere"], "There are 0 score tables of nats_tss on digits in nowhere"),
    ],
)
def test_mistakes_end_in_one_sentence(command, words, text) -> None:
    known = known_rows(20)
    known[:5].to_csv("few.csv", index=False)
    known.assign(acc=0.5).to_csv("same.csv", index=False)
    code, _, error = command(*(COUNTS if "score_tables=nowhere" not in words else COUNTS[:-1]), *words)
    assert code == 2
    assert text in error
    assert error.count("\n") == 1
