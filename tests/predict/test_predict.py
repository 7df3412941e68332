"""Few-shot prediction: features and numbers by hand, the command from end to end on the embedded truth, mistakes."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.predict.__main__ import main
from harness.predict.features import feature_table
from harness.predict.graf import graf_features, graf_names, operations_of
from harness.predict.references import needed
from harness.space import BENCHMARKS
from harness.truth import Truth

RIDGE = ["bench=nats_tss", "dataset=digits", "models=[ridge:graf,rank_ridge:graf]", "score_tables=null"]


@pytest.fixture
def command(in_empty_folder):
    return in_empty_folder(main)


def test_features_of_a_graph_by_hand():
    """0-1 conv 3x3, 1-2 skip, 0-2 none, 0-3 skip, 1-3 none, 2-3 conv 3x3: paths 0-1-2-3 and 0-3."""
    space = BENCHMARKS.get("nats_tss")
    arch = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
    operations = ("conv 3x3", "skip")
    found = dict(zip(graf_names(operations), graf_features(space.graph(arch), operations), strict=True))
    assert found["number of conv 3x3"] == found["number of skip"] == 2
    # conv 3x3 alone: 0-1 and 2-3 join nothing, so that there is no path: fewest 4 edges and 1, most 0.
    assert (found["shortest (conv 3x3)"], found["longest (conv 3x3)"]) == (5, 0)
    assert (found["shortest (skip)"], found["longest (skip)"]) == (1, 1)  # 0-3
    assert (found["shortest (conv 3x3, skip)"], found["longest (conv 3x3, skip)"]) == (1, 3)
    assert [found[f"{kind} (conv 3x3)"] for kind in ("into output", "out of input", "mean degree")] == [1, 1, 2 / 4]
    assert [found[f"{kind} (skip)"] for kind in ("into output", "out of input", "mean degree")] == [1, 1, 2 / 4]


def test_features_of_a_graph_with_operations_on_vertices_by_hand():
    """input -> conv 3x3 -> output and input -> output: the second path performs nothing."""
    space = BENCHMARKS.get("nasbench101")
    arch = next(arch for arch in space.architectures[:20_000] if len(space.cell(arch).operations) == 2)
    graph = space.graph(arch)
    operations = operations_of([graph])
    found = dict(zip(graf_names(operations), graf_features(graph, operations), strict=True))
    assert sum(found[f"number of {name}"] for name in operations) == 2
    whole = ", ".join(operations)
    cell = space.cell(arch)
    inner = [target for source, target in cell.edges if source == 0 and target != 3]
    assert found[f"out of input ({whole})"] == len(inner)
    assert found[f"into output ({whole})"] == len([s for s, t in cell.edges if t == 3 and s != 0])
    assert found[f"longest ({whole})"] == (2 if (1, 2) in cell.edges else 1)
    alone = len(inner) + found[f"into output ({whole})"] > 2  # a vertex that reads the input and feeds the output
    assert found[f"shortest ({whole})"] == (0 if (0, 3) in cell.edges else 1 if alone else 2)


def test_isomorphic_cells_share_the_features_of_their_live_part():
    """A cell whose edges 0-1, 1-3 and 0-2, 2-3 are exchanged has the same features."""
    space = BENCHMARKS.get("nats_tss")
    one = "|nor_conv_3x3~0|+|skip_connect~0|none~1|+|none~0|nor_conv_1x1~1|avg_pool_3x3~2|"
    other = "|skip_connect~0|+|nor_conv_3x3~0|none~1|+|none~0|avg_pool_3x3~1|nor_conv_1x1~2|"
    table = feature_table("graf", space, [one, other], {})
    assert table.values[0].tolist() == table.values[1].tolist()
    assert len(table.columns) == 4 + 15 * 5


def test_log_widths_are_those_of_the_name():
    table = feature_table("log_widths", BENCHMARKS.get("nats_sss"), ["8:16:24:32:64"], {})
    assert np.exp(table.values[0]) == pytest.approx([8, 16, 24, 32, 64])
    assert table.at is not None
    assert np.exp(table.at(np.array([[9.5, 16, 24, 32, 64]]))[0, 0]) == pytest.approx(9.5)


def test_trainings_that_a_proxy_is_worth_by_hand():
    numbers, taus = np.array([10.0, 40.0, 160.0]), np.array([0.4, 0.6, 0.7])
    assert needed(numbers, taus, 0.3) == (10.0, True)
    assert needed(numbers, taus, 0.5) == (pytest.approx(20.0), True)  # half of the way from log 10 to log 40
    assert needed(numbers, taus, 0.8) == (160.0, False)


def test_the_command_says_what_was_learned_from_how_many(command):
    code, out, error = command(*RIDGE, "n=[10,60]", "draws=3", "budget.params=6e4", "out=one")
    assert code == 0, error
    assert out.strip().splitlines()[-1] == "one"
    space, truth = BENCHMARKS.get("nats_tss"), Truth.open("nats_tss")
    values = dict(zip(space.architectures, truth.values(space.architectures, "digits", "test"), strict=True))
    rows = pd.read_csv("one/predictor.csv")
    assert (rows["learned_from"] == rows["n"]).all()
    assert len(rows) == 2 * 3 * 2
    in_units = rows[rows["predictor"] == "ridge"]
    assert in_units["r2"].notna().all()
    assert rows[rows["predictor"] == "rank_ridge"]["r2"].isna().all()
    n_known = sum(np.isfinite(value) for value in values.values())
    assert (rows["n_predicted"] <= n_known - rows["n"]).all()  # copies of the trained ones are left out, too
    means = in_units.groupby("n")["tau"].mean()
    assert means[60] > means[10] > 0
    chosen = pd.read_csv("one/chosen.csv")
    best = max(value for arch, value in values.items() if np.isfinite(value) and space.params(arch, _digits()) <= 6e4)
    for row in chosen.dropna(subset=["arch"]).itertuples():
        assert row.truth == values[row.arch]
        assert row.regret == pytest.approx(best - values[row.arch])
        assert space.params(row.arch, _digits()) <= 6e4
    assert set(chosen[chosen["learned_from"] == 0]["chooser"]) == {"largest params", "largest flops"}
    trained = chosen[chosen["chooser"] == "best of the trained"]
    assert trained.groupby("n").size().tolist() == [3, 3]
    text = Path("one/predict.md").read_text(encoding="utf-8")
    assert "Every predictor here is learned from ground truth" in text
    assert Path("one/predict.png").read_bytes().startswith(b"\x89PNG")


def _digits():
    from harness.inputs import DATA_SETS

    return DATA_SETS.get("digits")


def test_equal_seeds_give_equal_draws(command):
    small = [*RIDGE, "sample=300", "n=20", "draws=2"]
    assert command(*small, "out=one")[0] == 0
    assert command(*small, "seed=1", "out=two")[0] == 0
    one, two = (pd.read_csv(f"{out}/predictor.csv") for out in ("one", "two"))
    assert one["tau"].tolist() != two["tau"].tolist()
    assert command(*small, "out=again")[0] == 0
    assert pd.read_csv("again/predictor.csv").equals(one)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["truth=few.csv:acc", "n=[10,25]"], "n=25 is invalid: truth=few.csv:acc is known of 40 networks, 20 of which"),
        (["n=2"], "n=2 is invalid: it must be 4 to 2,000 trained networks."),
        (["budget.params=10"], "budget.params=10 cannot be met: the smallest params is"),
        (["models=ridge"], "models=ridge is invalid: it must be PREDICTOR:FEATURES, such as models=ridge:graf."),
        (["models=rigde:graf"], "No predictor is called 'rigde'. Did you mean 'ridge'"),
        (["models=ridge:graff"], "'graff'"),
        (["models=ridge:log_widths"], "features log_widths are invalid for nats_tss"),
        (["models=ridge:scores"], "features scores are invalid for nats_tss: they take two proxies or more"),
        (["search=shgo"], "search=shgo is invalid for nats_tss: its architectures are no points of a box"),
        (["search=evolution"], "search=evolution is invalid: it must be exhaustive, shgo, or both in a list."),
        (["bench=[nats_tss,nats_sss]"], "predict takes one benchmark and one data set"),
    ],
)
def test_mistakes_end_in_one_sentence(command, words, text):
    few = BENCHMARKS.get("nats_tss").architectures[:40]
    pd.DataFrame({"arch": few, "acc": np.arange(40.0)}).to_csv("few.csv", index=False)
    code, _, error = command(*RIDGE, *([] if "truth=few.csv:acc" in words else ["sample=300"]), *words)
    assert code == 2
    assert text in error
    assert error.count("\n") == 1
