"""A record on disk: record.json, scores.parquet and perhaps proxy.py in a folder of their own, all of it foreign.

    <folder>/<benchmark>/<data set>/<proxy>/<identity>/record.json

Each measurement has a folder that its contents name, and there is no index file: two people who add records change
different files, which git merges without a conflict. Only two records of the same measurement meet.
"""

import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from harness.cli.reading import Source, read_into
from harness.errors import CorruptDataError, HarnessError, MissingDataError, OptionError
from harness.files.atomic import replacing_folder, sha256_of, write_whole
from harness.records.record import FORMAT, NO_SEED, SEED, Origin, Record, plain

RECORD, SCORES, PROXY = "record.json", "scores.parquet", "proxy.py"
INDEX = "index"
_MOST_BYTES = {RECORD: 2**18, SCORES: 2**24, PROXY: 2**18}
_MOST_DEPTH, _LONGEST, _MOST_ENTRIES = 8, 4_000, 4_000
_MOST_RECORDS = 20_000
_MOST_VALUES = 2**24


@dataclass(frozen=True, eq=False)
class Scores:
    """The table of a record.

    Attributes:
        index: int64 [n], official indices of the architectures, in the order of the run.
        by_seed: float64 [n] by seed ("none" without one); NaN where an architecture has no score.
    """

    index: NDArray[np.int64]
    by_seed: Mapping[str, NDArray[np.float64]]

    @property
    def values_sha256(self) -> str:
        """The sha256 of seeds, indices and values, whatever the file's compression."""
        found = hashlib.sha256(json.dumps([len(self.index), *self.by_seed]).encode())
        found.update(self.index.astype("<i8").tobytes())
        for values in self.by_seed.values():
            found.update(np.where(np.isnan(values), np.nan, values).astype("<f8").tobytes())
        return found.hexdigest()


@dataclass(frozen=True)
class Stored:
    """A record in its folder."""

    folder: Path
    record: Record


def record_folders(path: Path) -> list[Path]:
    """The folders of the records at a path: one record, its record.json, or a folder with records below it.

    Raises:
        MissingDataError: if there is none.
        OptionError: if there are too many.
    """
    if path.name == RECORD and path.is_file():
        return [path.parent]
    found = sorted({file.parent for file in path.rglob(RECORD)}) if path.is_dir() else []
    if not found:
        raise MissingDataError(f"There is no record in '{path}'; `nas-harness submit RUN` writes one.")
    if len(found) > _MOST_RECORDS:
        raise OptionError(f"'{path}' has {len(found):,} records; at most {_MOST_RECORDS:,} are read at once.")
    return found


def read_record(folder: Path) -> Stored:
    """The record of a folder.

    Raises:
        MissingDataError: if it has no record.json.
        CorruptDataError: for a file that is no record, is too large, or is a link.
        UnknownNameError, OptionError: for a field that a record has not, one that lacks, or one of another type.
    """
    path = _bounded(folder, RECORD)
    try:
        values = json.loads(path.read_text("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
        _measure(values)
    except (ValueError, RecursionError) as error:
        if isinstance(error, HarnessError):
            raise CorruptDataError(f"'{path}' is not a record: {error}") from None
        raise CorruptDataError(f"'{path}' is not a record: it is not JSON.") from None
    if not isinstance(values, dict):
        raise CorruptDataError(f"'{path}' is not a record: it must be an object with fields.")
    version = values.get("format")
    if type(version) is not int or not 1 <= version <= FORMAT:
        said = "no format" if version is None else f"the format {str(version)[:40]}"
        raise CorruptDataError(f"'{path}' has {said}; this harness reads 1 to {FORMAT}.")
    for older in range(version, FORMAT):
        values = _UPGRADES[older](values)
    return Stored(folder, read_into(Record, values, Source(noun="field", file=f"'{path}'")))


_UPGRADES: Mapping[int, Callable[[dict[str, object]], dict[str, object]]] = {}
"""Per earlier format what makes the values of the next one of its values; format 1 is the first."""


def read_scores(stored: Stored) -> Scores:
    """The table of a record, whose digests are those that the record states.

    Raises:
        MissingDataError: if there is no table.
        CorruptDataError: for a table of another digest, size or type.
    """
    path, record = _bounded(stored.folder, SCORES), stored.record
    if sha256_of(path) != record.scores.sha256:
        raise CorruptDataError(
            f"'{path}' has the sha256 {sha256_of(path)[:12]}..., but its record states {record.scores.sha256[:12]}...: "
            "one of the two was changed. Submit the run again."
        )
    wanted = [INDEX, *(column_of(seed) for seed in record.columns)]
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            n_rows = file.metadata.num_rows
            if n_rows != record.scores.n:
                raise ValueError(f"it has {n_rows:,} rows, its record {record.scores.n:,}")
            if n_rows * len(wanted) > _MOST_VALUES:
                raise ValueError(f"it has {n_rows * len(wanted):,} values; at most {_MOST_VALUES:,} are read")
            schema = file.schema_arrow
            if schema.names != wanted or schema.types != [pa.int64(), *[pa.float64()] * (len(wanted) - 1)]:
                raise ValueError(f"its columns must be {', '.join(wanted)}, of whole numbers and floats")
            table = file.read(use_threads=False)
        if any(column.null_count for column in table.columns):
            raise ValueError("a value is missing")
        index = table[INDEX].to_numpy()
        scores = Scores(index, {seed: table[column_of(seed)].to_numpy() for seed in record.columns})
        if len(np.unique(index)) != len(index):
            raise ValueError("an architecture is there twice")
        if scores.values_sha256 != record.scores.values_sha256:
            raise ValueError("its values do not agree with their digest")
    except (OSError, KeyError, ValueError, TypeError, MemoryError, pa.ArrowException) as error:
        what = shown(str(error)).rstrip(".")
        raise CorruptDataError(f"'{path}' is not the table of its record: {what}. Submit the run again.") from None
    return scores


def shown(text: str) -> str:
    """Foreign text for a terminal or a log: 200 printable characters of one line, others as question marks."""
    return "".join(one if one.isascii() and one.isprintable() else "?" for one in text)[:200]


def proxy_file(stored: Stored) -> Path:
    """The proxy's file, whose digest is that which the record states; it is not imported.

    Raises:
        MissingDataError: if there is none.
        CorruptDataError: for a file of another digest or size.
    """
    path = _bounded(stored.folder, PROXY)
    if sha256_of(path) != stored.record.proxy.sha256:
        raise CorruptDataError(f"'{path}' is not the proxy of its record: its sha256 is another one.")
    return path


def table_bytes(scores: Scores) -> bytes:
    """scores.parquet."""
    columns = {INDEX: pa.array(scores.index, pa.int64())}
    columns |= {column_of(seed): pa.array(values, pa.float64()) for seed, values in scores.by_seed.items()}
    table, options = pa.table(columns), {"compression": "zstd", "compression_level": 19, "write_page_checksum": True}
    index, values = {INDEX: "DELTA_BINARY_PACKED"}, [name for name in columns if name != INDEX]
    bytewise = index | dict.fromkeys(values, "BYTE_STREAM_SPLIT")
    encodings = (
        {"use_dictionary": values, "column_encoding": index},  # smaller where equal networks have equal scores
        {"use_dictionary": False, "column_encoding": bytewise},
    )
    written = []
    for encoding in encodings:
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, **options, **encoding)
        written.append(bytes(sink.getvalue()))
    return min(written, key=len)


def write_record(root: Path, record: Record, files: Mapping[str, bytes]) -> tuple[Path, bool]:
    """Write a record's folder, all of it or nothing; returns it, and whether it is new or changed.

    Args:
        root: the folder of records.
        record: is written as record.json.
        files: scores.parquet and perhaps proxy.py.

    Raises:
        OptionError: if there is a record of the same measurement with other values, or the folder cannot be written.
    """
    folder = root / record.place
    text = json.dumps(plain(record), indent=1, sort_keys=True, allow_nan=False) + "\n"
    contents = {RECORD: text.encode(), **files}
    if folder.exists():
        known = read_record(folder).record
        if known.scores.values_sha256 != record.scores.values_sha256:
            raise OptionError(
                f"'{folder}' holds other scores of the same measurement; compare them, and delete the folder if they "
                "are to be replaced."
            )
        if known.statistics == record.statistics:
            return folder, False
    try:
        with replacing_folder(folder) as made:
            for name, content in contents.items():
                write_whole(made / name, content)
    except OSError as error:
        raise OptionError(f"'{folder}' cannot be written: {error.strerror or error}.") from None
    return folder, True


def copy_proxy(stored: Stored, folder: Path) -> None:
    """Copy the proxy's file into a folder."""
    if stored.record.proxy.origin is Origin.file:
        shutil.copyfile(proxy_file(stored), folder / PROXY)


def column_of(seed: str) -> str:
    """The column of a seed's scores."""
    return "score" if seed == NO_SEED else f"{SEED}{seed}"


def _bounded(folder: Path, name: str) -> Path:
    """A file of a record: there, no link, and not larger than it may be.

    Raises:
        MissingDataError, CorruptDataError: otherwise.
    """
    path = folder / name
    if path.is_symlink() or folder.is_symlink():
        raise CorruptDataError(f"'{path}' is a link; the files of a record are files.")
    if not path.is_file():
        raise MissingDataError(f"There is no '{path}'; a record has one. Submit the run again.")
    n_bytes = os.stat(path).st_size  # noqa: PTH116  # follows no link that was made since
    if n_bytes > _MOST_BYTES[name]:
        raise CorruptDataError(f"'{path}' has {n_bytes:,} bytes; at most {_MOST_BYTES[name]:,} are read.")
    return path


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise CorruptDataError("a field is there twice.")
    return dict(pairs)


def _no_constant(name: str) -> object:
    raise CorruptDataError(f"{name} is no number of JSON.")


def _measure(value: object, depth: int = 0) -> int:
    """The number of entries, none of which is too deep, too long or not printable.

    Raises:
        CorruptDataError: otherwise.
    """
    if depth > _MOST_DEPTH:
        raise CorruptDataError("its fields are nested too deeply.")
    if isinstance(value, float) and not math.isfinite(value):
        raise CorruptDataError("a number is too large.")
    if isinstance(value, str) and (len(value) > _LONGEST or not value.isprintable()):
        raise CorruptDataError(f"a text has over {_LONGEST:,} characters, or some that cannot be printed.")
    below = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    n_entries = 1 + sum(_measure(one, depth + 1) for one in below)
    if n_entries > _MOST_ENTRIES:
        raise CorruptDataError(f"it has over {_MOST_ENTRIES:,} entries.")
    return n_entries
