"""Single bits of stores and score tables are turned over: nothing else than what was written comes back silently."""

import os
import random
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.space import BENCHMARKS
from harness.store import OK, UNDEFINED, Score, ScoreKey, ScoreStore, main, read_table, table_paths
from harness.store.salvage import salvage

N_FLIPS = 40 * int(os.environ.get("HARNESS_ATTACKS", "1"))
KEYS = [ScoreKey("nats_tss@1", "digits", "", "", f"{proxy}@1", "{}", "", -1) for proxy in ("params", "flops", "mine")]


def scores(proxy: str) -> list[Score]:
    names = list(BENCHMARKS.get("nats_tss").architectures)[:300]
    found = [Score(arch, {proxy: row / 7}, OK, "", row / 64) for row, arch in enumerate(names[:-1])]
    return [*found, Score(names[-1], {}, UNDEFINED, "no path", 0.5)]


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("store") / "good.sqlite"
    with ScoreStore(path) as opened:
        for key in KEYS:
            opened.add([(key, score) for score in scores(key.proxy.partition("@")[0])])
    return path


def contents(path: Path) -> dict[ScoreKey, dict[str, Score]]:
    with ScoreStore(path) as opened:
        for key in KEYS:
            opened.known(key)
        return {key: opened.find(key) for key in opened.score_keys()}


def flipped(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def test_no_flipped_bit_of_a_store_is_silent(store, tmp_path):
    good, content, chance = contents(store), store.read_bytes(), random.Random(15)
    silent, told, unclear = [], 0, []
    for number in range(N_FLIPS):
        path = tmp_path / f"{number}.sqlite"
        path.write_bytes(flipped(content, chance))
        try:
            if contents(path) != good:
                silent.append(number)
        except HarnessError as error:
            unclear += [] if str(error).isascii() and str(error).isprintable() else [str(error)]
            told += 1
        path.unlink()
    assert silent == unclear == []
    assert told > N_FLIPS / 2
    print(f"store: {N_FLIPS} flips, {told} told, {N_FLIPS - told} harmless, 0 silent")


def test_no_flipped_bit_of_a_score_table_is_silent(store, tmp_path):
    assert main(["export", str(store), str(tmp_path / "tables"), "--proxy", "params"]) == 0
    (path,) = table_paths(tmp_path / "tables")
    good, content, chance = read_table(path), path.read_bytes(), random.Random(16)
    silent, told = [], 0
    for number in range(N_FLIPS):
        path.write_bytes(flipped(content, chance))
        try:
            found = read_table(path)
            if found.header != good.header or not found.rows.equals(good.rows):
                silent.append(number)
        except HarnessError:
            told += 1
    assert silent == []
    assert told > N_FLIPS / 2
    print(f"score table: {N_FLIPS} flips, {told} told, {N_FLIPS - told} harmless, 0 silent")


def test_salvage_saves_every_row_but_the_damaged_one(store, tmp_path, capsys):
    good, path = contents(store), tmp_path / "bad.sqlite"
    content = store.read_bytes()
    arch = list(good[KEYS[0]])[100].encode()
    assert content.count(arch) >= 3
    place = content.index(arch)
    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    with pytest.raises(HarnessError, match=r"is damaged: .*harness\.store salvage"):
        contents(path)
    assert main(["salvage", str(path), str(tmp_path / "saved.sqlite")]) == 0
    assert capsys.readouterr().out.startswith("899 scores saved, 1 lost:\n  the score of ")
    saved = contents(tmp_path / "saved.sqlite")
    assert sum(len(rows) for rows in saved.values()) == 899
    assert all(good[key][name] == score for key, rows in saved.items() for name, score in rows.items())
    with pytest.raises(HarnessError, match="exists already"):
        salvage(path, tmp_path / "saved.sqlite")
