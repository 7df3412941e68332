"""The command `python -m harness.search`: search for the architecture with the highest proxy score."""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("search"))

import sys
from collections.abc import Sequence

from rich.console import Console

from harness.report import TERMINAL_WIDTH
from harness.search.config import SearchRequest
from harness.search.config import read_search as read
from harness.search.report import found_lines, terminal_table
from harness.search.searching import search

__all__ = ["main", "read", "run"]


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("search", words)


def run(asked: SearchRequest) -> None:
    """One search.

    Raises:
        HarnessError: for a user's mistake or missing data.
    """
    found = search(asked.search_spec, asked.settings)
    console = Console(width=None if sys.stdout.isatty() else TERMINAL_WIDTH, highlight=False)
    console.print(terminal_table(found.tables))
    for line in found_lines(found.tables):
        print(line)  # on one line, however long
    for skipped in found.skipped:
        print(f"skipped: {skipped.bench} {skipped.data_set}: {skipped.reason}")
    print(found.out)
