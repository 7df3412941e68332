"""Write the reference, all of it read from the code: `python docs/generate.py`; Sphinx does so before each build.

It needs neither a network nor a data home: a column of truth that is known only after a download is said to be so.
"""

import sys
from pathlib import Path

DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(DOCS / "_ext"), str(DOCS.parent)]

from commands import commands_page  # noqa: E402
from files import files_page, packages_page, python_page  # noqa: E402
from plug_ins import benchmarks_page, evidence_page, others_page, proxies_page  # noqa: E402

PAGES = {
    "commands": commands_page,
    "proxies": proxies_page,
    "evidence": evidence_page,
    "benchmarks": benchmarks_page,
    "ensembles": others_page,
    "files": files_page,
    "packages": packages_page,
    "python": python_page,
}


def write_reference(folder: Path = DOCS / "reference") -> None:
    """Write one Markdown page per entry of `PAGES` and their index."""
    folder.mkdir(exist_ok=True)
    for name, page in PAGES.items():
        (folder / f"{name}.md").write_text(page(), encoding="utf-8")
    contents = "\n".join(PAGES)
    title = "# Reference\n\nAll of these pages are generated from the code.\n\n"
    index = f"{title}```{{toctree}}\n:maxdepth: 1\n\n{contents}\n```\n"
    (folder / "index.md").write_text(index, encoding="utf-8")


if __name__ == "__main__":
    write_reference()
