"""Compact score tables: what a store holds goes out and comes back, joined and never mixed."""

import dataclasses
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from harness.errors import CorruptDataError
from harness.inputs import DATA_SETS, BatchRequest, InputKind, draw_batches
from harness.space import BENCHMARKS
from harness.store import OK, UNDEFINED, Score, ScoreKey, ScoreStore, main, read_header, read_table, table_paths

PROTOCOL = '{"batch_size":8,"dtype":"fp32","init":"default","mode":"train","n_batches":2}'
KEY = ScoreKey("nats_tss@1", "digits", "", "", "mine@1", "{}", "", -1)


def archs() -> list[str]:
    return list(BENCHMARKS.get("nats_tss").architectures)


def filled(path, scores, key=KEY):
    with ScoreStore(path) as store:
        store.add([(key, score) for score in scores])
    return path


def scores(rows: range) -> list[Score]:
    names = archs()
    found = [Score(names[row], {"params": row / 7, "extra": -math.inf}, OK, "", 0.25) for row in rows]
    return [*found, Score(names[999], {}, UNDEFINED, "no path", 0.5)]


def test_a_store_goes_out_and_comes_back(tmp_path, capsys):
    store = filled(tmp_path / "s.sqlite", scores(range(50)))
    assert main(["export", str(store), str(tmp_path / "tables")]) == 0
    assert main(["load", str(tmp_path / "tables"), str(tmp_path / "back.sqlite")]) == 0
    assert "51 scores added" in capsys.readouterr().out
    with ScoreStore(store) as first, ScoreStore(tmp_path / "back.sqlite") as second:
        assert first.find(KEY) == second.find(KEY)


def test_what_no_table_can_hold_is_told(tmp_path, capsys):
    store = filled(tmp_path / "s.sqlite", scores(range(50)))
    filled(store, scores(range(4)), dataclasses.replace(KEY, data_set="images.npz, 3x8x8, 3 outputs, cross_entropy"))
    filled(store, scores(range(6)), dataclasses.replace(KEY, space="../small@0123456789abcdef"))
    assert main(["export", str(store), str(tmp_path / "tables")]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("1 score tables written to ")
    assert sorted(line.partition(";")[0] for line in out[1:]) == [
        "Left out: 5 scores on data that the harness does not come with",
        "Left out: 7 scores of networks that the harness does not come with",
    ]
    assert len(table_paths(tmp_path)) == 0
    assert len(table_paths(tmp_path / "tables")) == 1


def test_a_table_holds_scores_and_the_whole_key_and_no_truth(tmp_path):
    main(["export", str(filled(tmp_path / "s.sqlite", scores(range(3)))), str(tmp_path / "tables")])
    (path,) = table_paths(tmp_path / "tables")
    assert path.relative_to(tmp_path / "tables").as_posix().startswith("nats_tss@1/digits/mine@1-")
    assert read_header(path).key == KEY
    names = ["index", "component:params", "component:extra", "status", "reason", "seconds"]
    assert pq.read_schema(path).names == names
    assert read_table(path).components["params"].isna().to_dict() == {0: False, 1: False, 2: False, 999: True}


def test_a_second_export_joins_and_changes_nothing_that_is_there(tmp_path, capsys):
    tables = tmp_path / "tables"
    main(["export", str(filled(tmp_path / "a.sqlite", scores(range(20)))), str(tables)])
    (path,) = table_paths(tables)
    before = path.read_bytes()
    assert main(["export", str(tmp_path / "a.sqlite"), str(tables)]) == 0
    assert path.read_bytes() == before
    assert main(["export", str(filled(tmp_path / "b.sqlite", scores(range(10, 40)))), str(tables)]) == 0
    assert list(read_table(path).rows.index) == [*range(40), 999]
    other = [score._replace(components={"params": 0.0, "extra": 0.0}) for score in scores(range(5))]
    assert main(["export", str(filled(tmp_path / "c.sqlite", other)), str(tables)]) == 2
    assert "has different values of mine@1" in capsys.readouterr().err


def test_scores_join_a_table_of_failures_alone(tmp_path):
    tables = tmp_path / "tables"
    failed = [Score(archs()[999], {}, UNDEFINED, "no path", 0.5)]
    assert main(["export", str(filled(tmp_path / "a.sqlite", failed)), str(tables)]) == 0
    assert main(["export", str(filled(tmp_path / "b.sqlite", scores(range(3)))), str(tables)]) == 0
    (path,) = table_paths(tables)
    assert list(read_table(path).rows.index) == [0, 1, 2, 999]
    assert main(["export", str(tmp_path / "b.sqlite"), str(tables)]) == 0


@pytest.mark.parametrize(
    ("n_rows", "length", "said"), [(51, 2_000_000, "bytes of text; at most"), (20_000, 1, "20,000 rows, more than")]
)
def test_a_table_is_measured_before_it_takes_memory(tmp_path, n_rows, length, said):
    """One long text, or one row, that stands there many times takes little room in a file."""
    main(["export", str(filled(tmp_path / "s.sqlite", scores(range(50)))), str(tmp_path / "tables")])
    (path,) = table_paths(tmp_path / "tables")
    table = pq.read_table(path).take(np.arange(n_rows) % 51)
    reason = pa.DictionaryArray.from_arrays(pa.array(np.zeros(n_rows, dtype=np.int32)), pa.array(["x" * length]))
    pq.write_table(table.set_column(table.column_names.index("reason"), "reason", reason), path, compression="zstd")
    with pytest.raises(CorruptDataError, match=said):
        read_table(path)


def test_inputs_are_named_by_drawing_them_again(tmp_path):
    batches = draw_batches(DATA_SETS.get("digits"), BatchRequest(InputKind.noise, 2, 8, seed=3))
    key = dataclasses.replace(KEY, inputs=batches.sha256, protocol=PROTOCOL, proxy="mine@1", seed=3)
    unknown = dataclasses.replace(key, inputs="0" * 64)
    for one in (key, unknown):
        filled(tmp_path / "s.sqlite", scores(range(2)), one)
    main(["export", str(tmp_path / "s.sqlite"), str(tmp_path / "tables")])
    kinds = {read_header(path).key.inputs: read_header(path).inputs for path in table_paths(tmp_path / "tables")}
    assert kinds == {batches.sha256: "noise", "0" * 64: ""}


def test_a_choice_of_proxies_and_mistakes_in_one_sentence(tmp_path, capsys):
    store = filled(tmp_path / "s.sqlite", scores(range(2)))
    assert main(["export", str(store), str(tmp_path / "none"), "--proxy", "zico"]) == 0
    assert table_paths(tmp_path / "none") == []
    assert main(["load", str(tmp_path / "none"), str(store)]) == 2
    assert "There are no score tables in" in capsys.readouterr().err
    assert main(["export", str(tmp_path / "nowhere.sqlite")]) == 2
    assert "There is no score store" in capsys.readouterr().err
    wrong = filled(tmp_path / "w.sqlite", scores(range(2)), dataclasses.replace(KEY, space="nats_tss@99"))
    assert main(["export", str(wrong), str(tmp_path / "none")]) == 2
    assert "Scores are of nats_tss@99, but this harness has nats_tss@1" in capsys.readouterr().err


def test_scores_of_a_space_without_numbers_stay_in_the_store(tmp_path):
    filled(tmp_path / "store.sqlite", scores(range(5)))
    space = BENCHMARKS.get("imagenet_mbv2")
    key = dataclasses.replace(KEY, space=f"{space.name}@{space.version}", data_set="imagenet")
    filled(tmp_path / "store.sqlite", [Score(space.start, {"params": 1.0}, OK, "", 0.1)], key)
    assert main(["export", str(tmp_path / "store.sqlite"), str(tmp_path / "tables")]) == 0
    assert len(table_paths(tmp_path / "tables")) == 1


@pytest.mark.parametrize("content", [b"", b"no parquet"])
def test_another_file_is_refused(tmp_path, content):
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    with pytest.raises(CorruptDataError, match="is not a score table"):
        read_header(path)
