"""What the page can be restricted by, and the effects that it shows."""

import math
import shutil

import numpy as np
import pandas as pd
import pytest

from harness.lens.effects import effects_table
from harness.page.choices import choices
from harness.page.contents import contents
from harness.page.runs import read_run
from harness.space import BENCHMARKS


@pytest.fixture
def panel(run_folder):
    (found,) = read_run(run_folder).panels
    return found


def test_each_architecture_holds_what_its_name_says(panel) -> None:
    found = choices(panel, panel.scores)
    space = BENCHMARKS.get("nats_tss")
    for row, arch in enumerate(panel.scores["arch"]):
        held = [
            tuple(position["values"][value] for value in one["sets"][one["of"][row]])
            for position, one in zip(found["positions"], found["held"], strict=True)
        ]
        assert held == [tuple(values) for values in space.values_at(space.check(arch))]
    assert found["rows"] is None


def test_the_effects_are_those_of_the_study(panel) -> None:
    """Values, intervals and ranks of harness/lens, for the truth and for each proxy."""
    found = choices(panel, panel.scores)
    space = BENCHMARKS.get("nats_tss")
    archs = [space.check(arch) for arch in panel.scores["arch"]]
    classes = np.unique(np.array(space.canonical_forms(archs)), return_inverse=True)[1]
    for name, rows in [("truth", found["effects"]["truth"]), *found["effects"]["scores"].items()]:
        values = panel.scores[name].to_numpy(dtype=float)
        table = effects_table(values, space.positions, space.values_held(archs), classes)
        assert [row[2] for row in rows] == table["n"].tolist()
        for column, place in [("mean", 3), ("mean_low", 4), ("mean_high", 5), ("mean_rank", 6), ("best", 7)]:
            shown = [math.nan if row[place] is None else row[place] for row in rows]
            np.testing.assert_allclose(shown, table[column], rtol=1e-5)
        assert [row[8] for row in rows] == table["best_rank"].tolist()
    assert set(found["effects"]["scores"]) == {"params", "flops_live", "sum_log_layer_size"}
    assert any(row[4] is not None for row in found["effects"]["truth"])


def test_canonical_forms_stand_for_all_of_their_names(panel) -> None:
    space = BENCHMARKS.get("nats_tss")
    forms = space.canonical_forms([space.check(arch) for arch in panel.scores["arch"]])
    scores = panel.scores.assign(arch=forms).drop_duplicates("arch").reset_index(drop=True)
    agreement = panel.agreement.assign(population="canonical")
    canonical = type(panel)(panel.bench, panel.data_set, agreement, scores, panel.verdicts)
    rows = choices(canonical, scores)["rows"]
    n_names = pd.Series(space.canonical_forms(space.architectures)).value_counts()
    assert np.bincount(rows).tolist() == [n_names[form] for form in scores["arch"]]


def test_networks_without_positions_have_no_choices(run_folder, tmp_path) -> None:
    shutil.copytree(run_folder, tmp_path / "run")
    for name in ("agreement.csv", "verdict.csv"):
        table = pd.read_csv(tmp_path / "run" / name, keep_default_na=False).assign(bench="mine.py:nets")
        table.to_csv(tmp_path / "run" / name, index=False)
    (place,) = contents([read_run(tmp_path / "run")])["places"]
    assert place["choices"] is None
