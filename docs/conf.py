"""Sphinx's settings; the reference is generated first."""

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
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.mathjax"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "_ext"]
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
suppress_warnings = ["myst.xref_missing_lexer", "misc.highlighting_failure"]
nitpicky = False
