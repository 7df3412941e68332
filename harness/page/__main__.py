"""The command `python -m harness.page RUN ...`: a folder of static HTML, opened from disk."""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("page"))

import argparse
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from plotly.offline import get_plotlyjs

from harness.files.out_folder import RUNS
from harness.files.results import write_files
from harness.page.contents import contents
from harness.page.runs import newest, read_run
from harness.page.scripts import script, single_file

STATIC = (
    "index.html", "page.css", "page.js", "leaderboard.js", "plots.js", "cell.js", "files.js", "choices.js", "marks.js",
)  # fmt: skip


_NAVIGATION = b"<!-- navigation -->\n"


def write_page(runs: Sequence[Path], out: Path, navigation: str = "") -> None:
    """Write a page of the given runs' folders into `out`: open `out`/index.html in a browser.

    The plotting library is plotly.js (MIT), copied into the folder; nothing is loaded from the network.

    Args:
        runs: folders of evaluations.
        out: the folder.
        navigation: HTML above the page, where it is part of a site.

    Raises:
        HarnessError: if a run cannot be read or the folder cannot be written.
    """
    write_files(out, _made(runs, navigation))


def write_single_file(runs: Sequence[Path], path: Path) -> None:
    """Write the page as one file of HTML, which loads nothing.

    Raises:
        HarnessError: if a run cannot be read or the file cannot be written.
    """
    write_files(path.parent, {path.name: single_file("index.html", _made(runs, ""))})


def _made(runs: Sequence[Path], navigation: str) -> dict[str, bytes]:
    """The files of the page's folder."""
    data = contents([read_run(folder) for folder in runs])
    static = files("harness.page") / "static"
    made = {name: (static / name).read_bytes() for name in STATIC}
    made["index.html"] = made["index.html"].replace(_NAVIGATION, navigation.encode())
    made["data.js"] = script("window.PAGE", data)
    made["plotly.min.js"] = get_plotlyjs().encode()
    return made


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("page", words)


def run(arguments: argparse.Namespace) -> None:
    """Write the page.

    Raises:
        HarnessError: if a run cannot be read or the folder not be written.
    """
    runs = arguments.run or [newest(RUNS)]
    if arguments.single_file is not None:
        write_single_file(runs, arguments.single_file)
        print(arguments.single_file)
        return
    write_page(runs, arguments.out)
    print(arguments.out / "index.html")
