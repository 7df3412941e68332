"""The result of a check."""

from dataclasses import dataclass
from enum import Enum


class CheckResult(Enum):
    """`note` is something to review; only `fail` makes the check fail."""

    passed = "pass"
    note = "note"
    failed = "fail"


@dataclass(frozen=True)
class Finding:
    """One line of the output: the name of the check, its result, and the finding with its remedy."""

    check: str
    result: CheckResult
    text: str


def passed(check: str, text: str) -> Finding:
    """A check that passed."""
    return Finding(check, CheckResult.passed, text)


def note(check: str, text: str) -> Finding:
    """A finding to review."""
    return Finding(check, CheckResult.note, text)


def failed(check: str, text: str) -> Finding:
    """A finding to fix."""
    return Finding(check, CheckResult.failed, text)
