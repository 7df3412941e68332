"""The examination of a proxy: what the harness expects of a plug-in, tried out on it one check at a time."""

from harness.check.examine import Loaded, examine, load
from harness.check.finding import Finding, Verdict

__all__ = ["Finding", "Loaded", "Verdict", "examine", "load"]
