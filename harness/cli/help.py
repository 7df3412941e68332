"""What `--help` and `--version` print, from the table of commands and the comments in conf/."""

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version

from harness.cli.commands import COMMANDS, Command
from harness.cli.settings_text import StatedSetting, choices, settings_file

PACKAGE = "nas-proxy-harness"
_NARROW, _WIDE = 60, 120
_FLAGS = (
    ("-h, --help", "print this help"),
    ("--version", "print the version"),
    ("-m, --multirun", "one run for each combination of comma-separated values: -m seed=0,1 protocol=paper,suite_zero"),
    ("-c, --cfg job", "print the settings that a run would have, and run nothing"),
    ("-i, --info", "print how Hydra composes the settings"),
    ("-sc, --shell-completion", 'with install=bash|zsh|fish: eval "$(nas-harness -sc install=bash)"'),
)


def version_text() -> str:
    """The name and version of the installed package."""
    try:
        return f"{PACKAGE} {version(PACKAGE)}"
    except PackageNotFoundError:
        return f"{PACKAGE}, not installed: run from its folder"


def overview() -> str:
    """All commands with a line each."""
    lines = ["usage: nas-harness COMMAND ... (the same as python -m harness.COMMAND ...)", "", "commands:"]
    lines += _columns([(command.name, command.summary) for command in COMMANDS.values()])
    lines += ["", "`nas-harness COMMAND --help` explains one. Without a command: run, below.", "", ""]
    return "\n".join(lines)


def help_text(command: Command) -> str:
    """The help of a command whose settings are KEY=VALUE."""
    assert command.config is not None
    stated = settings_file(command.config)
    lines = [f"usage: {command.typed} [KEY=VALUE ...]", "", *_wrapped(command.about), ""]
    lines += [f"settings and their defaults (conf/{command.config}.yaml):"]
    lines += _columns(list(_rows([one for one in stated.settings if one.key not in command.without])))
    for group, default in stated.groups.items():
        lines += ["", *_wrapped(f"{group}=NAME takes a file of conf/{group}: {', '.join(choices(group))} ({default}).")]
    lines += ["", "options:", *_columns(list(_FLAGS)), "", *examples(command)]
    start = overview() if command.name == "run" else ""
    return start + "\n".join(lines) + "\n"


def examples(command: Command) -> list[str]:
    """Lines with a heading."""
    return ["examples:", *(f"  {command.typed} {words}".rstrip() for words in command.examples)]


def _rows(settings: Sequence[StatedSetting]) -> Iterator[tuple[str, str]]:
    for setting in settings:
        is_group = not setting.default and any(one.key.startswith(f"{setting.key}.") for one in settings)
        if not is_group:
            yield f"{setting.key}={setting.default}", setting.comment


def _width() -> int:
    return min(_WIDE, max(_NARROW, shutil.get_terminal_size().columns)) if sys.stdout.isatty() else _WIDE


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _width(), break_on_hyphens=False)


def _columns(rows: list[tuple[str, str]]) -> list[str]:
    indent = min(32, max(len(left) for left, _ in rows) + 4)
    lines: list[str] = []
    for left, right in rows:
        first = f"  {left}"
        if len(first) > indent - 2:
            lines.append(first)
            first = ""
        texts = textwrap.wrap(right, max(20, _width() - indent), break_on_hyphens=False) or [""]
        lines += [f"{first:<{indent}}{texts[0]}".rstrip(), *(" " * indent + rest for rest in texts[1:])]
    return [line for line in lines if line]
