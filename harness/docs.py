"""The command `python -m harness.docs`: where the documentation is."""

import argparse
import sys

from harness.cli.command import start
from harness.paths import conf_folder


def main(words: list[str] | None = None) -> int:
    """Print where the documentation is."""
    return start("docs", words)


def run(arguments: argparse.Namespace) -> None:
    """Paths on this machine; an installed wheel has settings and help, the pages are in the repository."""
    root = conf_folder().parent
    docs = root / "docs"
    if docs.is_dir():
        built = docs / "_build" / "html" / "index.html"
        print(f"Documentation: {built if built.is_file() else docs}")
        if not built.is_file():
            print(f"To browse it, build it: make -C {root} docs")
    else:
        print("The documentation is in docs/ of the project's repository; this installation has no copy.")
    print(f"Settings with their comments: {conf_folder()}")
    print("Help of a command: python -m harness.COMMAND --help")


if __name__ == "__main__":
    sys.exit(main())
