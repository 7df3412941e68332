"""The progress bar of long work: count, rate, elapsed and remaining time, on standard error."""

import sys
from types import TracebackType
from typing import Self

from tqdm import tqdm


class Progress:
    """A bar of `total` steps; silent if there is nothing to do."""

    def __init__(self, title: str, total: int, unit: str = "architectures") -> None:
        # In a log file a line every half minute is enough.
        interval = 0.2 if sys.stderr.isatty() else 30.0
        self._bar = tqdm(
            total=total, desc=title, unit=f" {unit}", disable=total == 0, mininterval=interval, smoothing=0.05
        )

    def advance(self, n: int = 1) -> None:
        """`n` steps are done."""
        self._bar.update(n)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()
