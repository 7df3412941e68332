"""The command `python -m harness.store merge|export|load`; `command` is its code."""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("store"))
