"""Positional words of the commands that take no settings: argparse, complaining in one sentence."""

import argparse
from typing import NoReturn

from harness.errors import OptionError


class OneSentenceParser(argparse.ArgumentParser):
    """A parser whose complaints are one sentence."""

    def error(self, message: str) -> NoReturn:
        """Turn argparse's complaint into ours.

        Raises:
            OptionError: always.
        """
        raise OptionError(f"{message[:1].upper()}{message[1:]}. Try `{self.prog} --help`.")
