"""Scores of candidates: read from the store, or computed if missing."""

import os
import time
from collections.abc import Callable, Iterator, Sequence

from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError

from harness.errors import HarnessError
from harness.proxy import Sees
from harness.scoring import (
    COMMIT_EVERY_S,
    ExecutionOptions,
    Result,
    ScoringRun,
    Unit,
    count_units,
    split_units,
    work_on,
)
from harness.scoring.proxy_spec import ProxySpec
from harness.space import Architecture
from harness.store import FAILED, Score, ScoreKey, ScoreStore


class Scores:
    """The scores of some proxies in one context; new scores are written to the store at least twice a second.

    `parallel` is None for a single process. Stored scores are read once, at the beginning.
    """

    def __init__(
        self, run: ScoringRun, store: ScoreStore, execution: ExecutionOptions, parallel: Parallel | None = None
    ) -> None:
        self._run, self._store, self._effort, self._parallel = run, store, execution, parallel
        self._known: dict[ProxySpec, dict[str, Score]] = {}
        self._pending: list[tuple[ScoreKey, Score]] = []
        self._committed = time.monotonic()
        for spec in run.specs:
            stored = store.find(run.key(spec)) if execution.resume else {}
            kept = {arch: score for arch, score in stored.items() if not self._again(score)}
            self._known[spec] = kept

    def of(self, spec: ProxySpec, arch: Architecture) -> Score:
        """The score of an architecture that was passed to `ensure`."""
        return self._known[spec][self._run.scored_as(spec, [arch])[0]]

    def ensure(
        self, specs: Sequence[ProxySpec], archs: Sequence[Architecture], each: Callable[[], None] = lambda: None
    ) -> None:
        """Compute the missing scores; `each` is called after each network.

        Raises:
            HarnessError: if a worker process is killed; finished scores are kept.
        """
        try:
            for unit, found in self._results(self._missing(specs, archs)):
                for spec in unit.specs:
                    self._known[spec][unit.arch] = found[spec.name]
                    self._pending.append((self._run.key(spec), found[spec.name]))
                each()
                if time.monotonic() - self._committed > COMMIT_EVERY_S:
                    self.commit()
        except TerminatedWorkerError as error:
            raise HarnessError(
                "A worker process was killed, probably by the out-of-memory killer. Finished scores are kept: run the "
                "same command again with fewer workers=."
            ) from error

    def commit(self) -> None:
        """Write the computed scores to the store."""
        if self._pending:
            self._store.add(self._pending, replace=self._effort.retry_failed or not self._effort.resume)
        self._pending, self._committed = [], time.monotonic()

    def _again(self, score: Score) -> bool:
        return self._effort.retry_failed and score.status == FAILED

    def _missing(self, specs: Sequence[ProxySpec], archs: Sequence[Architecture]) -> list[Unit]:
        wanted: dict[tuple[Architecture, Sees], list[ProxySpec]] = {}
        for spec in specs:
            known, sees = self._known[spec], spec.proxy_class.sees
            for arch in dict.fromkeys(self._run.scored_as(spec, archs)):
                if arch not in known:
                    wanted.setdefault((arch, sees), []).append(spec)
        return [
            Unit(arch, "live" if sees is Sees.LIVE else "all", tuple(specs)) for (arch, sees), specs in wanted.items()
        ]

    def _results(self, units: Sequence[Unit]) -> Iterator[Result]:
        context = self._run.context
        counts, networks = split_units(units)
        if counts:
            yield from count_units(context, counts)
        with_batches = self._run.batches is not None
        if self._parallel is None or len(networks) == 1:
            yield from (work_on(context, with_batches, unit, os.getpid()) for unit in networks)
        elif networks:
            yield from self._parallel(delayed(work_on)(context, with_batches, unit, os.getpid()) for unit in networks)
