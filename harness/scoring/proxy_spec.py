"""Which proxy with which options: from the words of the command line to an instance, in any process."""

import dataclasses
import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.reading import read_options
from harness.errors import HarnessError, MissingDataError, OptionError
from harness.plug_in_code import described, module_of, show_traceback
from harness.proxy import PROXIES, Proxy
from harness.registry import Options
from harness.scoring.authors import is_authors, load_function, split_word
from harness.scoring.sources import source_digest

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ProxySpec:
    """A proxy by name, the options that differ from its defaults, and its file if it is no plug-in.

    The path of a function of somebody's code is FILE.py:FUNCTION.
    """

    name: str
    options: Options = ()
    path: str | None = None

    @property
    def proxy_class(self) -> type[Proxy]:
        """The class, its file imported if need be."""
        if self.path is not None:
            load_file(self.path)
        return PROXIES.get(self.name)

    def make(self) -> Proxy:
        """The proxy with its options."""
        return self.proxy_class(**dict(self.options))

    def combined(self, components: "pd.DataFrame") -> "pd.Series[float]":
        """The scores [n_archs] of components [n_archs, n_components]; NaN where no architecture has any.

        Raises:
            HarnessError: if there are several and the proxy does not say how they combine.
        """
        proxy = self.make()
        if components.columns.empty:
            import pandas as pd  # which lists of proxies need not import

            return pd.Series(float("nan"), index=components.index)
        return proxy.combine(components)

    @property
    def parts(self) -> "dict[str, ProxySpec]":
        """The proxies of whose scores it is made, by component; see `Proxy.parts`.

        Raises:
            HarnessError: if one is not registered, or two are of one name.
        """
        found = {component: self._of(part) for component, part in self.make().parts().items()}
        if len({part.name for part in found.values()}) < len(found):
            raise HarnessError(f"Two parts of {self.name} are one proxy; parts must be different proxies.")
        return found

    def _of(self, part: Proxy) -> "ProxySpec":
        name = next((name for name in PROXIES if PROXIES.get(name) is type(part)), None)
        if name is None:
            raise HarnessError(f"{self.name} has the part {type(part).__name__}, which is not registered as a proxy.")
        changed = {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}  # type: ignore[arg-type]
        options = tuple(sorted((option, value) for option, value in changed.items()))
        in_same_file = self.path is not None and name in load_file(self.path)
        return ProxySpec(name, options, self.path if in_same_file else None)

    @property
    def digest(self) -> str:
        """sha256 of the file for a proxy by path, empty for a plug-in (its version says what it computes).

        For somebody's function that of the files which it imports from beside it, too.
        """
        function = split_word(self.path or "")
        if function is not None:
            return source_digest(Path(function[0]))
        return "" if self.path is None else hashlib.sha256(Path(self.path).read_bytes()).hexdigest()

    @property
    def is_external(self) -> bool:
        """Whether it is a function of somebody's code, which outputs call external."""
        return is_authors(self.proxy_class)

    @property
    def options_json(self) -> str:
        """All options, defaults included, as canonical JSON."""
        return json.dumps(dataclasses.asdict(self.make()), sort_keys=True, separators=(",", ":"), default=str)  # type: ignore[call-overload]


def parse_proxies(words: Sequence[str], options: Mapping[str, Mapping[str, Any]]) -> list[ProxySpec]:
    """Specs for names and paths to files, in order, without duplicates; `all` stands for every registered proxy.

    Raises:
        HarnessError: for unknown names, files that do not import, unknown options and values of another type.
    """
    found: dict[str, ProxySpec] = {}
    for word in words:
        for name, path in _named(word):
            chosen = read_options("proxy", name, PROXIES.get(name), options.get(name, {}))
            found.setdefault(name, ProxySpec(name, chosen, path))
    for name in options:
        if name not in found:
            raise OptionError(f"options.{name} is set, but the requested proxies are {', '.join(found)}.")
    return list(found.values())


def _named(word: str) -> list[tuple[str, str | None]]:
    if word == "all":
        return [(name, None) for name in PROXIES]
    function = split_word(word)
    if function is not None:
        path = f"{Path(function[0]).expanduser().resolve()}:{function[1]}"
        return [(name, path) for name in load_file(path)]
    if word.endswith(".py") or "/" in word:
        path = str(Path(word).expanduser().resolve())
        return [(name, path) for name in load_file(path)]
    PROXIES.get(word).evidence()
    return [(word, None)]


@cache
def load_file(path: str) -> tuple[str, ...]:
    """Import a file of proxies, or one function of a file, and return the names that it registers, once per process."""
    function = split_word(path)
    if function is not None:
        return (load_function(*function),)
    file = Path(path)
    if not file.is_file():
        raise MissingDataError(
            f"There is no file '{path}'; proxy= takes a registered name or the path of a Python file."
        )
    before = set(PROXIES)
    here = tuple(name for name in sorted(before) if _file_of(PROXIES.get(name)) == file.resolve())
    if here:  # a plug-in by the path of its own file
        return here
    module_name = _module_name(path)
    look_beside(file)
    try:
        module_of(module_name, file)
    except HarnessError:
        raise
    except (Exception, SystemExit) as error:
        show_traceback(error)
        why = described(error).removeprefix("raised ")
        raise HarnessError(f"The proxy file '{path}' does not import: {why}.") from error
    names = tuple(sorted(set(PROXIES) - before))
    if not names:
        raise HarnessError(
            f"The file '{path}' registers no proxy; decorate its class with @PROXIES.register(\"name\")."
        )
    for name in names:
        proxy_class = PROXIES.get(name)
        if not (dataclasses.is_dataclass(proxy_class) and issubclass(proxy_class, Proxy)):
            raise HarnessError(f"'{name}' in '{path}' is not a frozen dataclass that inherits from Proxy.")
        proxy_class.evidence()
    return names


def look_beside(file: Path) -> None:
    """Have modules beside a file found, as if Python ran it."""
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))


def is_installed(path: str) -> bool:
    """Whether a file of proxies that was loaded is a plug-in's, known by its names alone."""
    return not any(PROXIES.get(name).__module__ == _module_name(path) for name in load_file(path))


def _module_name(path: str) -> str:
    return f"proxy_file_{hashlib.sha256(path.encode()).hexdigest()[:12]}"


def _file_of(proxy_class: type[Proxy]) -> Path | None:
    module = sys.modules.get(proxy_class.__module__)
    file = getattr(module, "__file__", None)
    return None if file is None else Path(file).resolve()
