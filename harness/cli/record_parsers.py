"""The options of the commands about records: submit, verify and the site made of them."""

import argparse
from pathlib import Path

from harness.errors import OptionError

RUNS = Path("results/runs")
RECORDS = Path("results/records")


def submit(parser: argparse.ArgumentParser) -> None:
    """What `submit` takes."""
    parser.add_argument("run", nargs="+", type=Path, help="folders of evaluations")
    parser.add_argument("--proxy", nargs="+", default=[], metavar="PROXY", help="only these (default: all of the run)")
    parser.add_argument("--out", type=Path, default=RECORDS, help="folder of records (default: %(default)s)")
    parser.add_argument("--store", type=Path, default=Path("results/scores.sqlite"), help="(default: %(default)s)")


def site(parser: argparse.ArgumentParser) -> None:
    """What `site` takes."""
    parser.add_argument("--records", type=Path, default=RECORDS, help="folder of records (default: %(default)s)")
    parser.add_argument("--run", nargs="+", type=Path, default=[], help="folders of evaluations to explore in the site")
    parser.add_argument("--out", type=Path, default=RUNS / "site", help="folder of the site (default: %(default)s)")


def verify(parser: argparse.ArgumentParser) -> None:
    """What `verify` takes."""
    parser.add_argument("record", nargs="+", type=Path, help="folders of records, or folders that hold some")
    parser.add_argument("--networks", type=int, default=5, help="how many are scored again (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="draws them (default: another one each time)")
    parser.add_argument("--run-code", action="store_true", help="run a record's own proxy.py, with your rights")
    parser.add_argument("--container", metavar="IMAGE", help="run it in a container of this image, without network")
    parser.add_argument("--store", type=Path, help="a score store with the counts (default: computed anew)")


def check_verify(arguments: argparse.Namespace) -> None:
    """Check what `verify` was given.

    Raises:
        OptionError: for a seed below 0.
    """
    if arguments.seed is not None and arguments.seed < 0:
        raise OptionError(f"--seed {arguments.seed} is invalid: it must be 0 or more.")
