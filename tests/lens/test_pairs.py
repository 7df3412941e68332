"""Pairs of proxies: the table against SciPy and by hand, the choice that is held out, and the command."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau, rankdata

from harness.lens.__main__ import main
from harness.lens.complements import Scored, _halves, held_out, pairs_table
from harness.space import BENCHMARKS


@pytest.fixture
def command(in_empty_folder):
    return in_empty_folder(main)


def scored(columns: dict[str, object], truth: object, networks: object = None) -> Scored:
    values = np.array(list(columns.values()), dtype=np.float64).T
    accuracies = np.asarray(truth, dtype=np.float64)
    of = np.arange(accuracies.size) if networks is None else np.asarray(networks)
    return Scored(tuple(columns), values, accuracies, of.astype(np.intp))


def test_four_architectures_by_hand():
    """a ranks 1 2 3 4 and b 2 1 4 3 beside the truth 1 2 3 4: their sum 3 3 7 7 has 4 of 6 pairs and ties two."""
    (row,) = pairs_table(scored({"a": [1, 2, 3, 4], "b": [2, 1, 4, 3]}, [10, 20, 30, 40])).to_dict("records")
    assert (row["tau_first"], row["tau_second"], row["tau_between"]) == pytest.approx((1, 1 / 3, 1 / 3))
    assert row["tau_sum"] == pytest.approx(4 / np.sqrt(6 * 4))
    assert row["gain"] == pytest.approx(4 / np.sqrt(24) - 1)
    assert row["partial_first"] == pytest.approx((1 - 1 / 9) / np.sqrt((1 - 1 / 9) * (1 - 1 / 9)))
    assert np.isnan(row["partial_second"])  # the truth is a's order: nothing is left over


def test_the_table_has_scipys_taus():
    random = np.random.default_rng(0)
    columns = {name: random.integers(8, size=60) for name in "abc"}
    truth = random.normal(size=60)
    table = pairs_table(scored(columns, truth)).set_index(["first", "second"])
    for (first, second), row in table.iterrows():
        ranks = rankdata(columns[first]) + rankdata(columns[second])
        assert row["tau_sum"] == pytest.approx(kendalltau(ranks, truth).statistic)
        assert row["tau_sum_networks"] == pytest.approx(row["tau_sum"])  # networks of one name each
        assert row["tau_between"] == pytest.approx(kendalltau(columns[first], columns[second]).statistic)
    assert table["tau_sum"].is_monotonic_decreasing


def test_a_network_of_many_names_has_one_vote():
    """The rows of one network repeated: over networks as without them, over cells not."""
    random = np.random.default_rng(1)
    columns = {name: random.normal(size=30) for name in "ab"}
    truth = random.normal(size=30)
    rows = np.concatenate([np.arange(30), np.full(40, 3), np.full(5, 7)])
    repeated = scored({name: values[rows] for name, values in columns.items()}, truth[rows], rows)
    (row,) = pairs_table(repeated).to_dict("records")
    ranks = sum(rankdata(values[rows]) for values in columns.values())
    once = np.unique(rows, return_index=True)[1]
    assert row["tau_sum_networks"] == pytest.approx(kendalltau(ranks[once], truth).statistic)
    assert row["tau_sum"] == pytest.approx(kendalltau(ranks, truth[rows]).statistic) != row["tau_sum_networks"]


def test_halves_of_one_thing_rank_better_together_and_the_choice_is_found():
    random = np.random.default_rng(2)
    one, two = random.normal(size=(2, 400))
    columns = {"one": one, "noise": random.normal(size=400), "two": two}
    for of_networks in (False, True):
        found = held_out(scored(columns, one + two), 0, of_networks=of_networks)
        assert found.pairs == [(("one", "two"), 50)]
        assert found.low > 0.2
        assert found.delta == pytest.approx(found.pair - found.single)


def test_what_is_chosen_among_noise_shows_no_gain():
    """Of twenty columns of noise the best pair of all architectures has a tau; held out, its interval holds 0."""
    random = np.random.default_rng(3)
    noise = scored({f"n{at}": random.normal(size=80) for at in range(20)}, random.normal(size=80))
    assert pairs_table(noise)["tau_sum"].iloc[0] > 0.15
    found = held_out(noise, 0, of_networks=False, n_splits=20)
    assert found.low < 0 < found.high
    assert abs(found.pair) < 0.15


def test_names_of_one_network_are_never_on_both_sides():
    """A proxy that knows networks apart but nothing else: the halves of a network on both sides would tell it."""
    networks = np.repeat(np.arange(30), 3)
    for first, second in _halves(networks, 20, 0):
        assert not set(networks[first]) & set(networks[second])
        assert sorted([*first, *second]) == list(range(90))
        assert abs(first.size - second.size) <= 3


def test_the_command_on_the_digits(command, rough_intervals):
    code, out, err = command(
        "study=pairs", "proxy=[params,depth,n_convs_live]", "dataset=digits", "sample=60", "out=here"
    )
    assert code == 0, err
    table = pd.read_csv("here/pairs.csv")
    assert len(table) == 3
    assert set(table["n"]) == {60}
    chosen = pd.read_csv("here/held_out.csv")
    assert chosen["one_vote_for"].tolist() == ["architecture", "network"]
    assert "held out, the best pair has tau" in out


def test_scores_that_order_nothing_are_left_out(command, rough_intervals):
    words = ("study=pairs", "proxy=[params,depth]", "dataset=digits", "scores=equal.csv", "out=here")
    digits = BENCHMARKS.get("nats_tss").architectures[:40]
    Path("equal.csv").write_text("arch,same\n" + "".join(f"{arch},1\n" for arch in digits))
    code, out, err = command(*words)
    assert code == 0, err
    assert "- left out: same, whose scores are equal on all architectures that every proxy scores." in out
    assert len(pd.read_csv("here/pairs.csv")) == 1


def test_mistakes_end_in_one_sentence(command, rough_intervals):
    code, _, err = command("study=pairs", "proxy=params", "dataset=digits", "sample=40")
    assert (code, err.strip()) == (2, "study=pairs needs two proxies or more; nats_tss / digits has 1.")
    code, _, err = command("study=pairs", "proxy=[params,depth]", "dataset=digits", "sample=12")
    assert code == 2
    assert "study=pairs needs 20 networks or more with truth and scores by params, depth" in err
    assert "has 12. Give a larger sample=." in err
    code, _, err = command("study=pairs", "proxy=[params,depth]", "dataset=digits", "sample=40", "ensemble=rank_sum")
    assert code == 2
    assert "ensemble=rank_sum is invalid for study=pairs" in err


def test_one_order_under_two_names_is_one_proxy(command, rough_intervals):
    code, out, err = command(
        "study=pairs", "proxy=[params,flops_full,depth]", "dataset=digits", "sample=60", "out=here"
    )
    assert code == 0, err
    table = pd.read_csv("here/pairs.csv")
    assert ("which orders the architectures as params does." in out) == (len(table) == 1)
    assert not (table["tau_between"] == 1).any()


def test_an_undefined_tau_is_neither_chosen_nor_judged():
    """Only one row differs from all others, so that one half of each split has no tau: no split is judged."""
    truth = np.zeros(40)
    truth[7] = 1
    found = held_out(scored({"a": np.arange(40), "b": np.arange(40) % 7}, truth), 0, of_networks=False)
    assert (found.n_splits, found.pairs) == (0, [])
    assert np.isnan(found.delta)
