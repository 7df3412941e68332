"""What a check found."""

from dataclasses import dataclass
from enum import Enum


class CheckResult(Enum):
    """`note` is something to know or to look at; only `fail` fails the examination."""

    passed = "pass"
    note = "note"
    failed = "fail"


@dataclass(frozen=True)
class Finding:
    """One line of the examination: the check's name, its verdict, and what was found with what to do about it."""

    check: str
    result: CheckResult
    text: str


def passed(check: str, text: str) -> Finding:
    """The finding that all is well."""
    return Finding(check, CheckResult.passed, text)


def note(check: str, text: str) -> Finding:
    """A finding to know or to look at."""
    return Finding(check, CheckResult.note, text)


def failed(check: str, text: str) -> Finding:
    """A finding to be repaired."""
    return Finding(check, CheckResult.failed, text)
