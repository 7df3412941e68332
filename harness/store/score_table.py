"""Compact score tables: all scores of one key in a Parquet file, to be kept beside results. They hold no truth.

    <folder>/<space@version>/<data set>/<proxy@version>-<digest of the key>.parquet

Columns: `index` (official index in the space, which `space@version` fixes; of the canonical form for proxies that see
live operations only), one `component:<name>` per component (float64), `status`, `reason`, and `seconds` (CPU, two
digits). The file's metadata hold the whole key of the store and, where it could be told, which inputs its batches are.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import CorruptDataError, HarnessError, MissingDataError, StoreError
from harness.files.atomic import replacing
from harness.inputs import DATA_SETS, BatchRequest, InputKind, draw_batches
from harness.space import BENCHMARKS, Architecture, SearchSpace
from harness.store.database import OK, Score, ScoreKey

FORMAT = 1
_METADATA_KEY = b"harness.scores"
_COMPONENT = "component:"


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

        Raises:
            StoreError: the scores belong to another version of the space.
        """
        space = space_of(key)
        found = sorted(((space.index(Architecture(arch)), score) for arch, score in scores.items()), key=lambda p: p[0])
        components = pd.DataFrame([dict(score.components) for _, score in found], dtype="float64")
        rows = components.add_prefix(_COMPONENT)
        rows.index = pd.Index([index for index, _ in found], dtype="int32", name="index")
        rows["status"] = [score.status for _, score in found]
        rows["reason"] = [score.reason for _, score in found]
        rows["seconds"] = np.array([float(f"{score.seconds:.2g}") for _, score in found], dtype="float32")
        return cls(_described(key), rows)

    @property
    def components(self) -> pd.DataFrame:
        """Components by index; NaN where there is no score."""
        named = [name for name in self.rows.columns if name.startswith(_COMPONENT)]
        found = self.rows[named].rename(columns=lambda name: name.removeprefix(_COMPONENT))
        return found.where(self.rows["status"] == OK)

    @property
    def scores(self) -> list[Score]:
        """The scores as the store holds them."""
        archs = space_of(self.header.key).architectures
        named = [name for name in self.rows.columns if name.startswith(_COMPONENT)]
        return [
            Score(
                archs[int(index)],
                {name.removeprefix(_COMPONENT): float(row[name]) for name in named} if row["status"] == OK else {},
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
                f"The score table {self.header.place} holds other values of {self.header.key.proxy} than the store; "
                "they cannot be joined. Export into another folder."
            )
        new = other.rows.loc[other.rows.index.difference(both)]
        return ScoreTable(self.header, pd.concat([self.rows, new]).sort_index())


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


def write_table(folder: Path, table: ScoreTable) -> Path:
    """Write a table to its place in a folder, joined with the one that is there; returns the path.

    Raises:
        StoreError: the table that is there holds other values.
    """
    path = folder / table.header.place
    if path.is_file():
        table = read_table(path).joined(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = pa.Table.from_pandas(table.rows.reset_index(), preserve_index=False)
    contents = {"format": FORMAT, "key": asdict(table.header.key)}
    contents |= {"inputs": table.header.inputs, "source": table.header.source}
    stored = stored.replace_schema_metadata({_METADATA_KEY: json.dumps(contents, sort_keys=True)})
    with replacing(path) as part:
        pq.write_table(
            stored,
            part,
            compression="zstd",
            compression_level=19,
            use_dictionary=["status", "reason", "seconds"],
            column_encoding={"index": "DELTA_BINARY_PACKED"},
        )
    return path


def table_paths(folder: Path) -> list[Path]:
    """The score tables of a folder, in alphabetical order; none if there is no folder."""
    return sorted(folder.glob("*/*/*.parquet"))


def read_header(path: Path) -> Header:
    """What a table is about, without reading its rows.

    Raises:
        MissingDataError: there is no such file.
        CorruptDataError: it is no score table, or one of a later format.
    """
    try:
        metadata = pq.read_schema(path).metadata or {}
        contents = json.loads(metadata[_METADATA_KEY])
        if contents["format"] != FORMAT:
            raise CorruptDataError(f"'{path}' has the format {contents['format']}; this harness reads {FORMAT}.")
        return Header(ScoreKey(**contents["key"]), contents["inputs"], contents["source"])
    except FileNotFoundError:
        raise MissingDataError(f"There is no score table '{path}'.") from None
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
        if isinstance(error, HarnessError):
            raise
        raise CorruptDataError(
            f"'{path}' is no score table. Export it again: python -m harness.store export."
        ) from None


def read_table(path: Path) -> ScoreTable:
    """A whole table.

    Raises:
        MissingDataError: as `read_header`.
        CorruptDataError: as `read_header`, or its rows cannot be read.
    """
    header = read_header(path)
    try:
        rows = pq.read_table(path).to_pandas().set_index("index")
    except (OSError, KeyError, pa.ArrowException) as error:
        raise CorruptDataError(f"'{path}' is damaged: {str(error).splitlines()[0]}. Export it again.") from None
    return ScoreTable(header, rows)


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
