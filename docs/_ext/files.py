"""Pages of the reference on files and columns, packages and the Python API."""

import importlib
import re
from pathlib import Path

from markdown_text import first_sentence, table

from harness import column_meanings, columns

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
    return "\n".join(parts)


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
