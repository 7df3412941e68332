"""The command `python -m harness.page RUN ...`: a folder of static HTML, opened from disk."""

import json
import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from plotly.offline import get_plotlyjs

from harness.cli.command import OneSentenceParser, exit_code
from harness.files.out_folder import RUNS
from harness.files.results import write_files
from harness.page.contents import contents
from harness.page.runs import newest, read_run

STATIC = ("index.html", "page.css", "page.js", "leaderboard.js", "plots.js", "cell.js")


def write_page(runs: Sequence[Path], out: Path) -> None:
    """Write a page of the given runs' folders into `out`: open `out`/index.html in a browser.

    The plotting library is plotly.js (MIT), copied into the folder; nothing is loaded from the network.

    Raises:
        HarnessError: if a run cannot be read or the folder cannot be written.
    """
    data = contents([read_run(folder) for folder in runs])
    static = files("harness.page") / "static"
    made = {name: (static / name).read_bytes() for name in STATIC}
    # A script rather than a JSON file: a page opened from disk may not read other files.
    made["data.js"] = f"window.PAGE = {json.dumps(data, separators=(',', ':'), allow_nan=False)};\n".encode()
    made["plotly.min.js"] = get_plotlyjs().encode()
    write_files(out, made)


def main() -> int:
    """Write the page; a user error is one sentence and exit code 2."""
    return exit_code(_write, "Interrupted. Run the same command again.")


def _write() -> None:
    parser = OneSentenceParser(prog="python -m harness.page", description=__doc__)
    parser.add_argument("run", nargs="*", type=Path, help="folders of evaluations; the newest of results/runs if none")
    parser.add_argument("--out", type=Path, default=RUNS / "page", help="folder of the page (results/runs/page)")
    found = parser.parse_args()
    write_page(found.run or [newest(RUNS)], found.out)
    print(found.out / "index.html")


if __name__ == "__main__":
    sys.exit(main())
