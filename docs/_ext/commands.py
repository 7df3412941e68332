"""The page of the reference that describes every command by its own help."""

import argparse
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from markdown_text import fence

from harness.cli import parsers
from harness.cli.commands import COMMANDS, Command
from harness.cli.help import help_text, overview

ROOT = Path(__file__).resolve().parents[2]
START = """# Commands and settings

Each command exists in two forms, `nas-harness COMMAND` and `python -m harness.COMMAND`. Without a command,
both evaluate. `--help` prints what stands here, `--version` the version.
"""


def commands_page() -> str:
    """The list of commands, the help of each, and the files of the groups of settings."""
    parts = [START, fence(overview().partition("`nas-harness COMMAND --help`")[0])]
    with mock.patch.dict(os.environ, {"COLUMNS": "100"}):
        for command in COMMANDS.values():
            parts.append(f"## {command.typed}\n")
            parts += [fence(text) for text in helps(command)]
    parts.append("## Groups of settings\n")
    for file in sorted((ROOT / "conf").glob("*/*.yaml")):
        if file.parent.name != "table":
            parts.append(f"### {file.parent.name}={file.stem}\n\n```yaml\n{file.read_text().rstrip()}\n```\n")
    return "\n".join(parts)


def helps(command: Command) -> Iterator[str]:
    """The help of a command, and of each of its own commands."""
    if command.config is not None:
        yield help_text(command).removeprefix(overview())
        return
    yield from _helps(parser_of(command))


def _helps(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield parser.format_help()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                yield from _helps(sub)


def parser_of(command: Command) -> argparse.ArgumentParser:
    """The parser that a command reads its words with, seized when it is about to read them."""
    seized: list[argparse.ArgumentParser] = []

    def seize(parser: argparse.ArgumentParser, words: object) -> None:
        seized.append(parser)
        raise SystemExit(0)

    with mock.patch.object(parsers.OneSentenceParser, "parse_args", seize), contextlib.suppress(SystemExit):
        parsers.parse(command, [])
    return seized[0]
