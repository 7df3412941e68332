"""The command `python -m harness.search`: search for the architecture that a proxy likes best."""

import sys

import hydra
from omegaconf import DictConfig
from rich.console import Console

from harness.config import check_words
from harness.errors import HarnessError
from harness.paths import conf_folder
from harness.report import TERMINAL_WIDTH
from harness.search.config import CONFIG, admitted, read_search
from harness.search.report import terminal_table
from harness.search.search import search

MISTAKE, INTERRUPTED = 2, 130


@hydra.main(config_path=str(conf_folder()), config_name=CONFIG, version_base="1.3")
def run(config: DictConfig) -> None:
    """One run; `-m` makes one per combination.

    Raises:
        SystemExit: after a user's mistake, since Hydra would turn the error itself into a traceback.
    """
    try:
        found = search(*read_search(config))
    except HarnessError as error:
        print(error, file=sys.stderr)
        raise SystemExit(MISTAKE) from None
    console = Console(width=None if sys.stdout.isatty() else TERMINAL_WIDTH, highlight=False)
    console.print(terminal_table(found.tables))
    for skipped in found.skipped:
        print(f"left out: {skipped.bench} {skipped.data_set}: {skipped.reason}")
    print(found.out)


def main() -> int:
    """Run the command; a user's mistake is one sentence on standard error and exit code 2."""
    try:
        sys.argv[1:] = admitted(sys.argv[1:])
        check_words(sys.argv[1:], CONFIG, read_search)
        run()
    except HarnessError as error:
        print(error, file=sys.stderr)
        return MISTAKE
    except SystemExit as end:
        return int(end.code or 0)
    except KeyboardInterrupt:
        print("Interrupted. What was scored is kept; the same command goes on from there.", file=sys.stderr)
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
