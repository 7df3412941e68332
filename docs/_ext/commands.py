"""The page of the reference that describes every command, its words and its settings."""

import argparse
import contextlib
import importlib
import inspect
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from markdown_text import fence, prose

ROOT = Path(__file__).resolve().parents[2]


def command_modules() -> dict[str, str]:
    """Module of each command by its words: packages with a `__main__` and files that end in a main guard."""
    found = {"harness": "harness.__main__"}
    for file in sorted((ROOT / "harness").glob("*/__main__.py")):
        found[f"harness.{file.parent.name}"] = f"harness.{file.parent.name}.__main__"
    for file in sorted((ROOT / "harness").glob("*.py")):
        if file.name != "__main__.py" and '__name__ == "__main__"' in file.read_text():
            found[f"harness.{file.stem}"] = f"harness.{file.stem}"
    return dict(sorted(found.items()))


def commands_page() -> str:
    """Every command: what its module says, its parser's help or its settings with their comments."""
    parts = ["# Commands and settings\n\nSettings are given as `name=value`; their meaning stands behind `#`.\n"]
    for words, module in command_modules().items():
        imported = importlib.import_module(module)
        owner = importlib.import_module(words) if module.endswith("__main__") and words != "harness" else imported
        parts.append(f"## python -m {words}\n\n{prose(owner)}\n")
        if owner is not imported and imported.__doc__ != owner.__doc__:
            parts.append(prose(imported) + "\n")
        config = ROOT / "conf" / f"{'config' if words == 'harness' else words.partition('.')[2]}.yaml"
        parser = None if config.is_file() else parser_of(imported)
        if config.is_file():
            parts.append(f"Settings, from `conf/{config.name}`:\n\n```yaml\n{_settings(config)}\n```\n")
        elif parser is not None:
            parts += [fence(text) for text in _helps(parser)]
    parts.append("## Groups of settings\n")
    for file in sorted((ROOT / "conf").glob("*/*.yaml")):
        if file.parent.name != "table":
            parts.append(f"### {file.parent.name}={file.stem}\n\n```yaml\n{file.read_text().rstrip()}\n```\n")
    return "\n".join(parts)


def parser_of(module: object) -> argparse.ArgumentParser | None:
    """The parser that the command's `main` makes, seized when it is about to read words; none if it has none."""
    seized: list[argparse.ArgumentParser] = []

    def seize(parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        seized.append(parser)
        raise SystemExit(0)

    patched = mock.patch.multiple(argparse.ArgumentParser, parse_args=seize, parse_known_args=seize)
    quiet = contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO())
    with (
        patched,
        quiet[0],
        quiet[1],
        mock.patch.object(sys, "argv", ["python", "--help"]),
        contextlib.suppress(SystemExit),
    ):
        main = module.main  # type: ignore[attr-defined]
        main(["--help"]) if inspect.signature(main).parameters else main()
    return seized[0] if seized and "hydra" not in (seized[0].description or "").lower() else None


def _helps(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield parser.format_help()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                yield from _helps(sub)


def _settings(config: Path) -> str:
    """The file without the part that is Hydra's own."""
    return re.split(r"^hydra:", config.read_text(), flags=re.MULTILINE)[0].rstrip()
