"""The command `python -m harness.store merge|export|load|salvage|info|compact`."""

import argparse
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.cli.command import start
from harness.errors import StoreError
from harness.inputs import DATA_SETS
from harness.progress import Progress
from harness.space import BENCHMARKS
from harness.store.database import ScoreStore
from harness.store.merging import merge
from harness.store.rows import ScoreKey, described, key_prefix, plain
from harness.store.salvage import salvage
from harness.store.score_table import ScoreTable, space_of
from harness.store.table_files import read_table, table_paths, write_table

_FURTHER = {"protocol": 400, "options": 400, "inputs": 13, "source": 13}  # what a key has besides, and its longest text


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("store", words)


def run(arguments: argparse.Namespace) -> None:
    """Join stores, write score tables from a store, read them into one, save good rows, describe a store or compact it.

    Raises:
        StoreError: for a store or table that cannot be used.
    """
    if arguments.command == "merge":
        print(f"{merge(arguments.target, arguments.sources)} scores added to {arguments.target}")
    elif arguments.command == "export":
        chosen = (arguments.bench, arguments.proxy, arguments.fewest)
        exported = export(arguments.store, arguments.folder, *chosen)
        print(f"{exported.n_tables} score tables written to {arguments.folder}")
        for what, n_scores in exported.left_out.items():
            print(
                f"Left out: {n_scores:,} scores {what}; a score table names architectures and data sets of the "
                "harness alone. To copy them, use the command merge."
            )
    elif arguments.command == "salvage":
        print(salvage(arguments.store, arguments.target))
    elif arguments.command == "info":
        print(info(arguments.store))
    elif arguments.command == "compact":
        print(compact(arguments.store))
    else:
        print(f"{load(arguments.folder, arguments.store)} scores added to {arguments.store}")


@dataclass(frozen=True)
class Exported:
    """How many score tables were written, and how many scores were left out, by what they are of."""

    n_tables: int
    left_out: Mapping[str, int]


def export(
    store: Path,
    folder: Path,
    benches: Sequence[str] | None = None,
    proxies: Sequence[str] | None = None,
    fewest: int = 1,
) -> Exported:
    """Write the scores of a store as score tables into a folder.

    Scores of a space that cannot be listed are left out: a score table names architectures by their numbers. So are
    those of a user's own networks and data, which nobody else can find by their names.

    Raises:
        StoreError: there is no such store, or a table in the folder holds other values.
    """
    if not store.exists():
        raise StoreError(f"There is no score store '{store}' to export.")
    n_tables = 0
    with ScoreStore(store, read_only=True) as opened:
        keys = [
            key
            for key in opened.score_keys()
            if (benches is None or key.space.partition("@")[0] in benches)
            and (proxies is None or key.proxy.partition("@")[0] in proxies)
        ]
        left_out: Counter[str] = Counter()
        with Progress("export", len(keys), "tables") as progress:
            for key in keys:
                scores = opened.find(key)
                why = _why_left_out(key)
                if why:
                    left_out[why] += len(scores)
                    progress.advance()
                    continue
                table = ScoreTable.of(key, scores) if len(scores) >= fewest else None
                if table is not None and len(table.rows) >= max(fewest, 1):
                    write_table(folder, table)
                    n_tables += 1
                progress.advance()
    return Exported(n_tables, left_out)


def _why_left_out(key: ScoreKey) -> str:
    """What the scores of a key are of, if no table can hold them; otherwise empty."""
    if key.space.partition("@")[0] not in BENCHMARKS:
        return "of networks that the harness does not come with"
    if key.data_set not in ("", *DATA_SETS):
        return "on data that the harness does not come with"
    return "" if space_of(key).enumerable else "of spaces too large to list"


def info(store: Path) -> str:
    """What a store holds, a line per key, and how many of its scores are verified by digests.

    Raises:
        StoreError: there is no such store, or it is damaged.
    """
    if not store.exists():
        raise StoreError(f"There is no score store '{store}'.")
    with ScoreStore(store, read_only=True) as opened:
        counts = {key: len(opened.find(key)) for key in opened.score_keys()}
        n_scores = sum(counts.values())
        verified, unverified = (n_scores, 0) if opened.has_digests else (0, n_scores)
    lines = [f"{n_scores} scores under {len(counts)} keys; {verified} verified, {unverified} unverified (no digests)"]
    words = _told_apart(list(counts))
    return "\n".join([*lines, *(f"  {n} of {words[key]}" for key, n in counts.items())])


def _told_apart(keys: Sequence[ScoreKey]) -> dict[ScoreKey, str]:
    """Each key in words, with whatever differs from other keys of the same words; a digest where that is too long."""
    alike: dict[str, list[ScoreKey]] = defaultdict(list)
    for key in keys:
        alike[described(key)].append(key)
    found: dict[ScoreKey, str] = {}
    for words, same in alike.items():
        differing = [name for name in _FURTHER if len({getattr(key, name) for key in same}) > 1]
        for key in same:
            values = (f", {name} {plain(getattr(key, name), _FURTHER[name]) or 'none'}" for name in differing)
            found[key] = words + "".join(values)
    several = Counter(found.values())
    return {
        key: f"{words}, key {key_prefix(key)[:10]}" if several[words] > 1 else words for key, words in found.items()
    }


def compact(store: Path) -> str:
    """Verify a store and write it without free pages; says what that saved.

    Raises:
        StoreError: there is no such store, it is damaged, in use, or the disk is full.
    """
    if not store.exists():
        raise StoreError(f"There is no score store '{store}' to compact.")
    before = store.stat().st_size
    with ScoreStore(store) as opened:
        opened.compact()
    return f"{store}: {store.stat().st_size / 2**20:,.1f} MiB, {before / 2**20:,.1f} MiB before"


def load(folder: Path, store: Path) -> int:
    """Copy the scores of the tables in a folder into a store that lacks them; returns how many.

    Raises:
        StoreError: the folder has no tables.
    """
    paths = table_paths(folder)
    if not paths:
        raise StoreError(f"There are no score tables in '{folder}'. Write some: python -m harness.store export.")
    n_new = 0
    with ScoreStore(store) as opened:
        for path in paths:
            table = read_table(path)
            known = opened.find(table.header.key)
            new = [(table.header.key, score) for score in table.scores if score.arch not in known]
            opened.add(new)
            n_new += len(new)
    return n_new
