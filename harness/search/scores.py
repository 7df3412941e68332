"""Scores of candidates: read from the store, or computed if missing."""

from collections.abc import Callable, Sequence

from harness.proxy import Sees
from harness.scoring import Commits, ExecutionOptions, ScoringRun, Unit, Workers, faults_told
from harness.scoring.proxy_spec import ProxySpec
from harness.space import Architecture
from harness.store import FAILED, Score, ScoreStore


class Scores:
    """The scores of some proxies in one context; new scores are written to the store at least twice a second.

    Scores that were in the store are read once, at the beginning.
    """

    def __init__(self, run: ScoringRun, store: ScoreStore, execution: ExecutionOptions, workers: Workers) -> None:
        self._run, self._execution, self._workers = run, execution, workers
        self._commits = Commits(run, store, execution)
        self._known: dict[ProxySpec, dict[str, Score]] = {}
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
            HarnessError: if memory or a file is lacking, or no worker can be started; what was computed is kept.
        """
        context = self._run.context
        with faults_told(f"{context.bench} {context.data_set}"):
            for unit, found in self._workers.results(context, self._missing(specs, archs)):
                for spec in unit.specs:
                    self._known[spec][unit.arch] = found[spec.name]
                self._commits.add((unit, found))
                each()

    def commit(self) -> None:
        """Put what was computed into the store."""
        self._commits.flush()

    def _again(self, score: Score) -> bool:
        return self._execution.retry_failed and score.status == FAILED

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
