"""Facts of benchmarks beside what the harness finds: equal, unequal and left out, and the committed page."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.errors import CorruptDataError, MissingDataError, OptionError
from harness.inputs import DATA_SETS
from harness.paths import conf_folder
from harness.space import BENCHMARKS
from harness.tables.__main__ import main
from harness.tables.fact_quantities import QUANTITIES, Fact, Found, found_value
from harness.tables.fact_rows import Place
from harness.tables.facts import DRAWS, LEFT_OUT, NO, NOT_COMPUTED, YES, read_facts, redo, said, summary, verdict
from harness.tables.facts import write_facts as write
from harness.tables.joined import JoinedTables
from harness.tables.scores import ScoreSources
from harness.tables.spec import read_spec

ROOT = Path(__file__).parent.parent.parent
CSV = conf_folder() / "published" / "facts.csv"
NOWHERE = JoinedTables(None)
CELLS = BENCHMARKS.get("nats_tss")
DIGITS = DATA_SETS.get("digits")
DEAD = "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
PLAIN = Fact("by hand", "nats_tss", "digits", "", "architectures", "", "", "", "15625", "")


def fact(quantity: str, expected: str, **others: str) -> Fact:
    return replace(PLAIN, quantity=quantity, expected=expected, **others)


@pytest.fixture(scope="module")
def cells() -> Place:
    """The embedded benchmark, whose truth is always here."""
    return Place("nats_tss", "digits", NOWHERE)


@pytest.mark.parametrize(
    ("expected", "values", "spreads", "found"),
    [
        ("0.218/0.318", (0.2184, 0.3176), (), YES),
        ("0.218/0.318", (0.2186, 0.3176), (), NO),
        ("0.218/0.318", (0.2184,), (), NO),
        ("-0.451", (-0.4514,), (), YES),
        ("-0.451", (0.451,), (), NO),
        ("6561", (6561.0,), (), YES),
        ("6561", (6560.6,), (), NO),
        ("<0.5", (0.01,), (), YES),
        ("<0.5", (0.6,), (), NO),
        ("0.700/0.858", (0.68, 0.85), (0.011, 0.01), DRAWS),
        ("0.700/0.858", (0.67, 0.85), (0.011, 0.01), NO),
        ("38", (float("nan"),), (), NO),
    ],
)
def test_a_fact_is_equal_to_its_last_digit_and_draws_within_two_standard_deviations(expected, values, spreads, found):
    assert verdict(fact("tau / rho", expected), Found(values, spreads)) == found


def test_facts_are_counted_as_equal_unequal_and_left_out():
    redone = redo(
        [
            fact("architectures", "15625"),
            fact("networks", "5424"),
            fact("equal to the joined table", "15625", subject="params", joined="nats_tss:params_c10"),
            fact(NOT_COMPUTED, "1.14", subject="F of a test", note="no such test"),
            fact("architectures", "6561", bench="nasbench_macro", dataset="cifar10"),
        ],
        NOWHERE,
    )
    assert [one.equal for one in redone] == [YES, NO, LEFT_OUT, LEFT_OUT, LEFT_OUT]
    assert [one.found for one in redone[:2]] == ["15625", "5425"]
    assert "oracles=FOLDER" in redone[2].reason
    assert redone[3].reason == "no such test"
    assert "python -m harness.data fetch nasbench_macro" in redone[4].reason
    assert summary(redone) == (
        "5 facts: 1 equal to the last digit, 0 within the spread of random draws, 1 unequal, 3 left out."
    )


@pytest.mark.parametrize(
    ("quantity", "expected", "words"),
    [
        ("architectures", 341, {"rows": "not:connected"}),
        ("architectures", 9_445, {"rows": "reachable"}),
        ("architectures", 5**5, {"rows": "0-1=none"}),
        ("architectures", 3**6, {"rows": "without:nor_conv_3x3 without:avg_pool_3x3"}),
        ("architectures", 5**6 - 4**6, {"rows": "with:nor_conv_3x3"}),
        ("architectures", 1, {"rows": "row=11"}),
        ("median", 3, {"rows": "0-1=none 0-2=none 1-2=none", "subject": "count:none"}),
        (
            "median",
            round(CELLS.params(CELLS.architectures[11], DIGITS), -4),
            {"rows": "row=11", "subject": "params~-4"},
        ),
        ("median", 8, {"rows": "row=11", "subject": "size"}),
        ("row of", CELLS.index(CELLS.check(DEAD)), {"subject": DEAD}),
        ("names up to", 5, {"subject": "~"}),
    ],
)
def test_rows_and_numbers_are_those_that_words_name(cells, quantity, expected, words):
    assert found_value(cells, fact(quantity, "", **words)).values == (expected,)


def test_correlations_are_over_the_rows_and_a_training_is_a_row(cells):
    truth, params = cells.column(""), cells.number("params")
    chosen = cells.rows("canonical")
    assert chosen.sum() == 5_425
    (tau, rho) = found_value(cells, fact("tau / rho", "", subject="params", rows="canonical")).values
    ranks = pd.DataFrame({"params": params[chosen], "truth": truth[chosen]})
    assert rho == pytest.approx(ranks.corr(method="spearman").iloc[0, 1], abs=1e-9)
    assert tau == pytest.approx(ranks.corr(method="kendall").iloc[0, 1], abs=1e-9)
    assert found_value(cells, fact("trainings", "", rows="canonical", column=f"{default(cells)}_seed*")).values == (
        3 * 5_425,
    )


def default(place: Place) -> str:
    return place.default_column()


def test_extremes_come_with_their_rows_and_other_benchmarks_can_be_named(cells):
    truth = cells.column("")
    best, *rows = found_value(cells, fact("greatest / rows", "")).values
    assert best == truth.max()
    assert rows == np.flatnonzero(truth == truth.max()).tolist()
    least, *rows = found_value(cells, fact("least / rows", "")).values
    assert (least, rows) == (truth.min(), np.flatnonzero(truth == truth.min()).tolist())
    cifar, digits = cells.number("params@cifar100"), cells.number("nats_tss:params")
    assert np.array_equal(digits, cells.number("params"))
    assert (cifar > digits).all()


def test_networks_that_are_built_have_the_counted_parameters(cells, monkeypatch):
    assert found_value(cells, fact("networks built with the counted parameters", "3", subject="3")).values == (3,)
    monkeypatch.setattr(type(cells.space), "layers", lambda *_: ())
    assert found_value(cells, fact("networks built with the counted parameters", "3", subject="3")).values == (0,)


def test_a_joined_table_is_compared_row_by_row(tmp_path, cells):
    archs, params = np.array(CELLS.architectures, dtype="S"), cells.number("params").astype(int)
    altered = params + (np.arange(len(params)) < 5)
    classes = np.where(cells.classes == cells.classes[0], cells.classes[1], cells.classes)
    np.savez(tmp_path / "mine.npz", arch=archs, params=params, altered=altered, classes=classes, less=params - 18)
    place = Place("nats_tss", "digits", JoinedTables(tmp_path))

    def found(quantity, **words):
        return found_value(place, fact(quantity, "", **words)).values

    assert found("equal to the joined table", subject="params", joined="mine:params") == (15_625,)
    assert found("equal to the joined table", subject="params", joined="mine:altered") == (15_620,)
    assert found("equal to the joined table but for / a constant", subject="params", joined="mine:less") == (15_625, 18)
    assert found("rows in the order of the joined table", joined="mine") == (15_625,)
    merged = sum(np.sum(cells.classes == cells.classes[row]) for row in (0, 1))
    assert found("rows of classes as in the joined table", joined="mine:classes") == (15_625 - merged,)
    assert place.rows(f"joined:mine:params={params[0]}").sum() == (params == params[0]).sum()
    with pytest.raises(MissingDataError, match=r"mine\.npz has no column flops"):
        found("equal to the joined table", subject="params", joined="mine:flops")


def test_rows_of_a_joined_table_are_found_by_name_where_an_architecture_has_several(tmp_path):
    np.savez(tmp_path / "mine.npz", arch=np.array([b"a", b"b", b"a"]), top1=np.array([1.0, 2.0, 4.0]))
    column = JoinedTables(tmp_path).column("mine:top1", ["b", "a"])
    assert column.places.tolist() == [1, 0, 1]
    assert column.occurrence.tolist() == [0, 0, 1]
    assert column.by_arch(2).tolist() == [2.0, 2.5]
    with pytest.raises(CorruptDataError, match=r"mine\.npz does not list the 2 architectures"):
        JoinedTables(tmp_path).column("mine:top1", ["b", "c"])


@pytest.mark.parametrize(
    ("names", "values"),
    [([b"a", b"b"], [1.0, 2.0]), ([b"b", b"a"], [2.0, 1.0]), ([b"0101", b"1010"], [1.0, 2.0]), (None, [1.0, 2.0])],
)
def test_a_table_as_long_as_the_space_is_read_in_order_only_where_its_names_do_not_say_otherwise(
    tmp_path, names, values
):
    named = {} if names is None else {"arch": np.array(names)}
    np.savez(tmp_path / "mine.npz", top1=np.array([1.0, 2.0]), **named)
    assert JoinedTables(tmp_path).column("mine:top1", ["a", "b"]).by_arch(2).tolist() == values


def test_a_table_as_long_as_the_space_that_names_another_architecture_is_refused(tmp_path):
    np.savez(tmp_path / "mine.npz", arch=np.array([b"b", b"x"]), top1=np.array([1.0, 2.0]))
    with pytest.raises(CorruptDataError, match=r"mine\.npz does not list the 2 architectures"):
        JoinedTables(tmp_path).column("mine:top1", ["a", "b"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ({"rows": "purple"}, r"facts\.csv has rows=purple of nats_tss, which are none of its rows"),
        ({"quantity": "tau / rho", "subject": "layers"}, r"facts\.csv names layers, which nats_tss does not count"),
        ({"quantity": "weight"}, r"facts\.csv has the quantity 'weight', which is not computed"),
    ],
)
def test_words_that_mean_nothing_are_refused(words, sentence):
    with pytest.raises(OptionError, match=sentence):
        redo([replace(PLAIN, **words)], NOWHERE)


def test_the_page_shows_what_is_unequal_and_why_something_is_left_out(tmp_path, monkeypatch):
    facts = [PLAIN, fact("networks", "5424", note="one too few"), fact(NOT_COMPUTED, "1.1", subject="F", note="no F")]
    monkeypatch.setattr("harness.tables.facts.read_facts", lambda _: facts)
    said_first, path = write(read_spec("facts"), ScoreSources(tmp_path), tmp_path / "out")
    page = path.read_text()
    assert said_first in page
    assert "| nats_tss | 3 | 1 | 0 | 1 | 1 | - |" in page
    assert "## Unequal" in page
    assert "| nats_tss / digits | networks | 5,424 | 5,425 | no | one too few |" in page
    assert "| architectures | 15,625 | 15,625 | yes |  |" in page
    assert "- nats_tss / digits: `F` (1.1): no F." in page
    table = pd.read_csv(tmp_path / "out" / "facts.csv", dtype=str, keep_default_na=False)
    assert table["equal"].tolist() == [YES, NO, LEFT_OUT]
    assert table["note"].tolist() == ["", "one too few", "no F"]


def test_every_fact_is_of_a_known_benchmark_and_quantity_and_none_is_there_twice():
    facts = read_facts(CSV)
    assert all(one.bench in BENCHMARKS and BENCHMARKS.get(one.bench).takes(one.dataset) for one in facts)
    assert {one.quantity for one in facts} <= {*QUANTITIES, NOT_COMPUTED}
    assert all(one.note for one in facts if one.quantity == NOT_COMPUTED)
    stated = [(one.bench, one.dataset, said(one)) for one in facts]
    assert [one for one in stated if stated.count(one) > 1] == []


def test_the_committed_page_has_every_fact_and_explains_the_unequal_ones():
    table = pd.read_csv(ROOT / "results" / "tables" / "facts.csv", dtype=str, keep_default_na=False)
    names = [name for name in table.columns if name in vars(PLAIN) and name != "note"]
    assert table[names].to_dict("records") == [{name: getattr(one, name) for name in names} for one in read_facts(CSV)]
    assert set(table["equal"]) <= {YES, DRAWS, NO, LEFT_OUT}
    unexplained = table[(table["equal"].isin([NO, LEFT_OUT])) & (table["note"] == "")]
    assert unexplained.empty, unexplained
    opening = table[table["quantity"] == "CPU seconds to open the truth"]
    assert set(opening["bench"]) == set(table["bench"])
    assert set(opening["equal"]) == {YES}


def test_the_command_leaves_out_what_needs_downloads(tmp_path, capsys):
    assert main(["table=facts", f"out={tmp_path}", f"oracles={tmp_path}"]) == 0
    assert " 0 unequal, " in capsys.readouterr().out
    page = (tmp_path / "facts.md").read_text()
    assert "python -m harness.data fetch nasbench_mr" in page
    assert set(pd.read_csv(tmp_path / "facts.csv")["equal"]) == {LEFT_OUT}


def test_a_damaged_joined_table_is_one_sentence(tmp_path):
    (tmp_path / "mine.npz").write_bytes(b"PK no archive")
    with pytest.raises(CorruptDataError, match=r"mine\.npz is not a valid npz file \(BadZipFile\)\. Make it again\.$"):
        JoinedTables(tmp_path).column("mine:params", ["a"])
    np.savez(tmp_path / "other.npz", arch=np.array([b"a"]), params=np.array([object()]))
    with pytest.raises(CorruptDataError, match=r"other\.npz is not a valid npz file \(an array of something else"):
        JoinedTables(tmp_path).column("other:params", ["a"])
