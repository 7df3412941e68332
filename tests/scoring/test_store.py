"""The score store: unique on the whole key, committed in transactions, refused when it is not what it should be."""

import dataclasses
import math
import sqlite3
from pathlib import Path

import pytest

from harness.errors import StoreError
from harness.store import FAILED, OK, UNDEFINED, Score, ScoreKey, ScoreStore, main, merge
from harness.store.file_system import mount_of

KEY = ScoreKey("nats_tss@1", "digits", "a1", "{}", "zico@1", "{}", "", 0)


def row(arch: str, value: float = 1.5) -> Score:
    return Score(arch, {"zico": value}, OK, "", 0.25)


def test_what_is_stored_comes_back_bit_by_bit(tmp_path):
    scores = [row("a", 0.1 + 0.2), row("b", -math.inf), row("c", 1e-300), row("d", math.inf)]
    with ScoreStore(tmp_path / "s.sqlite") as store:
        store.add([(KEY, score) for score in scores])
    with ScoreStore(tmp_path / "s.sqlite") as store:
        assert store.find(KEY) == {score.arch: score for score in scores}
        assert store.find(KEY, ["b", "z"]) == {"b": scores[1]}
        assert [Score(*row) for row in zip(*store.rows(KEY), strict=True)] == scores


def test_keys_that_read_alike_are_told_apart_by_what_differs(tmp_path, capsys):
    others = [
        dataclasses.replace(KEY, source="b" * 64),
        dataclasses.replace(KEY, protocol='{"batch_size":8}'),
        dataclasses.replace(KEY, seed=1),
        dataclasses.replace(KEY, seed=2, options='{"n":1}'),
        dataclasses.replace(KEY, seed=2, options='{"n":2}', inputs="b2"),
        dataclasses.replace(KEY, seed=3, options="x" * 500),
        dataclasses.replace(KEY, seed=3, options="x" * 500 + "y"),
    ]
    with ScoreStore(tmp_path / "s.sqlite") as store:
        store.add([(key, row("a")) for key in (KEY, *others)])
    assert main(["info", str(tmp_path / "s.sqlite")]) == 0
    _, *lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(set(lines)) == 8
    assert sum('protocol {"batch_size":8}, source none' in line for line in lines) == 1
    assert sum(f"protocol {{}}, source {'b' * 10}..." in line for line in lines) == 1
    assert sum(line.endswith("seed 1") for line in lines) == 1
    assert sum(line.endswith('seed 2, options {"n":2}, inputs b2') for line in lines) == 1
    assert sum("seed 3" in line and ", key " in line for line in lines) == 2


def test_what_is_no_store_is_not_taken_for_a_damaged_one_alone(tmp_path, capsys):
    (tmp_path / "text.sqlite").write_text("not a database, but long enough to be read as one\n" * 40)
    (tmp_path / "empty.sqlite").write_bytes(b"")
    assert main(["info", str(tmp_path / "text.sqlite")]) == 2
    assert "it is not an SQLite file, and perhaps never was a score store" in capsys.readouterr().err
    assert main(["merge", str(tmp_path / "new.sqlite"), str(tmp_path / "empty.sqlite")]) == 2
    assert "empty.sqlite' is empty. Name another store." in capsys.readouterr().err


def test_architectures_are_known_with_or_without_those_that_failed(tmp_path):
    with ScoreStore(tmp_path / "s.sqlite") as store:
        assert store.known(KEY) == set()
        store.add(
            [(KEY, row("a")), (KEY, Score("b", {}, FAILED, "no", 1.0)), (KEY, Score("c", {}, UNDEFINED, "", 1.0))]
        )
        assert store.known(KEY) == {"a", "b", "c"}
        assert store.known(KEY, but_failed=True) == {"a", "c"}


@pytest.mark.parametrize("field", [field.name for field in dataclasses.fields(ScoreKey)])
def test_every_part_of_the_key_keeps_scores_apart(field, tmp_path):
    other = dataclasses.replace(KEY, **{field: 1 if field == "seed" else "other"})
    with ScoreStore(tmp_path / "s.sqlite") as store:
        store.add([(KEY, row("a", 1.0)), (other, row("a", 2.0))])
        assert store.find(KEY)["a"].components == {"zico": 1.0}
        assert store.find(other)["a"].components == {"zico": 2.0}


def test_a_score_is_there_once_and_stays_unless_replaced(tmp_path):
    with ScoreStore(tmp_path / "s.sqlite") as store:
        store.add([(KEY, row("a", 1.0))])
        store.add([(KEY, row("a", 2.0)), (KEY, row("b", 3.0))])
        assert {arch: score.components["zico"] for arch, score in store.find(KEY).items()} == {"a": 1.0, "b": 3.0}
        store.add([(KEY, row("a", 2.0))], replace=True)
        assert store.find(KEY)["a"].components == {"zico": 2.0}


def test_an_interrupted_transaction_leaves_nothing(tmp_path):
    with ScoreStore(tmp_path / "s.sqlite") as store:
        with pytest.raises(TypeError):
            store.add([(KEY, row("a")), (KEY, row("b")._replace(components={"zico": object()}))])
        assert store.find(KEY) == {}


def test_a_second_writer_is_refused(tmp_path):
    path = tmp_path / "s.sqlite"
    with ScoreStore(path), pytest.raises(StoreError, match=r"is in use by another run.*store=OTHER"):
        ScoreStore(path)
    ScoreStore(path).close()


def test_another_version_another_database_and_damage_are_told_apart(tmp_path):
    path = tmp_path / "s.sqlite"
    ScoreStore(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 7")
    with pytest.raises(StoreError, match=r"is of version 7; this harness reads versions 1 and 2"):
        ScoreStore(path)
    other = tmp_path / "other.sqlite"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE songs (name)")
    with pytest.raises(StoreError, match="is a database but not a score store"):
        ScoreStore(other)
    text = tmp_path / "text.sqlite"
    text.write_text("arch,zico\n" * 1000)
    with pytest.raises(StoreError, match=r"is damaged: .*salvage"):
        ScoreStore(text)
    assert text.read_text().startswith("arch,zico")


def test_a_damaged_page_is_found(tmp_path):
    path = tmp_path / "s.sqlite"
    with ScoreStore(path) as store:
        store.add([(KEY, row(f"arch{number:05d}")) for number in range(2_000)])
    content = bytearray(path.read_bytes())
    content[8192:12288] = b"\xff" * 4096
    path.write_bytes(bytes(content))
    with pytest.raises(StoreError, match="is damaged"):
        ScoreStore(path)


def test_merge_joins_files_and_refuses_to_mix_values(tmp_path, capsys):
    paths = [tmp_path / f"{name}.sqlite" for name in "ab"]
    for path, archs in zip(paths, ("xy", "yz"), strict=True):
        with ScoreStore(path) as store:
            store.add([(KEY, row(arch)) for arch in archs])
    assert main(["merge", *map(str, paths)]) == 0
    assert capsys.readouterr().out.startswith("1 scores added")
    with ScoreStore(paths[0]) as store:
        assert sorted(store.find(KEY)) == ["x", "y", "z"]
    with ScoreStore(paths[1]) as store:
        store.add([(KEY, row("x", 9.0))])
    with pytest.raises(StoreError, match=r"has a different value of zico@1 for x"):
        merge(paths[0], [paths[1]])
    assert main(["merge", str(paths[0]), str(tmp_path / "none.sqlite")]) == 2
    assert "There is no score store" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=r"cannot be written: .*Give another store="):
        ScoreStore(tmp_path / "file" / "s.sqlite")


def test_a_full_disk_keeps_what_was_committed(tmp_path):
    with ScoreStore(tmp_path / "s.sqlite") as store:
        store.add([(KEY, row("a"))])
        store._connection.execute("PRAGMA max_page_count = 1")  # SQLite reports it as it reports a full disk
        with pytest.raises(StoreError, match=r"database or disk is full.*Committed scores are kept"):
            store.add([(KEY, row(f"arch{number}")) for number in range(10_000)])
        assert list(store.find(KEY)) == ["a"]


@pytest.mark.parametrize("kind", ["nfs4", "lustre", "cifs", "fuse.sshfs", "gpfs", "beegfs"])
def test_a_store_on_a_network_file_system_is_read_but_not_written(kind, tmp_path, monkeypatch):
    folder = tmp_path / "my home"
    folder.mkdir()
    path = folder / "s.sqlite"
    with ScoreStore(path) as store:
        store.add([(KEY, row("x"))])
    mounts = tmp_path / "mounts"
    escaped = str(folder).replace(" ", "\\040")
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/home {escaped} {kind} rw 0 0\n")
    monkeypatch.setattr("harness.store.opening.mount_of", lambda path: mount_of(path, mounts))
    with pytest.raises(
        StoreError, match=rf"is on {kind}, a network file system \(at .*my home\), where a store cannot"
    ):
        ScoreStore(path)
    with ScoreStore(path, read_only=True) as store:
        assert list(store.find(KEY)) == ["x"]
    with ScoreStore(tmp_path / "local.sqlite"):
        pass
    assert merge(tmp_path / "local.sqlite", [path]) == 1


def test_the_last_of_the_longest_mounts_holds_a_path(tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(
        "a / ext4 rw\nb /data nfs rw\nc /data/local xfs rw\nd /data fuse.sshfs rw\ne /database tmpfs rw\n"
    )
    kinds = {name: mount_of(Path(name), mounts) for name in ("/x", "/data/y", "/data/local/z", "/database/q")}
    assert {name: found and found.kind for name, found in kinds.items()} == {
        "/x": "ext4", "/data/y": "fuse.sshfs", "/data/local/z": "xfs", "/database/q": "tmpfs",
    }  # fmt: skip
    assert [found.is_network for found in kinds.values() if found] == [False, True, False, False]
    assert mount_of(Path("/x"), tmp_path / "none") is None


def test_many_stores_merge_to_what_they_hold_with_more_than_are_open_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr("harness.store.merging._AT_ONCE", 2)
    other = dataclasses.replace(KEY, seed=1)
    paths = []
    for n in range(5):
        paths.append(tmp_path / f"{n}.sqlite")
        with ScoreStore(paths[-1]) as store:
            store.add([(KEY, row(f"a{n}", float(n))), (KEY, row("same", 7.0)), (other, row(f"b{n}", -1.0))])
    assert merge(tmp_path / "all.sqlite", paths) == 11
    assert merge(tmp_path / "all.sqlite", paths) == 0
    with ScoreStore(tmp_path / "all.sqlite", read_only=True) as store:
        assert {arch: one.components for arch, one in store.find(KEY).items()} == {
            **{f"a{n}": {"zico": float(n)} for n in range(5)}, "same": {"zico": 7.0},
        }  # fmt: skip
        assert len(store.find(other)) == 5


def test_a_store_of_another_version_among_many_leaves_the_target_alone(tmp_path):
    good, later = tmp_path / "good.sqlite", tmp_path / "later.sqlite"
    for path in (good, later):
        with ScoreStore(path) as store:
            store.add([(KEY, row("x"))])
    with sqlite3.connect(later) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StoreError, match=r"is of version 99; this harness reads versions 1 and 2"):
        merge(tmp_path / "all.sqlite", [good, later])
    assert not (tmp_path / "all.sqlite").exists()


def test_a_compacted_store_is_smaller_and_holds_the_same(tmp_path, capsys):
    path = tmp_path / "s.sqlite"
    with ScoreStore(path) as store:
        store.add([(KEY, Score(f"{n:06d}", {}, FAILED, "x" * 500, 0.0)) for n in range(2_000)])
        store.add([(KEY, row(f"{n:06d}", float(n))) for n in range(2_000)], replace=True)
        before = store.find(KEY)
    size = path.stat().st_size
    assert main(["compact", str(path)]) == 0
    assert "MiB before" in capsys.readouterr().out
    assert path.stat().st_size < size / 2
    with ScoreStore(path) as store:
        assert store.find(KEY) == before
