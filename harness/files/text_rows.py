"""Tables as people have them: the rows of CSV (commas, semicolons, tabs; gzip; byte order marks) and of Parquet.

Rows come one at a time, so that a file of any size takes the memory of a row.
"""

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import IO, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from harness.errors import CorruptDataError, HarnessError, MissingDataError

LONGEST_CELL = 10_000
_LONGEST_LINE = 2**24
_MOST_BYTES = 2**35  # 32 GiB of text: more is no table of scores, but perhaps a bomb
_ROWS_AT_ONCE = 4096
_SEPARATORS = (",", ";", "\t")
_COMMENT = "#"
_PARQUET, _GZIP, _ZIP = b"PAR1", b"\x1f\x8b", b"PK\x03\x04"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class Rows:
    """A table's header, and its further rows with their numbers; the header is in line 1.

    `cells` can be walked through once. `decimal_comma` says whether numbers may have a comma for the point, which is so
    where cells are separated by semicolons or tabs. `comments` are the lines above the header that begin with `#`, and
    of Parquet what its metadata say of its columns, as `# COLUMN: TEXT`.
    """

    path: Path
    header: tuple[str, ...]
    cells: Iterator[tuple[int, list[str]]]
    decimal_comma: bool = False
    comments: tuple[str, ...] = ()


@contextmanager
def opened_rows(path: Path, known: Sequence[str], *, taker: str = "scores=") -> Iterator[Rows]:
    """The rows of a file; it is Parquet, gzip or text by its first bytes, whatever its name.

    Args:
        path: of the file.
        known: names of columns, of which the header should have one: they tell the separator.
        taker: what takes the file, for the sentence that there is none: a setting, or a word of a command.

    Raises:
        MissingDataError: if there is no such file.
        CorruptDataError: if it is no such table; also while the rows are walked through.
    """
    kind = "CSV"
    try:
        with path.open("rb") as file:
            start = file.read(4)
            file.seek(0)
            if start.startswith(_PARQUET):
                kind = "Parquet"
                yield _parquet_rows(path, file)
                return
            if start.startswith(_ZIP):
                raise CorruptDataError(f"'{path}' is a workbook or zip archive; save the table as CSV.")
            unpacked = cast(IO[bytes], gzip.open(file)) if start.startswith(_GZIP) else file  # noqa: SIM115
            with _text(unpacked, start) as text:
                yield _csv_rows(path, text, known)
    except HarnessError:
        raise
    except FileNotFoundError:
        raise MissingDataError(
            f"There is no file '{path}'; {taker} takes a CSV or Parquet file with the column arch."
        ) from None
    except (OSError, ValueError, csv.Error, EOFError, zlib.error, pa.ArrowException) as error:
        reason = getattr(error, "strerror", None) or ("not UTF-8" if isinstance(error, UnicodeError) else error)
        raise CorruptDataError(f"'{path}' is not a {kind} file: {' '.join(str(reason).split())[:200]}.") from error


def _text(file: IO[bytes], start: bytes) -> io.TextIOWrapper:
    encoding = "utf-16" if start.startswith(_UTF16) else "utf-8-sig"
    return io.TextIOWrapper(file, encoding=encoding, newline="")


def _csv_rows(path: Path, text: io.TextIOWrapper, known: Sequence[str]) -> Rows:
    lines = _lines(path, text)
    leading: list[str] = []  # blank ones and the header's; a comment is as a blank line
    comments: list[str] = []
    for line in lines:
        if line.startswith(_COMMENT):
            comments.append(line.strip())
            leading.append("\n")
            continue
        leading.append(line)
        if line.strip():
            break
    separator = _separator("".join(leading).strip("\r\n"), known)
    reader = csv.reader(chain(leading, lines), delimiter=separator, strict=True)
    header = next((cells for cells in reader if any(map(str.strip, cells))), [])
    names = tuple(name.strip() for name in header)
    return Rows(path, names, _checked(path, reader, len(header)), separator != ",", tuple(comments))


def _lines(path: Path, text: io.TextIOWrapper) -> Iterator[str]:
    """Lines of bounded length, as many as fit the most bytes."""
    n_read = 0
    while line := text.readline(_LONGEST_LINE):
        n_read += len(line)
        if len(line) == _LONGEST_LINE or n_read > _MOST_BYTES:
            raise CorruptDataError(
                f"'{path}' has a line of over {_LONGEST_LINE:,} characters, or more than {_MOST_BYTES:,} bytes; no "
                "table of scores is so large."
            )
        yield line


def _separator(line: str, known: Sequence[str]) -> str:
    """The separator by which a header has a known column; failing that, the one that gives most columns."""
    split = {one: next(csv.reader([line], delimiter=one), [""]) for one in _SEPARATORS}
    names = {one: {name.strip().lower() for name in header} for one, header in split.items()}
    return max(_SEPARATORS, key=lambda one: (bool(names[one] & set(known)), len(split[one])))


def _checked(path: Path, reader: "Iterator[list[str]]", n_columns: int) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, of the header's length, with their lines."""
    for cells in reader:
        if not cells:
            continue
        line = reader.line_num  # type: ignore[attr-defined]  # of a reader of the csv module
        if max(map(len, cells)) > LONGEST_CELL:
            raise CorruptDataError(f"'{path}' has a cell of over {LONGEST_CELL:,} characters in line {line}.")
        if len(cells) != n_columns:
            raise CorruptDataError(f"'{path}' has {len(cells)} cells in line {line}; its header has {n_columns}.")
        yield line, cells


def _parquet_rows(path: Path, file: IO[bytes]) -> Rows:
    """The rows of a Parquet file as text; a data frame's own index is a column where it has a name."""
    parquet = pq.ParquetFile(file)
    fields = [field for field in parquet.schema_arrow if field.name != "__index_level_0__" or _is_text(field.type)]
    kept = [field.name for field in fields]
    header = tuple("" if name == "__index_level_0__" else name for name in kept)

    def rows() -> Iterator[tuple[int, list[str]]]:
        line = 1
        for batch in parquet.iter_batches(_ROWS_AT_ONCE, columns=kept):
            cells = [[_cell(value) for value in column.to_pylist()] for column in batch.columns]
            by_name = dict(zip(batch.schema.names, cells, strict=True))
            for row in zip(*(by_name[name] for name in kept), strict=True):
                line += 1
                if max(map(len, row)) > LONGEST_CELL:
                    raise CorruptDataError(f"'{path}' has a cell of over {LONGEST_CELL:,} characters in row {line}.")
                yield line, list(row)

    metadata = parquet.schema_arrow.metadata or {}
    texts = {key.decode(errors="replace"): text.decode(errors="replace") for key, text in metadata.items()}
    comments = tuple(f"{_COMMENT} {name}: {texts[name]}" for name in header if name in texts)
    return Rows(path, header, rows(), comments=comments)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if np.isnan(value) else repr(value)
    return str(value)
