"""Sphinx's settings; the reference is generated first."""

import re
import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

from generate import write_reference  # noqa: E402

write_reference()

project = "nas-proxy-harness"
html_title = "Training-free NAS proxies: the harness"
html_theme = "furo"
html_show_sourcelink = False
html_show_copyright = False
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "_ext"]
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
suppress_warnings = ["myst.xref_missing_lexer", "misc.highlighting_failure"]
default_role = "code"


def plain_docstring(app: object, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:  # noqa: D103
    # Docstrings are plain text with names in backticks: stars and bars outside of them are no markup.
    for number, line in enumerate(lines):
        parts = re.split(r"(`[^`]*`)", line)
        lines[number] = "".join(part if part.startswith("`") else re.sub(r"([*|])", r"\\\1", part) for part in parts)


def setup(app: object) -> None:
    """Sphinx calls it; the priority puts it before Napoleon, whose own markup stays."""
    app.connect("autodoc-process-docstring", plain_docstring, priority=400)  # type: ignore[attr-defined]
