"""Files are whole or absent, through one writer."""

import ast
import os
from pathlib import Path

import pytest

from harness.files.atomic import replacing, write_whole

ROOT = Path(__file__).parents[2]


def test_a_file_is_replaced_whole_and_readable_as_the_users_other_files(tmp_path):
    target, plain = tmp_path / "new" / "file", tmp_path / "plain"
    plain.touch()
    write_whole(target, b"first")
    write_whole(target, b"second")
    assert target.read_bytes() == b"second"
    assert target.stat().st_mode == plain.stat().st_mode
    assert [path.name for path in target.parent.iterdir()] == ["file"]


def test_what_was_written_is_on_the_disk_before_it_takes_the_name(tmp_path, monkeypatch):
    target = tmp_path / "file"
    target.write_bytes(b"old")
    seen = []
    monkeypatch.setattr(os, "fsync", lambda handle: seen.append((target.read_bytes(), os.fstat(handle).st_size)))
    write_whole(target, b"longer")
    assert seen == [(b"old", 6)]


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    target = tmp_path / "file"
    target.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), replacing(target) as part:  # noqa: PT012  # the error comes after writing
        part.write_bytes(b"half")
        raise ZeroDivisionError
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"old")]


def test_nothing_else_replaces_files():
    """Temporary files and renames of files stand in `atomic` alone; folders are put in place by `archives`."""
    allowed = {"harness/files/atomic.py", "harness/inputs/archives.py"}
    others = []
    for file in (path for folder in ("harness", "benchmarks", "proxies") for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            called, n_given = node.func.attr, len(node.args) + len(node.keywords)
            renames = called in ("replace", "rename") and len(node.args) == n_given == 1
            if called in ("mkstemp", "NamedTemporaryFile", "write_text", "write_bytes") or renames:
                others.append(str(file.relative_to(ROOT)))
    assert set(others) <= allowed
