"""Names of plug-ins without importing them: from file names, from the text of files and from entry points.

A test holds that these are the names that the registries have after their imports.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True)
class Kind:
    """A kind of plug-in: the registry's name in code, the module that has it, and the package of the project's own."""

    registry: str
    module: str
    package: str


KINDS = {
    "proxy": Kind("PROXIES", "harness.proxy", "proxies"),
    "benchmark": Kind("BENCHMARKS", "harness.space.search_space", "benchmarks"),
    "data set": Kind("DATA_SETS", "harness.inputs.data_set", "benchmarks.inputs"),
    "ensemble": Kind("ENSEMBLES", "harness.ensembles.base", "harness.ensembles"),
    "predictor": Kind("PREDICTORS", "harness.predictors.base", "harness.predictors"),
    "searcher": Kind("SEARCHERS", "harness.searchers.base", "harness.searchers"),
}


def known_names(kind: str) -> tuple[list[str], bool]:
    """The names of a kind in alphabetical order, and whether these are all that there can be.

    Not all, where an installed package declares plug-ins whose file cannot be found without importing it. What this
    process registered itself is among them.
    """
    names, complete = _stated_names(kind)
    registry = getattr(sys.modules.get(KINDS[kind].module), KINDS[kind].registry, None)  # None: not imported yet
    return sorted({*names, *(registry.entered if registry is not None else ())}), complete


@cache
def _stated_names(kind: str) -> tuple[frozenset[str], bool]:
    entry = KINDS[kind]
    files = list(package_files(entry.package))
    complete = True
    for point in entry_points(group=f"harness.{entry.package.rpartition('.')[2]}"):
        found = list(package_files(point.module))
        files += found
        complete = complete and bool(found)
    if kind == "proxy":  # a proxy of the project is called as its file
        own = {file for file in package_files(entry.package) if not file.name.startswith("_")}
        names = {file.stem for file in own}
        rest = [file for file in files if file not in own and not file.name.startswith("_")]
    else:
        names, rest = set(), files
    for file in rest:
        names.update(_registered(file, entry.registry))
    return frozenset(names), complete


def package_files(module: str) -> Iterator[Path]:
    """The Python files of a module or package, subpackages one level deep; none where it cannot be found."""
    try:
        spec = find_spec(module.partition(".")[0])
    except (ImportError, ValueError):
        return
    if spec is None or spec.origin is None:
        return
    path = Path(spec.origin)
    for part in module.split(".")[1:]:
        folder = path.parent if path.name == "__init__.py" else path.with_suffix("")
        inside = folder / part / "__init__.py"
        path = inside if inside.is_file() else folder / f"{part}.py"
    if path.name != "__init__.py":
        yield from [path] if path.is_file() else []
        return
    yield from sorted(path.parent.glob("*.py"))
    yield from sorted(path.parent.glob("*/*.py"))


def _registered(file: Path, registry: str) -> Iterator[str]:
    """The names that a file registers: `REGISTRY.register("name")`, or of objects that it makes, by their name."""
    text = file.read_text(encoding="utf-8")
    if f"{registry}.register(" not in text:
        return
    tree = ast.parse(text)
    made = {
        target.id: name
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
        for target in node.targets
        if isinstance(target, ast.Name)
        for name in _name_in(node.value)
    }
    for node in tree.body:
        for call in ast.walk(node):
            if not (isinstance(call, ast.Call) and ast.unparse(call.func) == f"{registry}.register" and call.args):
                continue
            argument = call.args[0]
            if isinstance(argument, ast.Constant):
                yield str(argument.value)
            elif isinstance(node, ast.For) and isinstance(node.iter, ast.Tuple):
                yield from (made[one.id] for one in node.iter.elts if isinstance(one, ast.Name) and one.id in made)
            elif isinstance(argument, ast.Attribute) and isinstance(argument.value, ast.Name):
                yield from [made[argument.value.id]] if argument.value.id in made else []


def _name_in(call: ast.Call) -> list[str]:
    """The name that a call gives to what it makes: its keyword `name`, or its first text."""
    given = [keyword.value for keyword in call.keywords if keyword.arg == "name"]
    texts = [value.value for value in (*given, *call.args) if isinstance(value, ast.Constant)]
    return [text for text in texts if isinstance(text, str)][:1]
