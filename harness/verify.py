"""The command `python -m harness.verify RECORD ...`: what of a record holds when it is computed again."""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("verify"))

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from harness.errors import HarnessError
from harness.records.files import record_folders, shown
from harness.records.verifying import How, Verified, verify

NOT_CONFIRMED = 1


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("verify", words)


def run(arguments: argparse.Namespace) -> int:
    """Verify records, each by itself; 1 where one is not confirmed.

    Raises:
        HarnessError: once all are verified, for the first one that cannot be.
    """
    how = How(arguments.networks, arguments.seed, arguments.run_code, arguments.container, arguments.store)
    found: list[Verified] = []
    refused: list[HarnessError] = []
    with tempfile.TemporaryDirectory() as home:
        store = how.store or Path(home, "counts.sqlite")
        for folder in dict.fromkeys(one for path in arguments.record for one in record_folders(path)):
            try:
                found.append(verify(folder, how, store))
                print(f"{shown(str(folder))}: {found[-1].sentence}", flush=True)
            except HarnessError as error:
                refused.append(error)
                print(f"{shown(str(folder))}: not verified", flush=True)
    n_bad = sum(bool(one.faults) for one in found)
    n_scores = sum(not one.faults and not one.why_not for one in found)
    print(
        f"{len(found) + len(refused)} records: {len(found) - n_bad} confirmed, {n_scores} of them with scores "
        f"recomputed; {n_bad} not confirmed, {len(refused)} could not be verified"
    )
    if refused:
        raise refused[0]
    return NOT_CONFIRMED if n_bad else 0
