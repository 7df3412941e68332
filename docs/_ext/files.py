"""Pages of the reference on files and columns, packages and the Python API."""

import importlib
import inspect
import re
from dataclasses import fields
from pathlib import Path

from markdown_text import first_sentence, table

from harness import column_meanings, columns
from harness.evaluation.restriction_file import Wanted

ROOT = Path(__file__).resolve().parents[2]
TABLES = {
    "agreement.csv": columns.AGREEMENT,
    "verdict.csv": columns.VERDICT,
    "selection.csv": columns.SELECTION,
    "seeds.csv": columns.SEEDS,
    "reliability.csv": columns.RELIABILITY,
    "reference.csv": columns.REFERENCE,
    "within.csv": columns.WITHIN,
    "coverage.csv": columns.COVERED,
    "scores.parquet": columns.SCORES,
}
PYTHON_API = (
    "harness.evaluation.evaluate",
    "harness.settings.Settings",
    "harness.evaluation.Evaluation",
    "harness.proxy.Proxy",
    "harness.evidence.Evidence",
    "harness.space.SearchSpace",
    "harness.space.ArchitectureSet",
    "harness.space.ModelSpace",
    "harness.inputs.DataSet",
    "harness.registry.Registry",
)

_TYPES = {
    "bench": "text, required",
    "allow": "mapping: position to a value or a list of values",
    "fix": "mapping: position to a value",
    "ranges": "mapping: position to `{min: NUMBER, max: NUMBER}`, one of which may be left out",
    "budget": "mapping: name to a number above 0",
    "archs": "a name or a list",
    "note": "text",
}
_RESTRICTION = """
## Restriction files

What `restrict=space.yaml` reads, and whatever writes one must keep to. UTF-8, YAML or JSON, at most 1 MiB, one
mapping. At least one of allow, fix, ranges, budget and archs must be there and not be empty; other keys than these
are refused. Every scalar is a text as it stands (`no`, `8:16:24` and `010` are not converted); numbers are read in
ranges and budget alone, `1e8` among them. Anchors, aliases, tags and keys that occur twice are refused. An
architecture is inside if it meets all conditions; allow, fix and ranges of one position are intersected, and it is
an error if nothing is left. Where several parts share a position, all that they hold must be allowed. Positions and
values: the entry of the benchmark in [Benchmarks](benchmarks.md). `budget` takes every count, cost of the space and
column of ground truth for which lower is better, on the data set of the run.

```yaml
bench: nats_tss
allow:
  0-1: [nor_conv_1x1, nor_conv_3x3]
fix:
  0-3: skip_connect
budget:
  flops: 120e6
note: seen in the effects of zico
```
"""
_MARKS = """
## Marks

A CSV file with the header `arch,index,note`, one row for each marked architecture. It is written with the official
string in `arch` and the official index in `index`, empty for an architecture that has none; `note` is free text,
with an apostrophe before what a spreadsheet would compute. Read is any table with a column of architectures (`arch`
in any notation, or `index` alone); where both are there, they must agree. Of an architecture that occurs twice the
last note counts. `nas-harness describe --mark` writes it, and `nas-harness describe --changes --csv` writes a table
that can be read as marks too.
"""


def files_page() -> str:
    """Every table that an evaluation writes, with the meaning and unit of each column."""
    parts = [
        "# Files and columns\n\nAn evaluation writes these into its folder, beside `report.md` with its pictures "
        "and `run.json` (command, settings, versions, commit, SHA-256 of truth and batches). `seeds.csv`, "
        "`reliability.csv`, `reference.csv`, `within.csv` and `coverage.csv` appear where they apply. New columns are "
        "appended; none is renamed, and older files still load.\n"
    ]
    for name, of_file in TABLES.items():
        parts.append(f"## {name}\n\n{column_meanings.ROWS[name]}\n")
        parts.append(table(("column", "meaning and unit"), ((f"`{c}`", column_meanings.MEANINGS[c]) for c in of_file)))
    return "\n".join([*parts, _RESTRICTION, table(("key", "type", "meaning"), restriction_keys()), _MARKS])


def restriction_keys() -> list[tuple[str, str, str]]:
    """Key, type and meaning of each key of a restriction file, from the class that reads it."""
    text = inspect.getdoc(Wanted) or ""
    meanings = dict(re.findall(r"^    (\w+): ((?:.|\n(?!    \w+: ))+)", text.partition("Attributes:")[2], re.MULTILINE))
    return [(f"`{one.name}`", _TYPES[one.name], meanings[one.name]) for one in fields(Wanted)]


def packages() -> dict[str, str]:
    """The packages of the harness with the first sentence of each."""
    names = sorted(file.parent.name for file in (ROOT / "harness").glob("*/__init__.py"))
    return {name: first_sentence(importlib.import_module(f"harness.{name}")) for name in names}


def packages_page() -> str:
    """One sentence for each package, and for each file beside them."""
    modules = sorted(file.stem for file in (ROOT / "harness").glob("*.py") if not file.stem.startswith("__"))
    single = ((f"`harness/{name}.py`", first_sentence(importlib.import_module(f"harness.{name}"))) for name in modules)
    folders = ((f"`harness/{name}/`", sentence) for name, sentence in packages().items())
    return "# Packages\n\n" + table(("package", "what it is"), folders) + "\n" + table(("file", "what it is"), single)


def python_page() -> str:
    """Directives that let Sphinx read the docstrings of the public API."""
    parts = ["# Python API\n\n`from harness import evaluate, Settings, Evaluation` is the short form.\n"]
    for path in PYTHON_API:
        home, _, name = path.rpartition(".")
        if isinstance(getattr(importlib.import_module(home), name), type):
            directive = f".. autoclass:: {path}\n   :members:"
        else:
            directive = f".. autofunction:: {path}"
        parts.append(f"```{{eval-rst}}\n{directive}\n```\n")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(parts))
