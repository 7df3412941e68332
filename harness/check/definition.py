"""Static checks of the class: version, docstrings, citation, options."""

import dataclasses
import re
import sys
from collections.abc import Iterator
from typing import get_type_hints

from harness.check.finding import Finding, failed, note, passed
from harness.proxy import Proxy, Sees

_CONTRACT = frozenset({"version", "paper", "sees", "baseline", "deterministic", "min_batches"})
_OPTION_TYPES = (int, float, bool, str)
_CITATION = re.compile(r"arXiv:\d{4}\.\d{4,5}|doi|OpenReview:\w+|https?://", re.IGNORECASE)


def check_definition(proxy_class: type[Proxy]) -> Iterator[Finding]:
    """One finding per check, in order."""
    yield _version(proxy_class)
    yield _sees(proxy_class)
    yield _documented(proxy_class)
    yield _cited(proxy_class)
    yield _options(proxy_class)


def _version(proxy_class: type[Proxy]) -> Finding:
    version = getattr(proxy_class, "version", None)
    if isinstance(version, int) and not isinstance(version, bool) and version >= 1:
        return passed("version", f"version {version}")
    found = "no version" if version is None else f"version = {version!r} is invalid"
    return failed("version", f"{found}; write `version: ClassVar[int] = 1`, and increment it whenever scores change")


def _sees(proxy_class: type[Proxy]) -> Finding:
    sees = getattr(proxy_class, "sees", None)
    if isinstance(sees, Sees):
        return passed("sees", f"Sees.{sees.name}")
    return failed("sees", "write `sees: ClassVar[Sees] = Sees.LIVE`, or Sees.ALL if dead operations change the score")


def _documented(proxy_class: type[Proxy]) -> Finding:
    lacking = []
    if not (sys.modules[proxy_class.__module__].__doc__ or "").strip():
        lacking.append("the file has no docstring (what it is, and where it comes from)")
    own = vars(proxy_class).get("__doc__") or ""
    # A dataclass without a docstring gets its signature as one.
    if not own.strip() or own.startswith(f"{proxy_class.__name__}("):
        lacking.append("the class has no docstring (the formula in words)")
    return (
        failed("documented", "; ".join(lacking)) if lacking else passed("documented", "file and class have docstrings")
    )


def _cited(proxy_class: type[Proxy]) -> Finding:
    if proxy_class.baseline:
        return passed("cited", "baseline, no paper needed")
    first = (sys.modules[proxy_class.__module__].__doc__ or "").strip().split("\n")[0]
    if not proxy_class.paper:
        return note("cited", 'no paper; once it is published, write `paper: ClassVar[str] = "arXiv:..."`')
    if not _CITATION.search(proxy_class.paper):
        return note("cited", f"paper={proxy_class.paper!r} is not a reference; give an arXiv number, a DOI or a URL")
    if proxy_class.paper not in first:
        return note("cited", f"{proxy_class.paper}; cite it in the first line of the file, too")
    return passed("cited", proxy_class.paper)


def _options(proxy_class: type[Proxy]) -> Finding:
    wrong = []
    fields = {field.name: field for field in dataclasses.fields(proxy_class)}  # type: ignore[arg-type]
    hints = get_type_hints(proxy_class)
    if not proxy_class.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        wrong.append("the class is not frozen: write @dataclass(frozen=True)")
    for name, field in fields.items():
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            wrong.append(f"{name} has no default, so the proxy cannot be created by name")
        elif hints[name] not in _OPTION_TYPES:
            wrong.append(f"{name} is not an int, float, bool or str, so it cannot be set on the command line")
    for name, value in vars(proxy_class).items():
        named = name.startswith("_") or name in fields or callable(value)
        if named or isinstance(value, property | classmethod | staticmethod):
            continue
        if name not in proxy_class.__annotations__ and not hasattr(Proxy, name):
            kind = type(value).__name__
            wrong.append(
                f"{name} is not an option: write `{name}: {kind} = {value!r}` (or ClassVar[{kind}] for a constant)"
            )
    wrong += [f"{name} is interpreted as an option: annotate it with ClassVar" for name in fields if name in _CONTRACT]
    if wrong:
        return failed("options", "; ".join(wrong))
    made = ", ".join(f"{name}={getattr(proxy_class(), name)}" for name in fields)
    return passed("options", made or "none")
