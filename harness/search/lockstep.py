"""Trials in lockstep: in each round all ask, what is missing is scored at once, and all go on."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from joblib import Parallel, parallel_config

from harness.inputs import Batches, draw_batches
from harness.progress import Progress
from harness.scoring import Effort, ScoringRun, SettingSpec
from harness.search.scores import Scores
from harness.search.trial import Contest, Trial
from harness.store import ScoreStore


def run_trials(
    contest: Contest, setting: SettingSpec, store: ScoreStore, effort: Effort
) -> tuple[list[Trial], list[ScoringRun]]:
    """One trial per seed, and how they were scored.

    A score does not depend on the round that it is computed in, so neither other seeds nor workers change a trial.

    Raises:
        HarnessError: if a trial finds no score at all; what was scored is kept.
    """
    settings = contest.settings
    seeds = settings.base.all_seeds
    groups: dict[int, list[int]] = {}
    for seed in seeds:
        groups.setdefault(settings.proxy_seed_of(seed), []).append(seed)
    title = f"{contest.space.name} {setting.data_set}, {contest.searcher_name} {contest.objective.name}"
    found: dict[int, Trial] = {}
    runs = []
    with _workers(effort.workers) as parallel, Progress(title, _most_steps(contest) * len(seeds), "steps") as progress:
        for proxy_seed, together in groups.items():
            run = scoring_run(contest, setting, proxy_seed)
            runs.append(run)
            scores = Scores(run, store, effort, parallel)
            trials = [Trial(contest, seed, scores) for seed in together]
            try:
                _run(trials, scores, progress)
            finally:
                scores.commit()
            found |= {trial.seed: trial for trial in trials}
    return [found[seed] for seed in seeds], runs


def scoring_run(contest: Contest, setting: SettingSpec, proxy_seed: int) -> ScoringRun:
    """The objective's proxies in the setting with a seed of their own, batches drawn if one needs them."""
    seeded = SettingSpec(setting.bench, setting.data_set, setting.inputs, setting.protocol, proxy_seed, setting.device)
    specs = contest.objective.specs
    uses_inputs = any("inputs" in spec.proxy_class.uses() for spec in specs)
    batches: Batches | None = draw_batches(contest.data_set, seeded.request) if uses_inputs else None
    return ScoringRun(seeded, specs, batches)


def _run(trials: Sequence[Trial], scores: Scores, progress: Progress) -> None:
    active = [trial for trial in trials if not trial.ended]
    while active:
        wanted = dict.fromkeys(arch for trial in active for arch in trial.ask())
        left = _Steps(progress, sum(trial.n_proposed for trial in active))
        scores.ensure(trials[0].contest.objective.specs, list(wanted), left.one_done)
        left.all_done()
        for trial in active:
            trial.tell()
        active = [trial for trial in active if not trial.ended]
    for trial in trials:
        if not trial.scored:
            raise trial.refusal()


class _Steps:
    """The steps of a round on the progress bar: one for each network as it is scored, the others at the end."""

    def __init__(self, progress: Progress, n_left: int) -> None:
        self._progress, self._n_left = progress, n_left

    def one_done(self) -> None:
        if self._n_left:
            self._progress.advance()
            self._n_left -= 1

    def all_done(self) -> None:
        self._progress.advance(self._n_left)


def _most_steps(contest: Contest) -> int:
    """How many steps a trial may take."""
    steps = contest.settings.steps
    if not contest.space.enumerable:
        return steps
    n_archs = len(contest.space.architectures)
    return steps if contest.searcher.bounded else n_archs


@contextmanager
def _workers(n: int) -> Iterator[Parallel | None]:
    """Worker processes of one thread each that stay between rounds; none for one."""
    if n == 1:
        yield None
        return
    with (
        parallel_config(backend="loky", inner_max_num_threads=1),
        Parallel(n, return_as="generator_unordered", batch_size=1) as parallel,
    ):
        yield parallel
