"""The progress bar of long work: count, rate, elapsed and remaining time, on standard error."""

import sys
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm

_SHORT_S = 2.0


class Progress:
    """A bar of `total` steps; silent if there is nothing to do.

    Within an `AskedProgress` it draws nothing: its steps move that one.
    """

    def __init__(self, title: str, total: int, unit: str = "architectures") -> None:
        around = AskedProgress.shown
        self._moves = around if around is not None and around.unit == unit else None
        silent = total == 0 or around is not None
        self._bar = tqdm(
            total=total, desc=title, unit=f" {unit}", disable=silent, mininterval=_interval(), smoothing=0.05
        )

    def advance(self, n: int = 1) -> None:
        """`n` steps are done."""
        self._bar.update(n)
        if self._moves is not None:
            self._moves.step(n)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()


class AskedProgress:
    """The one bar of what was requested, in architectures; the work on their networks moves it.

    The remaining time is estimated from the first network on, and from networks alone: what only counts takes no time
    beside them, and where nothing else is to be done a bar appears after two seconds only.

    Args:
        title: of the bar.
        n_asked: architectures.
        n_done: of these, what the store has already.
        n_steps: steps of the work on the others.
        unit: of the bars whose steps these are: `networks`, or `architectures` that are only counted.
    """

    shown: "AskedProgress | None" = None

    def __init__(self, title: str, n_asked: int, n_done: int, n_steps: int, unit: str) -> None:
        self.unit = unit
        self._n_asked, self._n_done, self._n_steps = n_asked, n_done, n_steps
        self._n_stepped = 0
        self._whole = WholeProgress.shown
        silent = n_steps == 0 or self._whole is not None
        self._bar = _of_architectures(title, n_asked, n_done, silent, 0 if unit == "networks" else _SHORT_S)

    def step(self, n: int) -> None:
        """`n` steps of the work are done."""
        self._n_stepped = min(self._n_steps, self._n_stepped + n)
        reached = self._n_done + (self._n_asked - self._n_done) * self._n_stepped // max(self._n_steps, 1)
        if self._whole is None:
            self._bar.update(reached - self._bar.n)
        else:
            self._whole.within_block(reached)

    def __enter__(self) -> Self:
        AskedProgress.shown = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        AskedProgress.shown = None
        self._bar.close()


class WholeProgress:
    """The one bar of architectures that are scored in blocks; the `AskedProgress` of a block moves it.

    Args:
        title: of the bar.
        total: architectures of all blocks.
        done: of these, what the store has already.
    """

    shown: "WholeProgress | None" = None

    def __init__(self, title: str, total: int, done: int) -> None:
        self._start = done
        self._bar = _of_architectures(title, total, done, done == total, _SHORT_S)  # counts alone take less

    def finished(self, done: int) -> None:
        """A block has ended, and `done` architectures have their scores."""
        self._start = done
        self.within_block(0)

    def within_block(self, n: int) -> None:
        """`n` architectures of the block are done; a second run over the same ones moves nothing."""
        self._bar.update(max(0, self._start + n - self._bar.n))

    def __enter__(self) -> Self:
        WholeProgress.shown = self
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        WholeProgress.shown = None
        self._bar.close()


def _of_architectures(title: str, total: int, done: int, silent: bool, delay_s: float) -> Any:
    return tqdm(
        total=total,
        initial=done,
        desc=title,
        unit=" architectures",
        disable=silent,
        mininterval=_interval(),
        miniters=1,
        smoothing=0.05,
        delay=delay_s,
    )


def _interval() -> float:
    """Seconds between two drawings; in a log file a line every half minute is enough."""
    return 0.2 if sys.stderr.isatty() else 30.0
