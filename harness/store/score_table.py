"""Compact score tables: all scores of one key, for keeping with results. They hold no truth.

Columns: one `component:<name>` per component (float64), `status`, `reason`, and `seconds` (CPU, two digits). The index
is the official one in the space, which `space@version` fixes; of the canonical form for proxies that see live
operations only. `table_files` keeps tables in Parquet files.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from harness.errors import HarnessError, StoreError
from harness.inputs import DATA_SETS, BatchRequest, InputKind, draw_batches
from harness.space import BENCHMARKS, Architecture, SearchSpace
from harness.store.rows import OK, Score, ScoreKey

COMPONENT = "component:"
"""What the name of a column of components begins with."""


@dataclass(frozen=True)
class Header:
    """What a score table is about.

    Attributes:
        key: the whole key of its scores.
        inputs: real, substitute or noise; empty where the proxy uses none or the batches could not be drawn again.
        source: which images, in words.
    """

    key: ScoreKey
    inputs: str = ""
    source: str = ""

    @property
    def place(self) -> Path:
        """Where the table lies in a folder of tables."""
        digest = hashlib.sha256(json.dumps(asdict(self.key), sort_keys=True).encode()).hexdigest()[:10]
        return Path(self.key.space, self.key.data_set, f"{self.key.proxy}-{digest}.parquet")


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """Scores of one key; `rows` has the index of the architectures and the columns of the module's docstring."""

    header: Header
    rows: pd.DataFrame

    @classmethod
    def of(cls, key: ScoreKey, scores: Mapping[str, Score]) -> "ScoreTable":
        """The table of the scores of a store under one key, by architecture, in official order.

        Architectures without a number, which only a search can meet, are left out.

        Raises:
            StoreError: the scores belong to another version of the space.
        """
        space = space_of(key)
        numbered = ((space.number(Architecture(arch)), score) for arch, score in scores.items())
        found = sorted(((index, score) for index, score in numbered if index is not None), key=lambda pair: pair[0])
        components = pd.DataFrame([dict(score.components) for _, score in found], dtype="float64")
        rows = components.add_prefix(COMPONENT)
        rows.index = pd.Index([index for index, _ in found], dtype="int32", name="index")
        rows["status"] = [score.status for _, score in found]
        rows["reason"] = [score.reason for _, score in found]
        rows["seconds"] = np.array([float(f"{score.seconds:.2g}") for _, score in found], dtype="float32")
        return cls(_described(key), rows)

    @property
    def components(self) -> pd.DataFrame:
        """Components by index; NaN where there is no score."""
        named = [name for name in self.rows.columns if name.startswith(COMPONENT)]
        found = self.rows[named].rename(columns=lambda name: name.removeprefix(COMPONENT))
        return found.where(self.rows["status"] == OK)

    @property
    def scores(self) -> list[Score]:
        """The scores as the store holds them."""
        archs = space_of(self.header.key).architectures
        named = [name for name in self.rows.columns if name.startswith(COMPONENT)]
        return [
            Score(
                archs[int(index)],
                {name.removeprefix(COMPONENT): float(row[name]) for name in named} if row["status"] == OK else {},
                row["status"],
                row["reason"],
                float(row["seconds"]),
            )
            for index, row in zip(self.rows.index, self.rows.to_dict("records"), strict=True)
        ]

    def joined(self, other: "ScoreTable") -> "ScoreTable":
        """This table with the rows of another one of the same key that it lacks.

        Raises:
            StoreError: they hold different values for an architecture.
        """
        both = self.rows.index.intersection(other.rows.index)
        mine, theirs = self.components.loc[both], other.components.loc[both]
        if len(both) and not mine.reindex(columns=theirs.columns).equals(theirs):
            raise StoreError(
                f"The score table {self.header.place} has different values of {self.header.key.proxy} than the store; "
                "they cannot be combined. Export into another folder."
            )
        new = other.rows.loc[other.rows.index.difference(both)]
        rows = pd.concat([self.rows, new]).sort_index()
        parts = [name for name in rows.columns if name.startswith(COMPONENT)]  # a table of failures alone has none
        return ScoreTable(self.header, rows[[*parts, *(name for name in rows.columns if name not in parts)]])


def space_of(key: ScoreKey) -> SearchSpace:
    """The search space of a key.

    Raises:
        StoreError: this harness has another version of it, whose indices may differ.
    """
    name, _, version = key.space.partition("@")
    space = BENCHMARKS.get(name)
    if str(space.version) != version:
        raise StoreError(f"Scores are of {key.space}, but this harness has {name}@{space.version}. Score again.")
    return space


def _described(key: ScoreKey) -> Header:
    """The header of a key, its batches drawn again to tell which inputs they are."""
    if not key.inputs:
        return Header(key)
    protocol = json.loads(key.protocol)
    for kind in InputKind:
        request = BatchRequest(kind, protocol["n_batches"], protocol["batch_size"], max(key.seed, 0))
        try:
            batches = draw_batches(DATA_SETS.get(key.data_set), request)
        except HarnessError:
            continue  # images that are not on this machine
        if batches.sha256 == key.inputs:
            return Header(key, kind.value, batches.source)
    return Header(key)
