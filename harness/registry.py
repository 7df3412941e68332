"""One generic registry: proxies, evidence, benchmarks and data sets are found by name, their options by field."""

import dataclasses
import difflib
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any, Generic, TypeVar, get_type_hints

from harness.errors import HarnessError, OptionError, UnknownNameError

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
    """The sentence for an unknown name: what was asked, the nearest, and all that are known."""
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f" Did you mean '{nearest[0]}'?" if nearest else ""
    return f"No {kind} is called '{name}'.{hint} Known: {', '.join(known)}."


def checked_options(kind: str, name: str, plug_in: type, given: Mapping[str, Any]) -> Options:
    """The options that were given, sorted by name; a whole number is taken for a float.

    Args:
        kind: what the plug-in is, for the sentence of an error.
        name: what it is called.
        plug_in: its dataclass.
        given: values by name of field.

    Raises:
        UnknownNameError: if it has no such field.
        OptionError: if a value is of another type than its field.
    """
    fields = sorted(field.name for field in dataclasses.fields(plug_in))
    types = get_type_hints(plug_in)
    chosen: dict[str, Any] = {}
    for option, value in given.items():
        if option not in fields:
            if not fields:
                raise UnknownNameError(f"The {kind} '{name}' has no options; options.{name}.{option} was given.")
            raise UnknownNameError(unknown_name(f"option of {name}", option, fields))
        wanted = types[option]
        if wanted is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if isinstance(wanted, type) and (
            not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool)
        ):
            raise OptionError(
                f"options.{name}.{option}={value!r} is a {type(value).__name__}; it must be a {wanted.__name__}."
            )
        chosen[option] = value
    return tuple(sorted(chosen.items()))


def _origin(entry: object) -> str:
    return f"{getattr(entry, '__module__', '?')}.{getattr(entry, '__qualname__', repr(entry))}"
