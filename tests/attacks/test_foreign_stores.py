"""A store or table from a stranger is data: it reaches no path, no statement and no terminal, and runs nothing."""

import dataclasses
import os
import sqlite3

import pytest

from harness.errors import HarnessError, StoreError
from harness.space import BENCHMARKS
from harness.store import FAILED, OK, Score, ScoreKey, ScoreStore, main, merge, table_paths
from harness.store.opening import APPLICATION, SCHEMAS

KEY = ScoreKey("nats_tss@1", "digits", "", "", "params@1", "{}", "", -1)
ARCHS = list(BENCHMARKS.get("nats_tss").architectures)[:3]


def old_store(path, rows):
    """A store of version 1, which has no digests that a stranger would have to compute."""
    with sqlite3.connect(path) as connection:
        connection.executescript(f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = 1; {SCHEMAS[1]}")
        values = dataclasses.astuple(KEY)
        connection.execute(f"INSERT INTO keys VALUES (1, {', '.join('?' * len(values))})", values)
        connection.executemany("INSERT INTO scores VALUES (1, ?, ?, ?, ?, ?)", rows)
    connection.close()
    return path


def good_store(path, key=KEY):
    with ScoreStore(path) as store:
        store.add([(key, Score(arch, {"params": 2.0}, OK, "", 0.5)) for arch in ARCHS])
    return path


@pytest.mark.parametrize(
    ("components", "status", "words"),
    [
        ('{"params": 1.0},{"params": 2.0}', OK, "not a mapping of floats"),
        ('{"other": 5}', OK, "the proxy gives params"),
        ('{"params": "5"}', OK, "not a mapping of floats"),
        ('{"params": true}', OK, "not a mapping of floats"),
        ("[" * 100_000, OK, "not a mapping of floats"),
        ('{"params": 1' + "0" * 400 + "}", OK, "damaged"),
        ("{}", OK, "not a mapping of floats"),
        ("{}", "fine", "unknown status"),
        ('{"params": 1.0}', FAILED, "components although"),
        (b"x", OK, "wrong type"),
    ],
)
def test_components_are_the_proxys_own_floats(components, status, words, tmp_path):
    path = old_store(tmp_path / "s.sqlite", [(ARCHS[0], components, status, "", 0.5)])
    with ScoreStore(path) as store, pytest.raises(StoreError, match=words):
        store.find(KEY)


def test_an_old_store_is_read_as_it_is_and_gets_digests_when_written(tmp_path, capsys):
    path = old_store(tmp_path / "s.sqlite", [(arch, '{"params": 1.5}', OK, "", 0.5) for arch in ARCHS[:2]])
    before = path.read_bytes()
    assert main(["info", str(path)]) == 0
    assert "0 verified, 2 unverified" in capsys.readouterr().out
    assert path.read_bytes() == before
    good_store(path)
    assert main(["info", str(path)]) == 0
    assert "3 verified, 0 unverified" in capsys.readouterr().out
    with ScoreStore(path) as store:
        assert [store.find(KEY)[arch].components["params"] for arch in ARCHS] == [1.5, 1.5, 2.0]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TRIGGER t AFTER INSERT ON scores BEGIN UPDATE scores SET components = '{\"params\": 0.0}'; END",
        "CREATE VIEW v AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
        "CREATE INDEX i ON scores (abs(seconds))",
        "CREATE TABLE more (x)",
        "ALTER TABLE scores ADD COLUMN x",
    ],
)
def test_another_schema_is_refused(statement, tmp_path):
    path = good_store(tmp_path / "s.sqlite")
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()
    with pytest.raises(StoreError, match="other than a score store's"):
        ScoreStore(path)


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ({"data_set": "../../x"}, 0, "on data that the harness does not come with"),
        ({"data_set": "/tmp/x"}, 0, "on data that the harness does not come with"),
        ({"space": "../x@1"}, 0, "of networks that the harness does not come with"),
        ({"proxy": "../../x@1"}, 2, "../../x@1"),
        ({"proxy": "a/b@1"}, 2, "a/b@1"),
    ],
)
def test_no_name_leads_an_export_out_of_its_folder(change, code, said, tmp_path, capsys):
    """Scores of networks and data unknown to the harness are left out; a name that is a path is refused."""
    path = good_store(tmp_path / "s.sqlite", dataclasses.replace(KEY, **change))
    assert main(["export", str(path), str(tmp_path / "a" / "b" / "tables")]) == code
    assert said in "".join(capsys.readouterr())
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["s.sqlite"]


def test_a_link_in_the_folder_is_not_followed_out_of_it(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "tables" / "nats_tss@1").mkdir(parents=True)
    (tmp_path / "tables" / "nats_tss@1" / "digits").symlink_to(tmp_path / "outside")
    assert main(["export", str(good_store(tmp_path / "s.sqlite")), str(tmp_path / "tables")]) == 2
    assert list((tmp_path / "outside").iterdir()) == []


def test_text_of_a_store_does_not_command_a_terminal(tmp_path):
    path = old_store(tmp_path / "s.sqlite", [(ARCHS[0], "{}", FAILED, "\x1b[2J no\nway", 0.5)])
    with ScoreStore(path) as store:
        assert store.find(KEY)[ARCHS[0]].reason == "\\x1b[2J no way"
    path = old_store(tmp_path / "t.sqlite", [("a\x1b]0;x\x07", "{}", FAILED, "", 0.5)])
    with ScoreStore(path) as store, pytest.raises(StoreError) as told:
        store.find(KEY)
    assert str(told.value).isprintable()


def test_the_lock_belongs_to_the_file(tmp_path):
    path = good_store(tmp_path / "s.sqlite")
    (tmp_path / "symbolic.sqlite").symlink_to(path)
    (tmp_path / "hard.sqlite").hardlink_to(path)
    with ScoreStore(path):
        for name in ("s.sqlite", "symbolic.sqlite", "hard.sqlite"):
            with pytest.raises(StoreError, match="in use by another run"):
                ScoreStore(tmp_path / name)
    with pytest.raises(StoreError, match="named twice"):
        merge(path, [tmp_path / "hard.sqlite"])


def test_a_read_only_store_is_read_exported_and_merged_from(tmp_path):
    folder = tmp_path / "media"
    folder.mkdir()
    path = good_store(folder / "s.sqlite")
    path.chmod(0o444)
    folder.chmod(0o555)
    try:
        before = sorted(one.name for one in folder.iterdir())
        assert main(["merge", str(tmp_path / "into.sqlite"), str(path)]) == 0
        assert main(["export", str(path), str(tmp_path / "tables")]) == 0
        assert len(table_paths(tmp_path / "tables")) == 1
        with ScoreStore(path, read_only=True) as store, pytest.raises(StoreError, match="reading only"):
            store.add([(KEY, Score("x", {"params": 1.0}, OK, "", 0.1))])
        assert sorted(one.name for one in folder.iterdir()) == before
    finally:
        folder.chmod(0o755)


def test_a_path_that_cannot_hold_a_store_says_so(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_text("")
    places = {":memory:": "is not a file", tmp_path: "is a folder", tmp_path / "pipe": "is a special file"}
    for place, words in {**places, tmp_path / "file" / "s.sqlite": "cannot be written"}.items():
        with pytest.raises(HarnessError, match=words):
            ScoreStore(type(tmp_path)(place))
