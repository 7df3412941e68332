"""Rows of lists, kept in the data home until a file that they come from changes: reading them needs no torch."""

import hashlib
import json
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

from harness.cli.help import version_text
from harness.cli.known import KINDS, package_files
from harness.files.atomic import write_whole
from harness.paths import conf_folder, data_home


def kept_rows(what: str) -> list[list[str]] | None:
    """The rows of a list; None where none are kept, or a plug-in's file is another by now."""
    try:
        kept = json.loads(_path(what).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return kept["rows"] if kept.get("of") == _state() else None


def keep_rows(what: str, rows: list[list[str]]) -> None:
    """Keep the rows for the next time; where the data home cannot be written, not."""
    path = _path(what)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps({"of": _state(), "rows": rows}).encode())
    except OSError:
        return


def _path(what: str) -> Path:
    return data_home() / "lists" / f"{what}.json"


def _state() -> str:
    """A digest of what the lists come from: version, installed plug-ins, and each file's size and time of change."""
    told = hashlib.sha256(version_text().encode())
    for file in sorted(set(_files())):
        stat = file.stat()
        told.update(f"{file} {stat.st_size} {stat.st_mtime_ns}".encode())
    return told.hexdigest()


def _files() -> Iterator[Path]:
    yield from conf_folder().glob("tables/*.yaml")
    yield from conf_folder().glob("published/*.csv")
    for module in ("harness.list", "harness.space", "harness.inputs", "harness.tables"):
        yield from package_files(module)
    for kind in KINDS.values():
        yield from package_files(kind.package)
        for point in entry_points(group=f"harness.{kind.package.rpartition('.')[2]}"):
            yield from package_files(point.module)
