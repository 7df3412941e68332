"""The command `python -m harness.check my_proxy.py`: check a plug-in and say how to fix what is found."""

import sys

from harness.cli.command import start

if __name__ == "__main__":
    sys.exit(start("check"))

import argparse
import textwrap
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.text import Text

from harness.check import CheckResult, Finding, examine, load
from harness.check.networks import is_space
from harness.errors import HarnessError
from harness.report import TERMINAL_WIDTH
from harness.scoring.engine import is_no_result

FAILED = 1
_STYLES = {CheckResult.passed: "green", CheckResult.note: "yellow", CheckResult.failed: "bold red"}
_CHECK_WIDTH = 13
_WIDE = 27  # names of kinds of evidence


def main(words: Sequence[str] | None = None) -> int:
    """The command, to its exit code; see `harness.cli.command.start`."""
    return start("check", words)


def run(arguments: argparse.Namespace) -> int:
    """Examine each proxy; 0 if none fails, 1 if one does.

    Raises:
        HarnessError: for a proxy that cannot be loaded, and where memory or a file lacks.
    """
    console = Console(width=None if sys.stdout.isatty() else TERMINAL_WIDTH, highlight=False)
    try:
        loaded = [(word, load(word)) for word in arguments.proxy]
        results = []
        for word, plug_in in loaded:
            console.print(Text(word, style="bold"))
            findings = list(_printed(console, plug_in.findings))
            for name in plug_in.names:
                findings += _printed(console, _findings(name, arguments), _WIDE if is_space(name) else _CHECK_WIDTH)
            results.append(_summary(console, word, findings))
    except HarnessError:
        raise
    except Exception as error:
        if not is_no_result(error):
            raise
        said = str(error).partition("\n")[0]
        raise HarnessError(
            f"The examination ended with {type(error).__name__}: {said}. That says nothing about the proxy: see to the "
            "memory or the file that lacks, and examine it again."
        ) from error
    return 0 if all(results) else FAILED


def _findings(name: str, arguments: argparse.Namespace) -> Iterable[Finding]:
    archs = [word.strip() for word in arguments.archs.split(",")] if arguments.archs else None
    return examine(name, quick=arguments.quick, archs=archs, data_set=arguments.dataset)


def _printed(console: Console, findings: Iterable[Finding], width: int = _CHECK_WIDTH) -> Iterable[Finding]:
    """Print findings as they come, one per line, with continuation lines indented."""
    for finding in findings:
        result = "FAIL" if finding.result is CheckResult.failed else finding.result.value
        indent = " " * (2 + len(result) + 2 + width + 1)
        lines = textwrap.wrap(finding.text, console.width - len(indent), break_long_words=False) or [""]
        line = Text.assemble("  ", (result, _STYLES[finding.result]), f"  {finding.check:<{width}} {lines[0]}")
        # Soft wrapping, because a cell's name can be longer than the line and must be copied as one word.
        console.print(line, *(Text(indent + rest) for rest in lines[1:]), sep="\n", soft_wrap=True)
        yield finding


def _summary(console: Console, word: str, findings: Sequence[Finding]) -> bool:
    """Print the summary; returns whether all checks passed."""
    counts = Counter(finding.result for finding in findings)
    notes = f", {counts[CheckResult.note]} to review" if counts[CheckResult.note] else ""
    wrong = [finding.check for finding in findings if finding.result is CheckResult.failed]
    if wrong:
        text = f"{word} fails {len(wrong)} of {len(findings)} checks ({', '.join(wrong)}){notes}."
    else:
        text = f"{word} passes {len(findings)} checks{notes}."
    console.print(Text(text, style="bold"))
    console.print()
    return not wrong
