"""Searches in lockstep: in each round all runs propose, missing scores are computed together, and all continue."""

from collections.abc import Sequence
from dataclasses import replace

from harness.inputs import Batches, draw_batches
from harness.progress import Progress
from harness.scoring import ContextSpec, ExecutionOptions, ScoringRun, Workers
from harness.search.run import SearchRun, SearchTask
from harness.search.scores import Scores
from harness.store import ScoreStore


def run_searches(
    task: SearchTask, context: ContextSpec, store: ScoreStore, execution: ExecutionOptions
) -> tuple[list[SearchRun], list[ScoringRun]]:
    """One search run per seed, and the scoring runs they used.

    A score does not depend on the round in which it is computed, so neither other seeds nor workers change a run.

    Raises:
        HarnessError: if a search finds no network with a score; finished scores are kept.
    """
    settings = task.settings
    seeds = settings.base.all_seeds
    groups: dict[int, list[int]] = {}
    for seed in seeds:
        groups.setdefault(settings.proxy_seed_of(seed), []).append(seed)
    title = f"{task.space.name} {context.data_set}, {task.searcher_name} {task.objective.name}"
    found: dict[int, SearchRun] = {}
    runs = []
    with Workers(execution) as workers, Progress(title, _most_steps(task) * len(seeds), "steps") as progress:
        for proxy_seed, together in groups.items():
            run = scoring_run(task, context, proxy_seed)
            runs.append(run)
            scores = Scores(run, store, execution, workers)
            search_runs = [SearchRun(task, seed, scores) for seed in together]
            try:
                _run(search_runs, scores, progress)
            finally:
                scores.commit()
            found |= {search_run.seed: search_run for search_run in search_runs}
    return [found[seed] for seed in seeds], runs


def scoring_run(task: SearchTask, context: ContextSpec, proxy_seed: int) -> ScoringRun:
    """The objective's proxies in a context with their own seed; batches are drawn if a proxy needs them."""
    seeded = replace(context, seed=proxy_seed)
    specs = task.objective.specs
    uses_inputs = any("inputs" in spec.proxy_class.uses() for spec in specs)
    batches: Batches | None = draw_batches(task.data_set, seeded.request) if uses_inputs else None
    return ScoringRun(seeded, specs, batches)


def _run(search_runs: Sequence[SearchRun], scores: Scores, progress: Progress) -> None:
    active = [search_run for search_run in search_runs if not search_run.ended]
    while active:
        wanted = dict.fromkeys(arch for search_run in active for arch in search_run.ask())
        left = _Steps(progress, sum(search_run.n_proposed for search_run in active))
        scores.ensure(search_runs[0].task.objective.specs, list(wanted), left.one_done)
        left.all_done()
        for search_run in active:
            search_run.tell()
        active = [search_run for search_run in active if not search_run.ended]
    for search_run in search_runs:
        if not search_run.scored:
            raise search_run.refusal()


class _Steps:
    """The steps of a round on the progress bar: one per scored network, the others at the end."""

    def __init__(self, progress: Progress, n_left: int) -> None:
        self._progress, self._n_left = progress, n_left

    def one_done(self) -> None:
        if self._n_left:
            self._progress.advance()
            self._n_left -= 1

    def all_done(self) -> None:
        self._progress.advance(self._n_left)


def _most_steps(task: SearchTask) -> int:
    """The maximum number of steps of a search."""
    steps = task.settings.steps
    if not task.space.complete:
        return steps
    n_archs = len(task.searched.architectures)
    return steps if task.searcher.bounded else n_archs
