"""`describe --changes`: every architecture one step away, with what the store, the counts and the truth say of it."""

import pandas as pd
import pytest

from harness.describe import main
from harness.evaluation.changes import Place, changes_of
from harness.inputs import DATA_SETS, InputKind
from harness.protocol import Protocol
from harness.scoring import ContextSpec, ScoringRun
from harness.scoring.proxy_spec import parse_proxies
from harness.space import BENCHMARKS
from harness.store import OK, Score, ScoreStore
from harness.truth import Truth

TSS, DIGITS = BENCHMARKS.get("nats_tss"), DATA_SETS.get("digits")
CELL = TSS.architectures[11]


@pytest.fixture
def store(tmp_path):
    """A store with made-up scores of zen of the first three neighbours, under the names that it sees."""
    (spec,) = parse_proxies(["zen"], {})
    run = ScoringRun(ContextSpec("nats_tss", "digits", InputKind.noise, Protocol(), 0, "cpu"), (spec,), None)
    forms = run.scored_as(spec, TSS.neighbours(CELL)[:3])
    with ScoreStore(tmp_path / "scores.sqlite") as opened:
        rows = [Score(form, {"zen": float(at)}, OK, "", 0.1) for at, form in enumerate(forms)]
        opened.add([(run.key(spec), row) for row in rows])
    return tmp_path / "scores.sqlite"


def test_each_neighbour_has_its_row_its_counts_and_its_truth(store):
    table = changes_of(Place(TSS, DIGITS, store), CELL).table
    assert table["arch"][0] == CELL
    assert set(table["arch"][1:]) == set(TSS.neighbours(CELL))
    truth = Truth.open("nats_tss")
    for row in table.to_dict("records"):
        assert row["params"] == TSS.params(row["arch"], DIGITS)
        assert row["index"] == TSS.index(row["arch"])
        assert row["same_network"] == (TSS.canonical(row["arch"]) == TSS.canonical(CELL))
        (value,) = truth.values([row["arch"]], "digits", "test")
        assert row["test"] == value
    changed = dict(zip(table["arch"], table["change"], strict=True))
    assert changed[TSS.architectures[2645]] == "2-3: avg_pool_3x3 -> none"
    assert changed[CELL] == ""


def test_stored_scores_are_shown_highest_first_and_nothing_is_scored(store):
    before = store.read_bytes()
    found = changes_of(Place(TSS, DIGITS, store), CELL, ["zen", "naswot"])
    by_arch = found.table.set_index("arch")["zen"]
    assert [by_arch[arch] for arch in TSS.neighbours(CELL)[:3]] == [0.0, 1.0, 2.0]
    forms = set(TSS.canonical_forms(TSS.neighbours(CELL)[:3]))
    assert by_arch[[arch for arch in by_arch.index if TSS.canonical(arch) not in forms]].isna().all()
    assert found.table["zen"][1] == 2.0
    assert found.notes == [f"{store} has no scores of these architectures by naswot"]
    assert store.read_bytes() == before


def test_the_command_writes_all_of_them_and_says_what_is_inside(store, tmp_path, capsys):
    restriction, out = tmp_path / "space.yaml", tmp_path / "changes.csv"
    restriction.write_text("bench: nats_tss\nfix: {0-3: skip_connect}\n", encoding="utf-8")
    words = ["nats_tss", "11", "--dataset", "digits", "--changes", "--store", str(store), "--csv", str(out)]
    picture = ["--out", str(tmp_path / "picture.png")]
    assert main([*words, *picture, "--restrict", str(restriction)]) == 0
    table = pd.read_csv(out)
    assert len(table) == 1 + len(TSS.neighbours(CELL))
    assert [TSS.cell(arch)[3] == "skip_connect" for arch in table["arch"]] == table["inside"].tolist()
    assert "24 changes of one step, nats_tss / digits" in capsys.readouterr().out
    assert main(["nats_tss", "11", "--csv", str(out), *picture]) == 2
    assert "--csv is for --changes; give --changes too." in capsys.readouterr().err


@pytest.mark.parametrize("bench", ["nasbench101", "transnas_macro", "nasbench_bert", "nasbench_mr"])
def test_changes_of_other_spaces_are_named_by_their_positions(bench, tmp_path):
    space = BENCHMARKS.get(bench)
    data_set = DATA_SETS.get(space.data_sets[0])
    arch = space.architectures[0]
    table = changes_of(Place(space, data_set, tmp_path / "none.sqlite"), arch).table
    assert len(table) == 1 + len(space.neighbours(arch))
    assert (table["change"][1:] != "").mean() > 0.5
