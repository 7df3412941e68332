"""`python -m harness.describe`: every benchmark's architectures have a text and a picture."""

import pytest

from harness.describe import main
from harness.report.cell_picture import cell_picture, lay_out
from harness.space import BENCHMARKS


def test_the_counts_are_those_of_the_official_sample(tmp_path, capsys):
    arch = BENCHMARKS.get("nats_tss").architectures[11]
    assert main(["nats_tss", arch, "--out", str(tmp_path / "picture.png")]) == 0
    assert "cifar10: 802,426 params (802,426 live), 113.951 MFLOPs (113.951 live)" in capsys.readouterr().out


def test_every_number_says_what_it_is(tmp_path, capsys, fetched_home, monkeypatch):
    monkeypatch.setenv("HARNESS_DATA", str(fetched_home))
    assert main(["nats_sss", "0", "--out", str(tmp_path / "picture.png")]) == 0
    half = "networks trained on 25,000 of the training images (cifar10-valid)"
    assert f"    val90 76.888 (validation accuracy after 90 epochs, %; {half})" in capsys.readouterr().out


@pytest.mark.long
def test_every_operation_is_in_the_picture_and_equal_graphs_have_equal_layouts():
    space = BENCHMARKS.get("nats_tss")
    for arch in space.architectures[:20]:
        graph = space.graph(arch)
        assert lay_out(graph) == lay_out(space.graph(arch))
        drawn = {text.get_text() for text in cell_picture(graph, "title").axes[0].texts}
        assert {edge.label for edge in graph.edges} - {"none"} <= drawn  # a cut edge is a faint line


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["nats_tss", "15625"], "nats_tss has no architecture 15625; its indices are 0 to 15624, and a string such as"),
        (["nats_tss", "|x~0|"], "'|x~0|' is not an architecture of nats_tss; an example is"),
        (["nats", "0"], "No benchmark is called 'nats'."),
        (["nats_tss"], "The following arguments are required: ARCH."),
    ],
)
def test_a_mistake_is_one_sentence(words, sentence, capsys):
    assert main(words) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert len(error.splitlines()) == 1
