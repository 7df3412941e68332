"""The command `python -m harness.submit RUN`: a run's rows as records for the public leaderboard."""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("submit"))

import argparse
from collections.abc import Sequence

from harness.errors import HarnessError
from harness.records.making import submit


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("submit", words)


def run(arguments: argparse.Namespace) -> None:
    """Write the records, and say what was left out.

    Raises:
        HarnessError: as `harness.records.making.submit`; or if no row can be a record.
    """
    n_written, n_unchanged = 0, 0
    for folder in arguments.run:
        made = submit(folder, arguments.out, arguments.store, arguments.proxy)
        for left in made.left_out:
            print(f"left out: {left}")
        for written in made.written:
            print(written)
        n_written, n_unchanged = n_written + len(made.written), n_unchanged + len(made.unchanged)
    if not n_written + n_unchanged:
        raise HarnessError("No record was written, for the reasons above.")
    counts = f"{n_written} records written, {n_unchanged} are there already"
    print(f"{counts}. Verify them: python -m harness.verify {arguments.out}")
