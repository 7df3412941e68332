"""The command `python -m harness.page RUN ...`: a folder of static HTML, opened from disk."""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("page"))

import argparse
import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from plotly.offline import get_plotlyjs

from harness.files.out_folder import RUNS
from harness.files.results import write_files
from harness.page.contents import contents
from harness.page.runs import newest, read_run

STATIC = (
    "index.html", "page.css", "page.js", "leaderboard.js", "plots.js", "cell.js", "files.js", "choices.js", "marks.js",
)  # fmt: skip


def write_page(runs: Sequence[Path], out: Path) -> None:
    """Write a page of the given runs' folders into `out`: open `out`/index.html in a browser.

    The plotting library is plotly.js (MIT), copied into the folder; nothing is loaded from the network.

    Raises:
        HarnessError: if a run cannot be read or the folder cannot be written.
    """
    data = contents([read_run(folder) for folder in runs])
    static = files("harness.page") / "static"
    made = {name: (static / name).read_bytes() for name in STATIC}
    # A script and no JSON file: a page opened from the disk may not read other files.
    made["data.js"] = _script(data)
    made["plotly.min.js"] = get_plotlyjs().encode()
    write_files(out, made)


def _script(data: object) -> bytes:
    """The data as a script: JSON within a text, since in an object written out `__proto__` is no name."""
    text = json.dumps(data, separators=(",", ":"), allow_nan=False)
    quoted = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"window.PAGE = JSON.parse('{quoted}');\n".encode()


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("page", words)


def run(arguments: argparse.Namespace) -> None:
    """Write the page.

    Raises:
        HarnessError: if a run cannot be read or the folder not be written.
    """
    write_page(arguments.run or [newest(RUNS)], arguments.out)
    print(arguments.out / "index.html")
