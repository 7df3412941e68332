"""The command `python -m harness.search`: search for the architecture with the highest proxy score."""

import sys

import hydra
from omegaconf import DictConfig
from rich.console import Console

from harness.cli.command import exit_code, mistakes_told
from harness.cli.config import check_words
from harness.paths import conf_folder
from harness.report import TERMINAL_WIDTH
from harness.search.config import CONFIG, admitted, read_search
from harness.search.report import found_lines, terminal_table
from harness.search.search import search


@hydra.main(config_path=str(conf_folder()), config_name=CONFIG, version_base="1.3")
def run(config: DictConfig) -> None:
    """A single run; with `-m`, one per combination."""
    with mistakes_told():
        found = search(*read_search(config))
    console = Console(width=None if sys.stdout.isatty() else TERMINAL_WIDTH, highlight=False)
    console.print(terminal_table(found.tables))
    for line in found_lines(found.tables):
        print(line)  # on one line, however long
    for skipped in found.skipped:
        print(f"skipped: {skipped.bench} {skipped.data_set}: {skipped.reason}")
    print(found.out)


def main() -> int:
    """Run the command; a user error is one sentence on standard error and exit code 2."""
    return exit_code(_checked, "Interrupted. Finished scores are kept; run the same command again to continue.")


def _checked() -> None:
    sys.argv[1:] = admitted(sys.argv[1:])
    check_words(sys.argv[1:], CONFIG, read_search)
    run()


if __name__ == "__main__":
    sys.exit(main())
