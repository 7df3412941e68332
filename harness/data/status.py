"""What data are on this machine: one row for each table and each data set's images, and their verification."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from rich.table import Table
from rich.text import Text

from harness.errors import CorruptDataError
from harness.files.atomic import PART_SUFFIX, sha256_of
from harness.inputs import DATA_SETS, InputKind
from harness.paths import truth_home
from harness.truth import embedded_tables, repair_command
from harness.truth.imports import TRUTH_IMPORTS, TruthImport
from harness.truth.sources import TRUTH_SOURCES, TruthSource
from harness.truth.table import TableFile

_INDENT = "    "
_NAME_WIDTH = 8


@dataclass(frozen=True)
class Entry:
    """One table or image collection; `state` is present, embedded, outdated, damaged or missing.

    `where` is relative to the data home for tables, to the image folder for images.
    """

    name: str
    what: str
    state: str
    where: str
    how_to_get: str
    origin: str
    size: str = ""
    sha256: str = ""


def entries(home: Path, images: Path) -> list[Entry]:
    """Everything that the registries know, on this machine or not: tables to fetch, to import, and images.

    Args:
        home: the data home.
        images: the image folder.
    """
    sources = [TRUTH_SOURCES.get(key) for key in TRUTH_SOURCES]
    benchmarks = sorted({source.benchmark for source in sources})
    tables = [entry for benchmark in benchmarks for entry in _embedded_entries(benchmark)]
    imports = (_import_entry(TRUTH_IMPORTS.get(name), home) for name in TRUTH_IMPORTS)
    return [*tables, *(_source_entry(source, home) for source in sources), *imports, *_image_entries(images)]


def status_table(found: list[Entry]) -> Table:
    """The entries as a table for the terminal."""
    table = Table()
    for heading in ("name", "what", "state", "rows and size", "sha256", "where", "how to get it", "licence and source"):
        table.add_column(heading, overflow="fold")
    for entry in found:
        cells = (entry.name, entry.what, entry.state, entry.size, entry.sha256, entry.where, entry.how_to_get)
        table.add_row(*map(Text, (*cells, entry.origin)))  # Text, because rich would interpret "[...]" as markup
    return table


def status_lines(found: list[Entry], width: int) -> Iterator[str]:
    """The entries for a narrow terminal: what and in which state, and below it the rest, no line wider than `width`."""
    for entry in found:
        size = f", {entry.size}" if entry.size else ""
        yield from textwrap.wrap(f"{entry.name}, {entry.what}: {entry.state}{size}", width, subsequent_indent=_INDENT)
        parts = {"get": entry.how_to_get, "where": entry.where, "sha256": entry.sha256, "source": entry.origin}
        for name, text in parts.items():
            # What is longer than a line, a path, is cut: a line that the terminal folds reads worse.
            lines = textwrap.wrap(text, width - len(_INDENT) - _NAME_WIDTH, break_on_hyphens=False)
            for number, line in enumerate(lines):
                yield f"{_INDENT}{'' if number else name:<{_NAME_WIDTH}}{line}"


def verify(home: Path, images: Path) -> tuple[list[str], list[str]]:
    """Read and re-hash every table of the data home, and read all images of the image folder.

    Returns:
        What is whole and what is damaged, one sentence each.
    """
    whole, damaged = [], []
    for path in sorted(truth_home(home).glob("*/*.parquet")):
        try:
            table = TableFile(path, repair_command(path, home))
            for key in table.columns:
                table.values([], key)
            whole.append(f"{path}: {table.n_archs:,} rows, sha256 {sha256_of(path)}")
        except CorruptDataError as error:
            damaged.append(str(error))
    for name in DATA_SETS:
        data_set = DATA_SETS.get(name)
        for kind, path in data_set.present(images).items():
            try:
                whole.append(f"{path}: {data_set.read(kind, images).source}")
            except CorruptDataError as error:
                damaged.append(str(error))
    return whole, damaged


def unfinished(home: Path) -> list[Path]:
    """Files and folders that an interrupted fetch left behind; nothing reads them."""
    return sorted(home.rglob(f".*{PART_SUFFIX}")) if home.is_dir() else []


def _source_entry(source: TruthSource, home: Path) -> Entry:
    owners = {"/".join(file.key.split("/")[:2]) for file in source.files}
    origin = ", ".join([source.licence, *sorted(owners)])
    entry = Entry(source.benchmark, source.name, "missing", str(source.path(home)), source.command, origin)
    return _found(entry, source.fingerprint, home)


def _import_entry(release: TruthImport, home: Path) -> Entry:
    get = release.how_to_get.replace("`", "")
    origin = f"{release.licence}, {release.page.partition('://')[2]}"
    entry = Entry(release.benchmark, f"import {release.name}", "missing", str(release.path(home)), get, origin)
    return _found(entry, release.origin, home)


def _found(missing: Entry, origin: str, home: Path) -> Entry:
    """The entry of a table, as it is on this machine; `where` becomes relative to the data home."""
    path = Path(missing.where)
    entry = replace(missing, where=str(path.relative_to(home)))
    if not path.is_file():
        return entry
    try:
        table = TableFile(path, missing.how_to_get)
    except CorruptDataError:
        return replace(entry, state="damaged")
    what, size = _described(missing.what, table)
    state = "present" if table.origin == origin else "outdated"
    return replace(entry, what=what, state=state, size=size, sha256=sha256_of(path)[:12])


def _embedded_entries(benchmark: str) -> Iterator[Entry]:
    for path in embedded_tables(benchmark):
        table = TableFile(path, "", embedded=True)
        what, size = _described("embedded", table)
        where = f"{path.parent.name}/{path.name} of the package"
        yield Entry(benchmark, what, "embedded", where, "", "this package", size, sha256_of(path)[:12])


def _described(name: str, table: TableFile) -> tuple[str, str]:
    """Its columns by data set, and its number of rows with its size on the disk."""
    names: dict[str, list[str]] = {}
    for column in table.columns.values():
        if "_seed" not in column.name:  # one for each seed, beside their mean
            names.setdefault(column.dataset, []).append(column.name)
    columns = "; ".join(f"{dataset}: {', '.join(found)}" for dataset, found in names.items())
    return f"{name} ({columns})", f"{table.n_archs:,} rows, {_readable(table.path.stat().st_size)}"


def _image_entries(images: Path) -> Iterator[Entry]:
    for name in DATA_SETS:
        data_set = DATA_SETS.get(name)
        present = data_set.present(images)
        if data_set.embedded:
            yield Entry(name, "real images", "embedded", "", data_set.how_to_get, data_set.licence)
            continue
        for kind in (InputKind.real, InputKind.substitute):
            if kind is InputKind.substitute and kind not in present:
                continue
            where = present.get(kind, images / kind.value)
            state = "present" if kind in present else "missing"
            size = _readable(_n_bytes(where)) if kind in present else ""
            get, licence = (data_set.how_to_get, data_set.licence) if kind is InputKind.real else ("", "")
            yield Entry(name, f"{kind.value} images", state, str(where.relative_to(images)), get, licence, size)


def _n_bytes(path: Path) -> int:
    return sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size


def _readable(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:.1f} MB" if n_bytes >= 1e5 else f"{n_bytes / 1e3:.1f} kB"
