"""Checks of a proxy: what the harness expects of a plug-in, tested one property at a time."""

from typing import TYPE_CHECKING

from harness.lazy import lazily

if TYPE_CHECKING:
    from harness.check.examination import Loaded as Loaded
    from harness.check.examination import examine as examine
    from harness.check.examination import load as load
    from harness.check.finding import CheckResult as CheckResult
    from harness.check.finding import Finding as Finding

__getattr__ = lazily(
    __name__,
    {
        "Loaded": "harness.check.examination",
        "examine": "harness.check.examination",
        "load": "harness.check.examination",
        "CheckResult": "harness.check.finding",
        "Finding": "harness.check.finding",
    },
)
