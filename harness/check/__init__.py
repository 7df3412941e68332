"""Checks of a proxy: what the harness expects of a plug-in, tested one property at a time."""

from harness.check.examine import Loaded, examine, load
from harness.check.finding import CheckResult, Finding

__all__ = ["CheckResult", "Finding", "Loaded", "examine", "load"]
