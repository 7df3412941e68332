"""A time budget: architectures are scored in random order until it ends, so that what is finished is a sample."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from harness.errors import OptionError, UnfinishedError
from harness.evaluation.evaluation_set import EvaluationSet
from harness.evaluation.sampling import sample_index
from harness.progress import WholeProgress
from harness.scoring import ExecutionOptions, ScoringRun
from harness.scoring.composites import ensure
from harness.settings import Settings
from harness.space import Architecture
from harness.store import ScoreStore

FEWEST = 10
"""Fewer architectures make no table."""
_SHARE_OF_BUDGET, _SHORTEST_BLOCK_S, _GROWTH = 0.1, 2.0, 4


@dataclass(frozen=True)
class Work:
    """Architectures in the order in which they are to be scored by some runs, all of one evaluation set."""

    name: tuple[str, str]
    runs: tuple[ScoringRun, ...]
    archs: tuple[Architecture, ...]


@dataclass(frozen=True)
class Unfinished:
    """An evaluation set of which a budget left a part.

    Attributes:
        name: (benchmark, data set).
        n_asked: architectures.
        n_finished: of these, the first ones in random order.
        left_s: seconds that the others will take at the same rate.
        is_rate_known: whether `left_s` is of more than the first block, whose time has all that had to start in it.
    """

    name: tuple[str, str]
    n_asked: int
    n_finished: int
    left_s: float
    is_rate_known: bool = True

    @property
    def sentence(self) -> str:
        """What was left, and how it goes on."""
        caution = "" if self.is_rate_known else " or less, by a block with all that had to start"
        return (
            f"budget_s ended after {self.n_finished:,} of {self.n_asked:,} architectures of {' / '.join(self.name)}, "
            f"a random sample of them; the rest takes about {self.left_s:,.0f} s{caution}. The same command goes on."
        )


def in_random_order(evaluated: EvaluationSet, settings: Settings) -> tuple[Architecture, ...]:
    """The architectures of a set as sample=N takes them: any number of the first ones is a random sample."""
    population = evaluated.population
    order = sample_index(evaluated.space, replace(settings, sample=int(population.index.size)), population)
    place = np.empty(len(evaluated.space.architectures), dtype=np.int64)
    place[order] = np.arange(order.size)
    rows = np.argsort(place[evaluated.index], kind="stable")
    return tuple(evaluated.archs[row] for row in rows)


def first_of(evaluated: EvaluationSet, archs: Sequence[Architecture]) -> EvaluationSet:
    """The set with some of its architectures only."""
    place = {arch: row for row, arch in enumerate(evaluated.archs)}
    rows = np.array([place[arch] for arch in archs], dtype=np.int64)
    return replace(evaluated, archs=tuple(archs), index=evaluated.index[rows], values=evaluated.values[rows])


def score_within(works: Sequence[Work], settings: Settings) -> list[Unfinished]:
    """Score in blocks, those of all sets in turn, until the budget ends; what is finished of each set.

    A block that has begun is finished, so that the budget is exceeded by at most one. What the store has takes no time.

    Raises:
        HarnessError: as `ensure`; finished scores are kept.
    """
    if settings.budget_s is None or not settings.resume:
        raise OptionError("budget_s= goes on from what the store has; it needs resume=true.")
    execution = ExecutionOptions.of(settings)
    started = time.monotonic()
    with ScoreStore(settings.store_path) as store:
        blocks = [_Blocks(work, store, execution) for work in works]
        title = " ".join(works[0].name) if len(works) == 1 else f"{len(works)} data sets"
        total = sum(len(work.archs) for work in works)
        with WholeProgress(title, total, sum(one.n_finished for one in blocks)) as bar:
            while not all(one.is_finished or one.has_ended for one in blocks):
                for one in (each for each in blocks if not each.is_finished):
                    left_s = settings.budget_s - (time.monotonic() - started)
                    if left_s > one.next_s or one.n_blocks == 0:
                        one.advance(min(left_s, max(_SHORTEST_BLOCK_S, _SHARE_OF_BUDGET * settings.budget_s)))
                        bar.finished(sum(each.n_finished for each in blocks))
                    else:
                        one.has_ended = True
    return [
        Unfinished(one.work.name, len(one.work.archs), one.n_finished, one.left_s, one.n_blocks > 1) for one in blocks
    ]


def require_enough(finished: Sequence[Unfinished], budget_s: float) -> None:
    """Make sure that what is finished can be evaluated.

    Raises:
        UnfinishedError: if there are too few architectures; their scores are kept.
    """
    for one in finished:
        if one.n_finished < min(FEWEST, one.n_asked):
            each = one.left_s / max(one.n_asked - one.n_finished, 1)
            took = "one takes about" if one.is_rate_known else "one took, with all that had to start,"
            raise UnfinishedError(
                f"budget_s={budget_s:g} ended after {one.n_finished} of {one.n_asked:,} architectures of "
                f"{' / '.join(one.name)}, too few for a table; {took} {each:.2g} s. Their scores are kept: "
                f"run the same command again, or give budget_s={max(1, np.ceil(2 * FEWEST * each)):g}."
            )


class _Blocks:
    """The work of one set, block by block."""

    def __init__(self, work: Work, store: ScoreStore, execution: ExecutionOptions) -> None:
        self.work, self._store, self._execution = work, store, execution
        self._lacking = np.zeros(len(work.archs), dtype=bool)
        for run in work.runs:
            for spec in run.specs:
                known = store.known(run.key(spec), but_failed=execution.retry_failed)
                self._lacking |= [arch not in known for arch in run.scored_as(spec, work.archs)]
        self.n_finished = self._with_known(0)
        self.n_blocks, self.has_ended = 0, False
        self._size, self._each_s = execution.workers, 0.0

    @property
    def is_finished(self) -> bool:
        return self.n_finished == len(self.work.archs)

    @property
    def next_s(self) -> float:
        """Seconds of the smallest block; 0 as long as the first is the only one, for it took the start in addition."""
        return self._each_s * self._execution.workers if self.n_blocks > 1 else 0.0

    @property
    def left_s(self) -> float:
        """Seconds that all that is left takes."""
        return float(self._each_s * np.count_nonzero(self._lacking[self.n_finished :]))

    def advance(self, slice_s: float) -> None:
        """Score a block that takes about `slice_s`; the second one, as small as the first, shows how long one takes."""
        if self.n_blocks > 1:
            self._size = max(self._execution.workers, min(self._size * _GROWTH, int(slice_s / self._each_s)))
        lacking = np.flatnonzero(self._lacking[self.n_finished :])[: self._size]
        end = self.n_finished + int(lacking[-1]) + 1
        block, started = self.work.archs[self.n_finished : end], time.monotonic()
        for run in self.work.runs:
            ensure(run, block, self._store, self._execution)
        self._each_s = (time.monotonic() - started) / lacking.size
        self.n_finished = self._with_known(end)
        self.n_blocks += 1

    def _with_known(self, start: int) -> int:
        """The end of what is scored, from `start` on."""
        lacking = np.flatnonzero(self._lacking[start:])
        return start + int(lacking[0]) if lacking.size else len(self.work.archs)
