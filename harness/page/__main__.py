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

from harness.errors import OptionError
from harness.files.out_folder import RUNS
from harness.files.results import write_files
from harness.page.contents import contents
from harness.page.runs import newest, read_run
from harness.page.scripts import script, single_file

STATIC = (
    "index.html", "page.css", "page.js", "leaderboard.js", "plots.js", "cell.js", "files.js", "choices.js", "marks.js",
)  # fmt: skip

NAVIGATION = b"<!-- navigation -->\n"
"""Where the links of a site are put, in its pages and in that of its runs."""


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
        OptionError: for a path that is a folder or does not end in .html.
        HarnessError: if a run cannot be read or the file cannot be written.
    """
    if path.suffix.lower() not in (".html", ".htm") or path.is_dir():
        raise OptionError(f"--single-file {path} is invalid: it must be a file that ends in .html, such as page.html.")
    write_files(path.parent, {path.name: single_file("index.html", _made(runs, ""))})


def _made(runs: Sequence[Path], navigation: str) -> dict[str, bytes]:
    """The files of the page's folder."""
    read = [read_run(folder) for folder in runs]
    names = [run.name for run in read]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise OptionError(
            f"Two runs are called {twice[0]}; a page tells runs by the names of their folders: rename one."
        )
    data = contents(read)
    static = files("harness.page") / "static"
    made = {name: (static / name).read_bytes() for name in STATIC}
    made["index.html"] = made["index.html"].replace(NAVIGATION, navigation.encode())
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
        if arguments.out != RUNS / "page":
            raise OptionError("Give --out FOLDER or --single-file FILE, not both.")
        write_single_file(runs, arguments.single_file)
        print(arguments.single_file)
        return
    write_page(runs, arguments.out)
    print(arguments.out / "index.html")
