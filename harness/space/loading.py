"""Spaces by the word of `bench=`: a registered name, or the path of a file with networks of the user's own."""

import hashlib
import inspect
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType

from harness.errors import MissingDataError, OptionError, PlugInError
from harness.plug_in_code import calling, module_of
from harness.space.given_networks import FunctionSpace
from harness.space.model_space import ModelSpace
from harness.space.search_space import BENCHMARKS, SearchSpace


@dataclass(frozen=True)
class SpaceWord:
    """A word of `bench=` that names a file: the file, and what in it; empty: the only space there is."""

    path: Path
    name: str


def as_file(word: str) -> SpaceWord | None:
    """The file that a word names, as `models.py` or `folder/models.py:build`; None for a registered name."""
    path, colon, name = word.rpartition(":")
    if not colon or not path.endswith(".py"):
        path, name = word, ""
    return SpaceWord(Path(path).expanduser().resolve(), name) if path.endswith(".py") else None


def space_of(word: str, names: Sequence[str] | None = None) -> SearchSpace:
    """The space that a word names.

    Args:
        word: a registered name, or the path of a file, as `models.py`, `models.py:SPACE` or `models.py:FUNCTION`.
        names: the architectures where the word names a function; None: any.

    Raises:
        UnknownNameError: for a name that is not registered.
        MissingDataError: if there is no such file.
        OptionError: if the file has no such space, or several and none is chosen.
        PlugInError: if the file cannot be imported.
    """
    named = as_file(word)
    if named is None:
        return BENCHMARKS.get(word)
    if not named.path.is_file():
        raise MissingDataError(f"bench={word} names no file; it takes a registered name or the path of a Python file.")
    digest = hashlib.sha256(named.path.read_bytes()).hexdigest()
    return _opened(named, digest, None if names is None else tuple(names))


@lru_cache(maxsize=32)
def _opened(named: SpaceWord, digest: str, names: tuple[str, ...] | None) -> SearchSpace:
    module = _imported(str(named.path), digest)
    found = _chosen(_spaces_in(module), module, named)
    file = named.path.name
    if not isinstance(found, ModelSpace):
        stem = named.path.stem
        name = stem if named.name == "build" else f"{stem}_{named.name}"
        found = FunctionSpace(name, found, names)  # type: ignore[arg-type]
        chosen = named.name
    else:
        chosen = type(found).__name__
        if not isinstance(getattr(found, "name", None), str) or not found.name.isprintable() or not found.name.strip():
            raise PlugInError(f'The space {chosen} of {file} has no name; give it `name = "..."`.')
        _ = found._names
    if found.name in BENCHMARKS:
        raise OptionError(f"{file} calls its space '{found.name}', as a registered benchmark is called; rename it.")
    found.__dict__["_word"] = f"{named.path}:{named.name or chosen}"
    found.__dict__["_file"] = file
    return found


@lru_cache(maxsize=32)
def _imported(path: str, digest: str) -> ModuleType:
    """The module of a file, imported anew when the file has changed."""
    name = f"space_file_{hashlib.sha256(path.encode()).hexdigest()[:12]}_{digest[:12]}"
    folder = str(Path(path).parent)
    if folder not in sys.path:  # as if Python ran the file: modules beside it can be imported
        sys.path.append(folder)
    with calling(f"Importing {Path(path).name}"):
        return module_of(name, path)


def _spaces_in(module: ModuleType) -> dict[str, ModelSpace]:
    """The spaces of a file, by the name of their class: its classes, and its objects of classes from elsewhere."""
    found: dict[str, ModelSpace] = {}
    for value in list(vars(module).values()):
        is_class = isinstance(value, type) and issubclass(value, ModelSpace) and value.__module__ == module.__name__
        if isinstance(value, ModelSpace):
            found[type(value).__name__] = value
        elif is_class and not inspect.isabstract(value) and hasattr(value, "build"):
            with calling(f"{value.__name__}()"):
                found.setdefault(value.__name__, value())
    return found


def _chosen(spaces: dict[str, ModelSpace], module: ModuleType, named: SpaceWord) -> object:
    """The space that is meant, or the function.

    Raises:
        OptionError: if there is none, or several of which none is named.
    """
    file = named.path.name
    by_name = spaces | {space.name: space for space in spaces.values() if hasattr(space, "name")}
    if named.name:
        found = by_name.get(named.name, getattr(module, named.name, None))
        if isinstance(found, ModelSpace) or inspect.isroutine(found) or (inspect.isclass(found) and not spaces):
            return found
        functions = [name for name, one in vars(module).items() if inspect.isfunction(one) and not name.startswith("_")]
        raise OptionError(
            f"{file} has no space and no function called '{named.name}'; it has {', '.join([*spaces, *functions])}."
        )
    if len(spaces) == 1:
        return next(iter(spaces.values()))
    if spaces:
        raise OptionError(
            f"{file} has the spaces {', '.join(spaces)}; choose one: bench={named.path.name}:{next(iter(spaces))}."
        )
    raise OptionError(
        f"{file} has no ModelSpace; derive a class from harness.space.ModelSpace, or name the function that builds the "
        f"networks: bench={file}:build."
    )
