"""Which files the user's networks come from, so that a score of an edited file is never taken for one of the new file.

Followed are the files of some objects, and from there everything that a module holds from other files of the user's:
imported modules, classes and functions. Packages that are installed, Python's own modules and the project are left out.
"""

import hashlib
import inspect
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from types import CodeType, ModuleType

from harness.plug_in_code import is_users


def digest_of_sources(*objects: object) -> str:
    """The first 32 hexadecimal digits of the sha256 of all files that some classes and functions come from."""
    digest = hashlib.sha256()
    contents = {hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files_of(objects)}
    for content in sorted(contents):
        digest.update(content.encode())
    return digest.hexdigest()[:32]


@lru_cache(maxsize=1024)
def digest_of_class(kind: type) -> str:
    """A digest of the code of a class: of its files, or of its methods where it was defined in no file.

    Classes of installed packages have their name instead.
    """
    if files_of([kind]):
        return digest_of_sources(kind)
    module = sys.modules.get(kind.__module__)
    if module is not None and getattr(module, "__file__", None) is not None:
        return f"{kind.__module__}.{kind.__qualname__}"
    digest = hashlib.sha256()
    for base in inspect.getmro(kind):
        if base.__module__ == kind.__module__:
            for name, value in sorted(vars(base).items()):
                if inspect.isfunction(value):
                    digest.update(f"{name}:{_text_of(value.__code__)}".encode())
    return digest.hexdigest()[:32]


def _text_of(code: CodeType) -> str:
    """What a function does, whatever it is called and wherever it stands."""
    constants = [_text_of(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return f"{code.co_code.hex()}{constants}{code.co_names}"


def files_of(objects: Iterable[object]) -> list[str]:
    """The user's files that some classes and functions come from, directly or through their modules."""
    found: dict[str, None] = {}
    waiting = [module for one in objects for module in _modules_of(one)]
    while waiting:
        module = waiting.pop()
        file = getattr(module, "__file__", None)
        if file is None or file in found or not is_users(file) or not Path(file).is_file():
            continue
        found[file] = None
        for value in list(vars(module).values()):
            waiting += _modules_of(value)
    return sorted(found)


def _modules_of(value: object) -> Iterator[ModuleType]:
    if isinstance(value, ModuleType):
        yield value
        return
    if not (inspect.isclass(value) or inspect.isroutine(value)):
        return
    for one in inspect.getmro(value) if inspect.isclass(value) else (value,):
        module = sys.modules.get(getattr(one, "__module__", None) or "")
        if module is not None:
            yield module
