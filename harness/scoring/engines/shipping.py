"""Files of the user's that jobs need: found on the machine of the run, and put where a node can import them.

A job names files by path: of proxies, of the networks of a space, of a loss. Each goes along as a bundle with the
modules of the user's that it imports; the batches of a user's own data go through the object store, drawn already.
"""

import ast
import getpass
import hashlib
import importlib.util
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from harness.errors import HarnessError
from harness.files.atomic import write_whole
from harness.inputs import OwnData
from harness.plug_in_code import is_users
from harness.scoring.proxy_spec import is_installed
from harness.scoring.worker import Job
from harness.space.loading import as_file

_FILE, _MODULES = "file", "modules"


class Bundle(NamedTuple):
    """A file of the user's and the modules that it imports.

    `root` is its path on the machine of the run; `modules` are the contents of modules by their paths below `folders`,
    a folder of `sys.path` each; `sha256` is that of all contents.
    """

    root: str
    content: bytes
    modules: Mapping[str, bytes]
    folders: Mapping[str, str]
    sha256: str

    @property
    def computed_sha256(self) -> str:
        """What `sha256` is of a bundle that arrived whole."""
        return _sha256(self.content, self.modules)


def paths_of(job: Job) -> dict[str, None]:
    """The files of a job that are no part of an installed package, in order."""
    found = {path: None for unit in job.units for path in unit.paths if not is_installed(path)}
    named = as_file(job.context.bench)
    if named is not None:
        found[str(named.path)] = None
    own = job.context.own
    if isinstance(own, OwnData) and own.criterion.path is not None:
        found[str(own.criterion.path)] = None
    return found


def bundle(path: str, engine: str) -> Bundle:
    """A file of the user's with the modules that it imports, as far as they are in no installed package.

    Followed are import statements, wherever they stand. Of a package all modules are taken.

    Raises:
        HarnessError: if a file cannot be read, naming it.
    """
    content = _read(path, engine)
    modules: dict[str, bytes] = {}
    folders: dict[str, str] = {}
    waiting, known = [content], set(sys.stdlib_module_names)
    while waiting:
        for name in _imported_names(waiting.pop()):
            if name in known:
                continue
            known.add(name)
            for file, folder in _files_of(name):
                relative = file.relative_to(folder).as_posix()
                modules[relative], folders[relative] = _read(str(file), engine), str(folder)
                waiting.append(modules[relative])
    return Bundle(path, content, modules, folders, _sha256(content, modules))


class Placed(NamedTuple):
    """A job with paths of this machine: the new path of each file by the old one, and folders to import modules from.

    Those `before` are searched before `sys.path`, those `after` after it.
    """

    job: Job
    files: Mapping[str, str]
    before: Sequence[str]
    after: Sequence[str]


def placed(job: Job, bundles: Mapping[str, Bundle]) -> Placed:
    """The job with its files on this machine, written unless they are there already.

    Raises:
        HarnessError: if a bundle has not arrived whole.
    """
    here: dict[str, str] = {}
    before: dict[str, None] = {}
    after: dict[str, None] = {}
    for path, sent in bundles.items():
        if sent.computed_sha256 != sent.sha256:
            raise HarnessError(f"'{path}' has arrived damaged: it is not of sha256 {sent.sha256}.")
        if _are_there(sent):
            here[path] = path
            after |= dict.fromkeys(sent.folders.values())
        else:
            folder = _written(sent)
            here[path] = str(folder / _FILE / Path(path).name)
            before[str(folder / _MODULES)] = None
    return Placed(_with_paths(job, here), here, list(before), list(after))


def _with_paths(job: Job, here: Mapping[str, str]) -> Job:
    units = tuple(
        unit._replace(
            specs=tuple(
                spec if spec.path is None else replace(spec, path=here.get(spec.path))  # None: of an installed package
                for spec in unit.specs
            )
        )
        for unit in job.units
    )
    context, named = job.context, as_file(job.context.bench)
    own = context.own
    if isinstance(own, OwnData) and own.criterion.path is not None:
        own = replace(own, criterion=replace(own.criterion, path=Path(here[str(own.criterion.path)])))
    bench = context.bench
    if named is not None:
        bench = here[str(named.path)] + (f":{named.name}" if named.name else "")
    if (bench, own) != (context.bench, context.own):
        context = replace(context, bench=bench, own=own)
    return job._replace(units=units, context=context)


def _are_there(sent: Bundle) -> bool:
    """Whether all files are on this machine, in the same places."""
    modules = [(Path(sent.folders[name], name), content) for name, content in sent.modules.items()]
    return all(_is_there(file, content) for file, content in [(Path(sent.root), sent.content), *modules])


def _written(sent: Bundle) -> Path:
    """The folder of a bundle on this machine: with its file, which may be called as a module of others, apart."""
    folder = Path(tempfile.gettempdir()) / f"nas-harness-{getpass.getuser()}" / sent.sha256[:16]
    _write(folder / _FILE / Path(sent.root).name, sent.content)
    for name, content in sent.modules.items():
        _write(folder / _MODULES / name, content)
    return folder


def _is_there(file: Path, content: bytes) -> bool:
    try:
        return file.read_bytes() == content
    except OSError:
        return False


def _write(file: Path, content: bytes) -> None:
    """Write a file whole, unless it is there."""
    if not _is_there(file, content):
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(file, content)


def _read(path: str, engine: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise HarnessError(f"'{path}' cannot be sent to engine={engine}: {error.strerror}.") from None


def _sha256(content: bytes, modules: Mapping[str, bytes]) -> str:
    digest = hashlib.sha256(hashlib.sha256(content).digest())
    for name in sorted(modules):
        digest.update(name.encode() + b"\0" + hashlib.sha256(modules[name]).digest())
    return digest.hexdigest()


def _imported_names(content: bytes) -> Iterator[str]:
    """The packages and modules that a file imports, by the first part of their names."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError):  # no Python, or not imported on this machine either
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _files_of(name: str) -> Iterator[tuple[Path, Path]]:
    """The files of a module or package of the user's, each with the folder that it is imported from."""
    try:
        found = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        return
    if found is None:
        return
    for place in found.submodule_search_locations or ():
        if is_users(f"{place}{os.sep}"):
            yield from ((file, Path(place).parent) for file in sorted(Path(place).rglob("*.py")))
    origin = Path(found.origin or "")
    if not found.submodule_search_locations and origin.is_file() and is_users(str(origin)):
        yield origin, origin.parent
