"""Files of score tables: written whole, and verified by their digests when they are read.

    <folder>/<space@version>/<data set>/<proxy@version>-<digest of the key>.parquet

The file's metadata hold the whole key of the store and, where it could be told, which inputs its batches are; from
format 2 on also a digest of themselves and one of the rows. Tables of format 1 have no digests and are read as they
are.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import CorruptDataError, HarnessError, MissingDataError, StoreError
from harness.files.atomic import replacing
from harness.files.parquet_columns import text_bytes
from harness.inputs import DATA_SETS
from harness.store.rows import BadRowError, ScoreKey, checked_key, component_names, described, plain, printable
from harness.store.score_table import COMPONENT, Header, ScoreTable, space_of

_FORMAT = 2
_FORMATS = (1, _FORMAT)
_METADATA_KEY = b"harness.scores"
_TEXTS = ["status", "reason"]
_MOST_TEXT = 2**26  # bytes in a column of all rows; a reason has some hundred
_STATUSES = {"ok", "undefined", "failed"}
_PROXY = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*@[0-9]+", re.ASCII)


def write_table(folder: Path, table: ScoreTable) -> Path:
    """Write a table to its place in a folder, joined with the one that is there; returns the path.

    Raises:
        StoreError: the table that is there holds other values.
    """
    path = _inside(folder, table.header)
    if path.is_file():
        table = read_table(path).joined(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    stored = pa.Table.from_pandas(table.rows.reset_index(), preserve_index=False)
    contents = {"format": _FORMAT, "key": asdict(table.header.key)}
    contents |= {"inputs": table.header.inputs, "source": table.header.source, "rows": _rows_digest(table.rows)}
    contents["digest"] = _contents_digest(contents)
    stored = stored.replace_schema_metadata({_METADATA_KEY: json.dumps(contents, sort_keys=True)})
    with replacing(path) as part:
        pq.write_table(
            stored,
            part,
            compression="zstd",
            compression_level=19,
            use_dictionary=["status", "reason", "seconds"],
            column_encoding={"index": "DELTA_BINARY_PACKED"},
            write_page_checksum=True,
        )
    return path


def table_paths(folder: Path) -> list[Path]:
    """The score tables of a folder, in alphabetical order; none if there is no folder."""
    return sorted(folder.glob("*/*/*.parquet"))


def read_header(path: Path) -> Header:
    """What a table is about, without reading its rows.

    Raises:
        MissingDataError: there is no such file.
        CorruptDataError: it is not a score table, damaged, or of a later format.
    """
    return _read_contents(path)[0]


def read_table(path: Path) -> ScoreTable:
    """A whole table, verified by its digests unless it is of format 1.

    Raises:
        MissingDataError: as `read_header`.
        CorruptDataError: as `read_header`, its rows cannot be read or do not agree with their digest, or the
            components are not those of the proxy.
    """
    header, digest = _read_contents(path)
    try:
        rows = _bounded_rows(path, header.key)
        _require_own_rows(header.key, rows)
        if digest is not None and digest != _rows_digest(rows):
            raise BadRowError("its rows do not agree with their digest")
    except (OSError, KeyError, ValueError, TypeError, MemoryError, pa.ArrowException) as error:
        what = plain((str(error).splitlines() or ["its rows cannot be read"])[0])
        raise CorruptDataError(
            f"'{path}' is damaged: {what}. Take another copy of it, or export it again: python -m harness.store export."
        ) from None
    rows["reason"] = list(printable(rows["reason"].tolist()))
    return ScoreTable(header, rows)


def _read_contents(path: Path) -> tuple[Header, str | None]:
    """The header of a table and the digest of its rows, which format 1 has not."""
    try:
        metadata = pq.read_schema(path).metadata or {}
        contents = json.loads(metadata[_METADATA_KEY])
        if contents["format"] not in _FORMATS:
            raise CorruptDataError(
                f"'{path}' has the format {plain(contents['format'])}; this harness reads 1 and {_FORMAT}."
            )
        digest = None
        if contents["format"] != 1:
            stated, digest = contents.pop("digest"), contents["rows"]
            if stated != _contents_digest(contents):
                raise CorruptDataError(
                    f"'{path}' is damaged: its header does not agree with its digest. Export it again."
                )
        key = checked_key(list(ScoreKey(**contents["key"]).__dict__.values()))
        inputs, source = contents["inputs"], contents["source"]
        if not (isinstance(inputs, str) and isinstance(source, str) and (inputs + source).isprintable()):
            raise ValueError("header")
        return Header(key, inputs, source), digest
    except FileNotFoundError:
        raise MissingDataError(f"There is no score table '{path}'.") from None
    except (OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError, pa.ArrowException) as error:
        if isinstance(error, HarnessError):
            raise
        raise CorruptDataError(
            f"'{path}' is not a score table. Export it again: python -m harness.store export."
        ) from None


def _inside(folder: Path, header: Header) -> Path:
    """Where a table goes, which is inside the folder whatever its key says.

    Raises:
        UnknownNameError: no such data set.
        StoreError: the key names a proxy that cannot be a file's name, or a link leads out of the folder.
    """
    space = space_of(header.key)
    data_set = DATA_SETS.get(header.key.data_set).name if header.key.data_set else ""
    if not _PROXY.fullmatch(header.key.proxy):
        raise StoreError(f"The key {described(header.key)} names no proxy; its scores cannot be exported.")
    path = folder / f"{space.name}@{space.version}" / data_set / header.place.name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise StoreError(f"'{path}' lies outside '{folder}' through a link; nothing was written. Remove the link.")
    return path


def _bounded_rows(path: Path, key: ScoreKey) -> pd.DataFrame:
    """The rows as they stand there, for which memory is taken only after their number and their texts are measured.

    Raises:
        BadRowError: if there are more rows than architectures, or more text than a table of this key has.
    """
    with pq.ParquetFile(path, read_dictionary=_TEXTS, page_checksum_verification=True) as file:
        if file.metadata.num_rows > len(space_of(key).architectures):
            raise BadRowError(f"it has {file.metadata.num_rows:,} rows, more than there are architectures")
        types = zip(file.schema_arrow.names, file.schema_arrow.types, strict=True)
        is_right = {True: pa.types.is_dictionary, False: pa.types.is_primitive}
        if not all(is_right[name in _TEXTS](kind) for name, kind in types):
            raise BadRowError("a column has values of the wrong type")
        table = file.read(use_threads=False)
    for name in set(_TEXTS) & set(table.column_names):
        n_bytes = text_bytes(table[name])
        if n_bytes > _MOST_TEXT:
            raise BadRowError(f"its column {name} has {n_bytes:,} bytes of text; at most {_MOST_TEXT:,} are read")
        table = table.set_column(table.column_names.index(name), name, table[name].cast(pa.string()))
    rows: pd.DataFrame = table.to_pandas()
    return rows.set_index("index")


def _require_own_rows(key: ScoreKey, rows: pd.DataFrame) -> None:
    """Check columns, types and names of a table's rows.

    Raises:
        BadRowError: they are not those of a score table of this key.
    """
    named = [name for name in rows.columns if name.startswith(COMPONENT)]
    own = component_names(key)
    if list(rows.columns) != [*named, "status", "reason", "seconds"] or len(set(named)) != len(named):
        raise BadRowError(f"its columns are {', '.join(map(str, rows.columns))}")
    if own is not None and named and {name.removeprefix(COMPONENT) for name in named} != own:
        raise BadRowError(f"its components are {', '.join(named)}; the proxy gives {', '.join(own)}")
    texts = all(isinstance(value, str) for name in ("status", "reason") for value in rows[name].unique())
    floats = all(rows[name].dtype.kind == "f" for name in (*named, "seconds"))
    if not (texts and floats and rows.index.dtype.kind == "i" and set(rows["status"]) <= _STATUSES):
        raise BadRowError("a column has values of the wrong type, or a status is unknown")
    n_archs = len(space_of(key).architectures)
    if rows.index.has_duplicates or (len(rows) and not (rows.index.min() >= 0 and rows.index.max() < n_archs)):
        raise BadRowError("an index is there twice or is none of the space")


def _rows_digest(rows: pd.DataFrame) -> str:
    """The blake2b of all columns, their names and order."""
    found = hashlib.blake2b(json.dumps([len(rows), *map(str, rows.columns)]).encode(), digest_size=16)
    found.update(rows.index.to_numpy("int64").tobytes())
    for name in rows.columns:
        if name in ("status", "reason"):
            found.update(json.dumps(rows[name].tolist()).encode())
        else:
            found.update(rows[name].to_numpy("float64").tobytes())
    return found.hexdigest()


def _contents_digest(contents: Mapping[str, object]) -> str:
    return hashlib.blake2b(json.dumps(contents, sort_keys=True).encode(), digest_size=16).hexdigest()
