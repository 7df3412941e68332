"""Effects of positions: the exact decomposition, the means and intervals, and the command."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.lens.__main__ import main
from harness.lens.effects import effects_table, is_factorial, variance_shares
from harness.space import BENCHMARKS
from harness.space.positions import Position
from harness.truth import Truth

TWO = (Position("a", ("x", "y")), Position("b", ("x", "y")))
HELD = [
    np.array([[1, 0], [1, 0], [0, 1], [0, 1]], dtype=bool),
    np.array([[1, 0], [0, 1], [1, 0], [0, 1]], dtype=bool),
]


def _share(shares: pd.DataFrame, positions: str) -> float:
    return float(shares.loc[shares["positions"] == positions, "share"].iloc[0])


def test_two_by_two_by_hand():
    """Values 0 2 4 10: mean 4, variance 14; means of a 1 and 7 (variance 9), of b 2 and 6 (4), the pair has 14 - 13."""
    assert is_factorial(TWO, HELD)
    shares = variance_shares(np.array([0.0, 2.0, 4.0, 10.0]), TWO, HELD)
    assert _share(shares, "a") == pytest.approx(9 / 14)
    assert _share(shares, "b") == pytest.approx(4 / 14)
    assert _share(shares, "a x b") == pytest.approx(1 / 14)
    assert _share(shares, "larger sets") == pytest.approx(0)
    table = effects_table(np.array([0.0, 2.0, 4.0, 10.0]), TWO, HELD, None)
    assert list(table["mean"]) == [1, 7, 2, 6]
    assert list(table["best"]) == [2, 10, 4, 10]
    assert list(table["best_rank"]) == [3, 1, 2, 1]
    assert table["mean_low"].isna().all()


def test_what_is_no_full_factorial_is_told():
    assert not is_factorial(TWO, [held[:3] for held in HELD])
    assert not is_factorial((TWO[0], Position("b", ("x", "y"), is_shared=True)), HELD)
    assert not is_factorial((), [])
    doubled = [np.concatenate([held[:3], held[:1]]) for held in HELD]
    assert not is_factorial(TWO, doubled)


def test_intervals_cover_means_over_classes_and_undefined_values_are_left_out():
    random = np.random.default_rng(0)
    half = [np.tile([[True, False], [False, True]], (200, 1))]
    position = (TWO[0],)
    classes = np.repeat(np.arange(100), 4)
    covered = []
    for _ in range(60):
        values = random.normal(size=100)[classes] + np.where(half[0][:, 0], 1.0, 0.0)
        values[0] = np.nan
        table = effects_table(values, position, half, classes)
        covered.append(table["mean_low"][0] <= 1 <= table["mean_high"][0])
        assert table["n"].sum() == 399
    assert np.mean(covered) >= 0.85  # an interval over rows, half as wide, covers two thirds


@pytest.fixture(scope="module")
def cells(fetched_home):
    space = BENCHMARKS.get("nats_tss")
    return space, space.values_held(space.architectures), Truth.open("nats_tss", fetched_home)


@pytest.mark.parametrize(
    ("dataset", "values", "pairs", "ranks"),
    [
        ("cifar10", 0.285, 0.393, 0.715),
        ("cifar100", 0.401, 0.380, 0.707),
        ("ImageNet16-120", 0.614, 0.271, 0.686),
    ],
)
def test_shares_on_nats_tss_are_those_computed_independently(cells, dataset, values, pairs, ranks):
    space, held, truth = cells
    accuracies = truth.values(space.architectures, dataset, "test200")
    shares = variance_shares(accuracies, space.positions, held).groupby("order")["share"].sum()
    assert list(shares[[1, 2]]) == pytest.approx([values, pairs], abs=6e-4)
    assert shares.sum() == pytest.approx(1)
    of_ranks = variance_shares(pd.Series(accuracies).rank().to_numpy(), space.positions, held)
    assert of_ranks.loc[of_ranks["order"] == 1, "share"].sum() == pytest.approx(ranks, abs=6e-4)
    if dataset == "cifar10":
        by_edge = [_share(of_ranks, edge) for edge in ("0-1", "0-2", "1-2", "0-3", "1-3", "2-3")]
        assert by_edge == pytest.approx([0.198, 0.080, 0.022, 0.199, 0.063, 0.153], abs=6e-4)
    # Convolution 3x3 has the best mean on every edge, yet the best cell has a skip on 0-3.
    table = effects_table(accuracies, space.positions, held, None)
    best_means = table.loc[table.groupby("position")["mean"].idxmax(), "value"]
    assert set(best_means) == {"nor_conv_3x3"}
    first = table[(table["position"] == "0-3") & (table["best_rank"] == 1)]
    assert list(first["value"]) == ["skip_connect"]


def test_the_command_works_with_truth_and_with_scores_alone(in_empty_folder, tmp_path):
    command = in_empty_folder(main)
    code, _, err = command("study=effects", "proxy=params", "dataset=digits", "sample=300", "out=here")
    assert (code, err) == (0, "")
    table = pd.read_csv("here/effects.csv")
    assert set(table["column"]) == {"(truth)", "params"}
    assert set(table.loc[table["needs_truth"] == "yes", "column"]) == {"(truth)"}
    assert table["mean_low"].notna().all()  # a sample is no full factorial
    assert not Path("here/variance.csv").exists()
    assert Path("here/effects-nats_tss-digits-1.png").is_file()
    # No truth of NATS-SSS is on this machine: the scores alone.
    space = BENCHMARKS.get("nats_sss")
    scores = [sum(space.widths(arch)) for arch in space.architectures]
    pd.DataFrame({"arch": space.architectures, "total": scores}).to_csv("widths.csv", index=False)
    words = ("study=effects", "bench=nats_sss", "dataset=cifar10", "sample=all", "scores=widths.csv", "out=alone")
    code, _, err = command(*words)
    assert (code, err) == (0, "")
    table = pd.read_csv("alone/effects.csv")
    assert set(table["needs_truth"]) == {"no"}
    shares = pd.read_csv("alone/variance.csv")
    values = shares[(shares["scale"] == "value") & (shares["order"] == 1)]
    assert list(values["share"]) == pytest.approx([0.2] * 5)  # a sum of widths is additive, all alike


def test_a_restriction_holds_without_truth_too_and_one_that_is_not_there_is_told(in_empty_folder):
    command = in_empty_folder(main)
    words = ("study=effects", "bench=nats_tss", "dataset=cifar10", "proxy=params", "sample=40")
    code, _, err = command(*words, "restrict=typo.yaml", "out=none")
    assert code == 2
    assert "restrict=typo.yaml cannot be read" in err
    Path("space.yaml").write_text("bench: nats_tss\nfix: {0-1: none}\n")
    code, _, err = command(*words, "restrict=space.yaml", "out=part")
    assert (code, err) == (0, "")
    table = pd.read_csv("part/effects.csv", keep_default_na=False)
    assert set(table.loc[(table["position"] == "0-1") & (table["n"].astype(int) > 0), "value"]) == {"none"}


def test_mistakes_are_one_sentence(in_empty_folder):
    command = in_empty_folder(main)
    code, _, err = command("study=effects", "dataset=digits", "figures=pdf")
    assert code == 2
    assert err.startswith("figures=pdf is for python -m harness; lens needs whole evaluations, and draws for its own")
    code, _, err = command("study=effect", "dataset=digits")
    assert code == 2
    assert "Did you mean 'effects'?" in err
    code, _, err = command("study=effects", "bench=imagenet_mbv2", "dataset=imagenet")
    assert code == 2
    assert "bench=imagenet_mbv2 is invalid for study=effects" in err
    assert err.count("\n") == 1
