"""A file of ground truth: accuracies by architecture in Parquet, every column with its provenance."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from harness.errors import CorruptDataError
from harness.files.atomic import replacing, sha256_of, write_whole

ARCH = "arch"
"""Name of the column of architectures in the file; the others are called `<data set>/<name>`."""

UNSTATED = "unstated"
"""What the description of a column says where its source does not."""

_METADATA_KEY = b"harness"
_CHECKSUM_SUFFIX = ".sha256"


@dataclass(frozen=True)
class TruthColumn:
    """The description of one column.

    `split` is the set of images it was measured on (test, validation or train; none for a latency), `source` and
    `sha256` identify the published file, `note` is anything else that matters.
    """

    name: str
    dataset: str
    metric: str
    unit: str
    split: str
    epochs: int | None
    seeds: str
    higher_is_better: bool
    source: str
    sha256: str
    note: str = ""

    @property
    def key(self) -> str:
        """Name of the column in the Parquet file."""
        return f"{self.dataset}/{self.name}"


@dataclass(frozen=True, eq=False)
class TruthTable:
    """Ground truth in memory: `archs` are unique official strings, `values` holds float64 [n_archs] per column."""

    archs: Sequence[str]
    columns: tuple[TruthColumn, ...]
    values: tuple[NDArray[np.float64], ...]


PERCENT_DECIMALS = 4
_FINER = 1.01
GRANULARITY = "ties of accuracies in percent are ties: rounded to 1e-4 unless finer"
"""How written values are rounded; part of what a table is made from, so that older tables are made again."""


def rounded_to_granularity(values: NDArray[np.float64], unit: str) -> NDArray[np.float64]:
    """Accuracies in percent rounded to four decimals, so that equal ones are equal; other metrics as they are.

    A share of at most 10,000 images is a multiple of .01 %, and a mean over three seeds is not nearer to another than
    .003 %; what lies further right is floating-point noise, which makes 12,000 values of the 4,207 of NATS-TSS on
    CIFAR-100. A metric that is finer has more than one percent more values with five decimals, and is left alone.

    Args:
        values: (n,) NaN where unknown.
        unit: of the column; only "%" is rounded.
    """
    if unit != "%":
        return values
    known = values[np.isfinite(values)]
    n_values, n_finer = (np.unique(known.round(decimals)).size for decimals in (PERCENT_DECIMALS, PERCENT_DECIMALS + 1))
    return values if n_finer > _FINER * n_values else values.round(PERCENT_DECIMALS)


def write_table(table: TruthTable, path: Path, origin: str) -> None:
    """Write a table and its checksum atomically, ties as ties.

    Args:
        table: what to write.
        path: the Parquet file; its checksum is written to the same folder, in the format of `sha256sum`.
        origin: fingerprint of its sources (`TruthSource.fingerprint`), to detect later whether it is out of date.

    Raises:
        CorruptDataError: if an architecture appears twice or a column has another length.
    """
    if len(set(table.archs)) != len(table.archs) or any(len(values) != len(table.archs) for values in table.values):
        raise CorruptDataError(
            f"The table for {path.name} lists an architecture twice or has columns of unequal length."
        )
    contents = {"origin": origin, "columns": [asdict(column) for column in table.columns]}
    arrays = {ARCH: pa.array(table.archs, pa.string())}
    for column, values in zip(table.columns, table.values, strict=True):
        arrays[column.key] = pa.array(rounded_to_granularity(values, column.unit), pa.float64())
    written = pa.table(arrays).replace_schema_metadata({_METADATA_KEY: json.dumps(contents)})
    with replacing(path) as part:
        pq.write_table(written, part, compression="zstd")
        checksum = sha256_of(part)
        # Killed between the two renames, the pair does not match: the table is refused, and fetching makes it again.
        write_whole(_checksum_path(path), f"{checksum}  {path.name}\n".encode())


class TableFile:
    """An open table. The descriptions of columns are read at once, their values on demand.

    Args:
        path: the Parquet file.
        repair: the command that restores the file, for error messages.
        embedded: whether it is part of the package; if so, it has no checksum file.

    Raises:
        CorruptDataError: if the file is truncated, differs from its checksum, or is not a truth table.
    """

    def __init__(self, path: Path, repair: str, *, embedded: bool = False) -> None:
        self.path = path
        self.embedded = embedded
        self._repair = repair
        if not embedded and sha256_of(path) != _recorded_checksum(path):
            raise self._damaged("does not match its checksum file")
        try:
            self._file = pq.ParquetFile(path, memory_map=True)
            contents = json.loads(self._file.schema_arrow.metadata[_METADATA_KEY])
            self.origin: str = contents["origin"]
            self.columns = {column.key: column for column in map(_column, contents["columns"])}
            missing = {ARCH, *self.columns} - set(self._file.schema_arrow.names)
        except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
            raise self._damaged(f"is not a truth table ({type(error).__name__})") from error
        if missing:
            raise self._damaged(f"lacks the columns {', '.join(sorted(missing))}")

    @property
    def n_archs(self) -> int:
        """Number of rows."""
        return int(self._file.metadata.num_rows)

    def archs(self) -> list[str]:
        """The architectures, in the table's order."""
        return [str(arch) for arch in self._read([ARCH])[ARCH].to_pylist()]

    def values(self, archs: Sequence[str], key: str) -> NDArray[np.float64]:
        """The values of one column, float64 [len(archs)]; NaN if the table lacks the architecture."""
        table = self._read([ARCH, key])
        known = table[ARCH].combine_chunks()
        rows = pc.index_in(pa.array(archs, pa.string()), value_set=known).fill_null(len(known))
        numbers = np.append(table[key].to_numpy(), np.nan)  # one extra row for architectures that the table lacks
        found: NDArray[np.float64] = numbers[rows.to_numpy()]
        return found

    def _read(self, names: list[str]) -> Any:
        try:
            return self._file.read(columns=names, use_threads=False)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise self._damaged(f"cannot be read ({type(error).__name__})") from error

    def _damaged(self, how: str) -> CorruptDataError:
        return CorruptDataError(f"{self.path} {how}. Run `{self._repair}` to restore it.")


def _column(description: Mapping[str, Any]) -> TruthColumn:
    """A column as described in a file; fields added by later versions are ignored."""
    return TruthColumn(**{name: description[name] for name in _FIELDS if name in description})


_FIELDS = tuple(field.name for field in fields(TruthColumn))


def _checksum_path(path: Path) -> Path:
    return path.with_name(path.name + _CHECKSUM_SUFFIX)


def _recorded_checksum(path: Path) -> str | None:
    try:
        return _checksum_path(path).read_text().partition(" ")[0]
    except (OSError, UnicodeDecodeError):
        return None
