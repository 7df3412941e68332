"""The command `python -m harness.list KIND`."""

import argparse
import sys
from collections.abc import Sequence

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("list"))

from rich.console import Console
from rich.table import Table
from rich.text import Text

from harness.list.kept import keep_rows, kept_rows

_WIDTH = 100  # columns where there is no terminal


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("list", words)


def run(arguments: argparse.Namespace) -> None:
    """Print one table."""
    rows = kept_rows(arguments.what)
    if rows is None:
        from harness.list.rows import rows_of  # here, because it imports torch and every plug-in

        rows = rows_of(arguments.what)
        keep_rows(arguments.what, rows)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows[1:]:
        table.add_row(*map(Text, row))  # Text, because rich would interpret "[...]" as markup
    Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False).print(table)
