"""nas-harness convert: architectures of a file or a word in another notation, and mistakes end in one sentence."""

from pathlib import Path

import pandas as pd
import pytest

from harness.convert import main as convert
from harness.space import BENCHMARKS


def test_convert_leads_from_any_notation_to_any_and_keeps_the_other_columns(in_empty_folder):
    command = in_empty_folder(convert)
    archs = BENCHMARKS.get("nats_tss").architectures[:40]
    pd.DataFrame({"arch": archs, "mine": [row / 2 for row in range(40)], "note": "a, b"}).to_csv(
        "start.csv", index=False
    )
    here = "start.csv"
    for target in ("index", "naslib", "edges", "lists", "structure", "arch"):
        assert command("nats_tss", here, "--to", target, "--out", f"{target}.csv") == (0, f"{target}.csv\n", "")
        here = f"{target}.csv"
    assert Path("arch.csv").read_text() == Path("start.csv").read_text()
    assert pd.read_csv("index.csv").columns.tolist() == ["index", "mine", "note"]
    code, out, _ = command("nats_tss", "(0, 4, 0, 0, 1, 4)", "--to", "arch")
    assert (code, out) == (
        0,
        "|skip_connect~0|+|avg_pool_3x3~0|skip_connect~1|+|skip_connect~0|none~1|avg_pool_3x3~2|\n",
    )
    Path("formula.csv").write_text("arch,mine,note\n15,-2.5,=1+1\n")
    assert command("nats_tss", "formula.csv", "--to", "naslib")[1].splitlines()[1] == '"(0, 4, 0, 0, 1, 4)",-2.5,\'=1+1'
    assert command("nats_tss", "15")[1].splitlines()[3] == "naslib: (0, 4, 0, 0, 1, 4)"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nats_tss", "none.csv", "--to", "arch"], "There is no file 'none.csv'"),
        (["nats_tss", "15", "--to", "nsalib"], "No notation of nats_tss is called 'nsalib'. Did you mean 'naslib'?"),
        (["nats_tss", "some.csv"], "--to is missing; it must be one of arch, index, structure, naslib, edges, lists."),
        (["nats_tss", "some.csv", "--to", "arch"], "has the columns a, b; give the one with architectures as --column"),
        (["nats_tss", "some.csv", "--to", "arch", "--column", "c"], "--column is invalid: No column is called 'c'"),
        (["nats_tss", "some.csv", "--to", "arch", "--column", "a"], "'x' ('some.csv', line 2) is not an architecture"),
        (["transnas_micro", "(0,1,2,3,0,1)", "--to", "arch"], "has two meanings in transnas_micro"),
        (["nats_tss", "15", "--to", "arch", "--out", "taken/x.csv"], "--out taken/x.csv cannot be written"),
    ],
)
def test_what_cannot_be_converted_ends_in_one_sentence(in_empty_folder, words, sentence):
    command = in_empty_folder(convert)
    Path("some.csv").write_text("a,b\nx,1\n")
    Path("taken").write_text("")
    code, out, err = command(*words)
    assert (code, out) == (2, "")
    assert sentence in err
    assert len(err.strip().splitlines()) == 1
