"""The files that a Python file is made of: itself and what it imports from beside it, for the key of its scores."""

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from harness.errors import HarnessError

_PACKAGE = "__init__.py"


def root_of(file: Path) -> tuple[Path, str]:
    """The folder that Python must look into to import a file, and the file's name as a module there.

    In a package, which has `__init__.py`, this is the folder above the outermost package.
    """
    parts, folder = [file.stem], file.parent
    while (folder / _PACKAGE).is_file():
        parts.insert(0, folder.name)
        folder = folder.parent
    return folder, ".".join(parts)


@cache
def source_digest(file: Path) -> str:
    """The sha256 of a file and of all files beside it or in its package that it imports, directly or not.

    Raises:
        HarnessError: if one is not Python.
    """
    root, _ = root_of(file)
    found = {file}
    waiting = [file]
    while waiting:
        for other in _imported(waiting.pop(), root):
            if other not in found:
                found.add(other)
                waiting.append(other)
    digest = hashlib.sha256()
    for one in sorted(found):
        content = one.read_bytes()
        digest.update(f"{one.relative_to(root)}\n{len(content)}\n".encode() + content)
    return digest.hexdigest()


def _imported(file: Path, root: Path) -> Iterator[Path]:
    """Files under `root` that a file imports, its packages included."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError) as error:
        raise HarnessError(f"'{file}' is not Python: {error}.") from error
    folder = file.parent
    while folder != root:
        yield folder / _PACKAGE
        folder = folder.parent
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [(root, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            start = root if not node.level else file.parents[node.level - 1]
            base = node.module or ""
            names = [(start, f"{base}.{alias.name}".lstrip(".")) for alias in node.names] + [(start, base)]
        else:
            continue
        for start, name in names:
            yield from _files_of(start, name)


def _files_of(start: Path, name: str) -> Iterator[Path]:
    """The files that importing `name` from a folder runs, as far as they are there."""
    folder = start
    for part in filter(None, name.split(".")):
        if (folder / f"{part}.py").is_file():
            yield folder / f"{part}.py"
            return
        folder = folder / part
        if (folder / _PACKAGE).is_file():
            yield folder / _PACKAGE
        elif not folder.is_dir():
            return
    if name == "" and (folder / _PACKAGE).is_file():
        yield folder / _PACKAGE
