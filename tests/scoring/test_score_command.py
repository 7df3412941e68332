"""`python -m harness.score`: proxies on the architectures of a file, no truth needed."""

from pathlib import Path

import pandas as pd
import pytest

from harness.inputs import DATA_SETS
from harness.score import main
from harness.space import BENCHMARKS

SPACE = BENCHMARKS.get("imagenet_mbv2")
COUNTS = ["--proxy", "params", "flops"]


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_each_row_is_scored_and_other_columns_stay(tmp_path, capsys):
    tss = BENCHMARKS.get("nats_tss")
    archs = [tss.architectures[index] for index in (11, 284)]
    file = tmp_path / "archs.csv"
    pd.DataFrame({"name": ["a", "b"], "arch": archs}).to_csv(file, index=False)
    words = ["nats_tss", str(file), "--proxy", "naswot", "params", "--protocol", "suite_zero", "--batch-size", "16"]
    assert main([*words, "--store", str(tmp_path / "s.sqlite"), "--out", str(tmp_path / "out.csv")]) == 0
    table = pd.read_csv(tmp_path / "out.csv")
    assert table["name"].tolist() == ["a", "b"]
    assert table["params"].tolist() == [tss.params(arch, DATA_SETS.get("digits")) for arch in archs]
    assert table["naswot"].notna().all()
    assert (table["naswot_s"] > 0).all()
    assert str(tmp_path / "out.csv") in capsys.readouterr().out


def test_architectures_are_named_by_index_or_beginning_too_and_written_in_full(tmp_path):
    tss = BENCHMARKS.get("nats_tss")
    file = write(tmp_path / "archs.csv", f"arch\n284\n{tss.architectures[11][:-8]}\n")
    out = tmp_path / "out.csv"
    assert main(["nats_tss", file, *COUNTS, "--store", str(tmp_path / "s.sqlite"), "--out", str(out)]) == 0
    assert pd.read_csv(out)["arch"].tolist() == [tss.architectures[index] for index in (284, 11)]


@pytest.mark.parametrize(
    ("text", "words", "sentence"),
    [
        ("arch\nSuperConv\n", COUNTS, "'SuperConv' is not an architecture of imagenet_mbv2: "),
        ("structure\nx\n", COUNTS, "has the columns structure; it needs arch, the architectures."),
        (None, COUNTS, "There is no file "),
        (
            "good",
            ["--protocol", "zico_image"],
            "No protocol is called 'zico_image'. Did you mean 'zico_imagenet'? Known: ",
        ),
        ("good", ["--proxy", "zicoo"], "No proxy is called 'zicoo'. Did you mean 'zico'?"),
        ("good", ["--residuals", "maybe"], "--residuals: invalid choice: 'maybe'"),
        ("good", [], "No real images of imagenet are in "),
    ],
)
def test_a_mistake_is_one_sentence(text, words, sentence, tmp_path, capsys):
    file = tmp_path / "archs.csv"
    if text is not None:
        write(file, f'arch\n"{SPACE.start}"\n' if text == "good" else text)
    assert main(["imagenet_mbv2", str(file), *words, "--store", str(tmp_path / "s.sqlite")]) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert len(error.strip().splitlines()) == 1


def test_residuals_off_is_for_spaces_that_have_the_choice(tmp_path, capsys):
    arch = BENCHMARKS.get("nats_tss").architectures[0]
    file = write(tmp_path / "archs.csv", f'arch\n"{arch}"\n')
    assert main(["nats_tss", file, *COUNTS, "--residuals", "off", "--store", str(tmp_path / "s.sqlite")]) == 2
    assert "protocol.residuals=false is invalid for nats_tss" in capsys.readouterr().err
