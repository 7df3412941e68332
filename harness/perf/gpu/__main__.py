"""The command `python -m harness.perf.gpu`, which docs/howto/gpu.md describes."""

import sys

from harness.cli.command import ended


def _run() -> int:
    from harness.perf.gpu.stages import main

    return main()


if __name__ == "__main__":
    sys.exit(ended(_run, "Tables and scores of finished parts are kept."))
