"""One generic registry: proxies, evidence, benchmarks and data sets are found by name, their options by field."""

import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any, Generic, TypeVar

from harness.errors import HarnessError, UnknownNameError

T = TypeVar("T")
Options = tuple[tuple[str, Any], ...]


class Registry(Generic[T]):
    """Names of one kind of plug-in, in alphabetical order.

    Plug-ins come from the project's own package and from installed packages that declare an entry point in the
    group `harness.<last part of the package>` (`harness.proxies`, ...); both are imported at the first look-up.
    """

    def __init__(self, kind: str, package: str, plural: str | None = None) -> None:
        self.kind = kind
        self.plural = plural or f"{kind}s"
        self._package = package
        self._group = f"harness.{package.rpartition('.')[2]}"
        self._entries: dict[str, T] = {}
        self._discovered = False
        self._lent: set[str] = set()

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator that enters a plug-in under `name`; a name taken twice is an error that names both places."""

        def enter(entry: T) -> T:
            known = self._entries.get(name)
            if known is not None and _origin(known) != _origin(entry):
                raise HarnessError(
                    f"Two {self.plural} are called '{name}': {_origin(known)} and {_origin(entry)}. Rename one of them."
                )
            self._entries[name] = entry
            return entry

        return enter

    def get(self, name: str) -> T:
        """The plug-in called `name`.

        Raises:
            UnknownNameError: with the nearest names and all known ones.
        """
        self.discover()
        try:
            return self._entries[name]
        except KeyError:
            raise UnknownNameError(unknown_name(self.kind, name, list(self))) from None

    @contextmanager
    def lent(self, name: str, entry: T) -> Iterator[None]:
        """A context in which `name` is `entry`, for this process and this time; nothing stays registered."""
        self.discover()
        before = self._entries.get(name)
        self._entries[name] = entry
        self._lent.add(name)
        try:
            yield
        finally:
            self._lent.discard(name)
            if before is None:
                del self._entries[name]
            else:
                self._entries[name] = before

    def is_lent(self, name: str) -> bool:
        """Whether `name` exists in this process alone, for a time."""
        return name in self._lent

    def import_own(self) -> None:
        """Import every module of the project's own package, and nothing from elsewhere."""
        import_modules(importlib.import_module(self._package))

    def discover(self) -> None:
        """Import every module of the project's package and of the entry-point group, once."""
        if self._discovered:
            return
        self._discovered = True
        self.import_own()
        for entry_point in entry_points(group=self._group):
            try:
                entry_point.load()
            except Exception as error:
                raise HarnessError(
                    f"The installed plug-in '{entry_point.name}' ({entry_point.value}) does not import: "
                    f"{type(error).__name__}: {error}. Repair or uninstall it."
                ) from error

    @property
    def entered(self) -> list[str]:
        """The names that were registered so far, without importing anything."""
        return sorted(self._entries)

    def __iter__(self) -> Iterator[str]:
        self.discover()
        return iter(sorted(self._entries))

    def __contains__(self, name: str) -> bool:
        self.discover()
        return name in self._entries


def import_modules(package: ModuleType) -> None:
    """Import the modules and subpackages of a package, one level deep."""
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")


def unknown_name(kind: str, name: str, known: list[str]) -> str:
    """The sentence for an unknown name: what was requested, the nearest, and all that are known."""
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean '{nearest[0]}'?" if nearest else ""
    return f"No {kind} is called '{name}'.{hint} Known: {', '.join(known)}."


def _origin(entry: object) -> str:
    return f"{getattr(entry, '__module__', '?')}.{getattr(entry, '__qualname__', repr(entry))}"
