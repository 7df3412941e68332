"""What is measured is what it says; how long it takes is never asserted."""

import sys

import numpy as np
import pandas as pd
import pytest
import torch

from harness.inputs import InputKind
from harness.perf.__main__ import main, measure
from harness.perf.figure import Bench, Figure
from harness.perf.networks import _convolution, _shapes, plain_zico
from harness.perf.statistics import N_PROXIES, Case, cost_of_statistics, made_up
from harness.proxy import PROXIES
from harness.scoring.engine import score
from harness.settings import AGAINST

TINY = Bench(n_cells=2, seed=3, inputs=InputKind.noise, batch_size=4)


def test_a_target_is_reached_at_its_value_and_on_its_side_of_it():
    assert Figure("m", "x", 0.5, "ratio", target=0.5).verdict == "reached"
    assert Figure("m", "x", 0.6, "ratio", target=0.5).verdict == "missed"
    assert Figure("m", "x", 0.95, "ratio", target=0.95, at_most=False).verdict == "reached"
    assert Figure("m", "x", 0.94, "ratio", target=0.95, at_most=False).verdict == "missed"
    assert Figure("m", "x", 0.94, "ratio").verdict == ""


def test_the_convolutions_measured_alone_are_those_of_the_network():
    """Their multiply-accumulates, with the classifier's 64 x 10 and its bias, are the space's count of live FLOPs."""
    space, data_set = TINY.context.space, TINY.context.data_set
    for cell in TINY.cells:
        network = space.network(cell, data_set)
        shapes = _shapes(network, torch.zeros(1, *data_set.shape))
        macs = sum(repeats * _convolution(1, *shape)[1] for shape, repeats in shapes.items())
        assert macs + 64 * 10 + 10 == space.flops(cell, data_set, live=True)
        assert network.training
        assert not any(module._forward_pre_hooks for module in network.modules())


def test_the_yardstick_computes_zico_too():
    """Without dead operations it is the harness's value, up to the rounding that ZiCo in float32 enlarges."""
    context = TINY.context
    arch = context.space.check(
        "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|skip_connect~0|none~1|skip_connect~2|"
    )
    found = score(context, arch, "live", {"zico": PROXIES.get("zico")()})["zico"].components["zico"]
    canonical = context.space.canonical(arch)
    assert plain_zico(TINY, arch) == pytest.approx(found, rel=0.02)
    assert score(context, canonical, "live", {"zico": PROXIES.get("zico")()})["zico"].components["zico"] == found


def test_the_command_writes_table_text_and_picture(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["perf", "zico", "--cells", "1", "--batch-size", "2", "--out", str(tmp_path)])
    assert main() == 0
    assert "fp32 over eager" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "perf.csv").set_index("name")
    seconds = table["value"]
    eager = seconds["plain eager channels-first network"]
    assert seconds["fp32 over eager"] == pytest.approx(seconds["zico in fp32"] / eager)
    assert {"perf.csv", "perf.md", "perf.json", "perf.png"} == {file.name for file in tmp_path.iterdir()}


def test_per_image_gradients_are_measured_for_both_proxies():
    gains = [figure for figure in measure(["per_sample"], TINY.first(1)) if figure.target == 5.0]
    assert [figure.name for figure in gains] == [
        f"{name}, gain over {loop}"
        for name in ("gradsign", "ntk_cond")
        for loop in ("a pass per image", "a pass per image over every operation")
    ]
    assert all(figure.value > 0 for figure in gains)


def test_overhead_is_measured_on_networks_that_differ():
    one, share = measure(["overhead"], TINY)
    assert one.value > 0
    assert share.target == 0.03


@pytest.mark.long
def test_statistics_are_measured_on_samples_and_whole_populations():
    cases = (Case(60, 90, 5.0), Case(90, 90, 8.0, 2_048.0))
    figures = list(cost_of_statistics(TINY, cases))
    assert [(figure.unit, figure.target) for figure in figures] == [
        ("CPU s", 5.0), ("MiB", None), ("CPU s", 8.0), ("MiB", 2_048.0),
    ]  # fmt: skip
    assert all(figure.value > 0 for figure in figures)
    scores, sample = made_up(cases[1], seed=0)
    assert sample.is_population
    assert sample.weights is not None
    assert [name for name in scores if not name.startswith("proxy")] == list(AGAINST)
    assert len(scores) == len(AGAINST) + N_PROXIES
    assert np.isinf(made_up(Case(1_000, 1_000, 1.0), seed=0)[0]["proxy0"]).any()
    assert np.isnan(scores["proxy1"]).any()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["zicoo"], "No measurement is called 'zicoo'. Did you mean 'zico'? Known: "),
        (["--cells", "0"], "--cells 0 is invalid: it must be at least 1."),
        (["zico", "--inputs", "real"], "cifar10"),
    ],
)
def test_a_mistake_is_one_sentence(words, sentence, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HARNESS_IMAGES", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["perf", *words, "--out", str(tmp_path / "out")])
    assert main() == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert sentence in line
