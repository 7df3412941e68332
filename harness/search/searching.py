"""Search: from names to results. It composes the stages, each of which is a file of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.cli.reading import read_options
from harness.ensembles import Ensemble
from harness.errors import HarnessError, OptionError
from harness.evaluation import defined_proxies
from harness.evaluation.pairs import Skipped
from harness.evaluation.provenance import Asked, as_code, describe_run, restriction_record
from harness.evaluation.score_columns import parse_ensembles
from harness.files.out_folder import out_folder
from harness.proxy import is_baseline
from harness.report import JSON
from harness.scoring import ExecutionOptions
from harness.scoring.proxy_spec import ProxySpec, parse_proxies
from harness.search.lockstep import run_searches
from harness.search.objective import CostTerm, Objective
from harness.search.outcome import SearchOutcome
from harness.search.problems import SearchProblem, open_problems
from harness.search.run import SearchTask, first_start
from harness.search.settings import ALONE, SearchSettings, SearchSpec
from harness.search.tables import SearchTables
from harness.search.write import write_search
from harness.searchers import SEARCHERS, Searcher
from harness.settings import ALL, Settings
from harness.space import SearchSpace
from harness.store import ScoreStore


@dataclass(frozen=True)
class Search:
    """The results of searches: `tables` as written to `out`; `skipped` are the data sets that could not be searched."""

    tables: SearchTables
    skipped: Sequence[Skipped]
    out: Path


def search(search_spec: SearchSpec | None = None, settings: SearchSettings | None = None) -> Search:
    """Search with each searcher for the best of each objective, in every space and with every seed.

    Raises:
        HarnessError: for a user error or missing data, before anything is computed; or if a search finds no
            network with a score.
    """
    search_spec, settings = search_spec or SearchSpec(), settings or SearchSettings()
    searchers = _searchers(search_spec.searchers, settings)
    ensembles = _ensembles(settings)
    options = {name: entry for name, entry in settings.base.options.items() if name not in ensembles}
    specs = defined_proxies(parse_proxies(search_spec.proxies, options), settings.base, asked_for_all=False)
    _refuse_proxies(searchers, specs)
    _refuse_restriction(searchers, settings.base)
    penalties = [searcher.penalty.cost for searcher in searchers.values() if searcher.penalty is not None]
    problems, skipped = open_problems(search_spec, specs, settings, penalties)
    for problem in problems:
        _refuse_searchers(searchers, problem.space)
    tasks = [
        (problem, _task(problem, name, searcher, objective, settings))
        for problem in problems
        for name, searcher in searchers.items()
        for objective in _objectives(searcher, name, specs, ensembles, problem)
    ]
    for _, task in tasks:
        start = first_start(task)
        task.searcher.check(task.space, None if settings.start is None else start)
    base = settings.base
    execution = ExecutionOptions.of(base)
    outcomes, runs = [], []
    asked = _asked(search_spec, settings)
    record = {"config": asked.config, "search": _own(settings)}
    with out_folder(settings.base.out, "-".join(["search", *_stem(search_spec)]), record) as out:
        with ScoreStore(settings.base.store.expanduser()) as store:
            for problem, task in tasks:
                search_runs, of_task = run_searches(task, problem.context, store, execution)
                outcomes.append(SearchOutcome(task, search_runs, problem.counts, problem.truth))
                runs += of_task
        evaluation_sets = [problem.truth.evaluated for problem in problems if problem.truth is not None]
        described = describe_run(asked, evaluation_sets, runs, skipped)
        described |= restriction_record([problem.restriction for problem in problems])
        tables = SearchTables.of(outcomes, {**described, "search": _own(settings)})
        write_search(out, tables, settings.base.figure_options)
    return Search(tables, skipped, out)


def _task(
    problem: SearchProblem, name: str, searcher: Searcher, objective: Objective, settings: SearchSettings
) -> SearchTask:
    return SearchTask(
        problem.space, problem.data_set, name, searcher, objective, problem.budget, settings, problem.restriction
    )


def _searchers(words: Sequence[str], settings: SearchSettings) -> dict[str, Searcher]:
    """Searchers by name with their options, in order; `all` means every registered one."""
    found = {}
    for name in dict.fromkeys(name for word in words for name in (SEARCHERS if word == ALL else [word])):
        kind = SEARCHERS.get(name)
        options = dict(read_options("searcher", name, kind, settings.searcher_options.get(name, {})))
        found[name] = kind(**options)
        if kind.uses_population and settings.steps < settings.n_members:
            raise OptionError(
                f"steps={settings.steps} is smaller than population={settings.n_members}: search={name} would end "
                "before its population is full. Increase steps or reduce population."
            )
    for name in settings.searcher_options:
        if name not in found:
            raise OptionError(f"options.{name} is set, but the requested searchers are {', '.join(found)}.")
    if settings.start is not None and not any(searcher.uses_start for searcher in found.values()):
        raise OptionError(
            f"start={settings.start} is only for searchers with a starting point, such as search=evolution; "
            f"{','.join(found)} has none. Omit start=."
        )
    if settings.minimised and not any(searcher.multi_objective for searcher in found.values()):
        raise OptionError(
            f"minimise={','.join(settings.minimised)} is only for search=pareto; {','.join(found)} has a single "
            f"objective. To limit a cost, use budget.{settings.minimised[0]}=VALUE."
        )
    return found


def _refuse_searchers(searchers: Mapping[str, Searcher], space: SearchSpace) -> None:
    """Nothing, unless a searcher mutates architectures and the space does not say how.

    Raises:
        OptionError: if one does.
    """
    unable = [name for name, searcher in searchers.items() if searcher.uses_neighbours]
    if unable and not space.has_neighbours:
        able = [name for name in SEARCHERS if not SEARCHERS.get(name).uses_neighbours and _can_search(name, space)]
        raise OptionError(
            f"search={unable[0]} mutates architectures, but {space.name} does not say which ones are neighbours. Use "
            f"search={' or search='.join(able)}, or give the space a method neighbours(arch)."
        )


def _refuse_restriction(searchers: Mapping[str, Searcher], settings: Settings) -> None:
    """Nothing, unless a searcher of whole boxes is to search a part.

    Raises:
        OptionError: if one is.
    """
    unable = [name for name, searcher in searchers.items() if searcher.whole_box]
    if unable and settings.restrict is not None:
        raise OptionError(
            f"restrict={settings.restrict} is invalid with search={unable[0]}, which searches a whole box. Use "
            "search=evolution or search=exhaustive, or a budget."
        )


def _can_search(name: str, space: SearchSpace) -> bool:
    """Whether a searcher, as it is by default, can search the space."""
    try:
        SEARCHERS.get(name)().check(space, None)
    except HarnessError:
        return False
    return True


def _refuse_proxies(searchers: Mapping[str, Searcher], specs: Sequence[ProxySpec]) -> None:
    """Nothing, unless a searcher that takes counts alone is to search by a proxy that runs networks.

    Raises:
        OptionError: if one is.
    """
    limited = [name for name, searcher in searchers.items() if searcher.counts_only]
    running = [spec.name for spec in specs if not is_baseline(spec.name)]
    if limited and running:
        raise OptionError(
            f"search={limited[0]} asks for hundreds of values of a smooth objective, and {running[0]} runs a network "
            "for each: give a count, such as proxy=params, or search for a fitted predictor with python -m "
            "harness.predict; for a proxy use search=evolution or search=local_search."
        )


def _ensembles(settings: SearchSettings) -> dict[str, Ensemble | None]:
    """Ensembles by name with their options, in order; None means each proxy alone."""
    words = [name for name in settings.ensembles if name != ALONE]
    found: dict[str, Ensemble | None] = dict.fromkeys([ALONE]) if len(words) < len(settings.ensembles) else {}
    for name, ensemble in parse_ensembles(words, settings.base.options).items():
        if ensemble.needs_truth:
            raise OptionError(
                f"ensemble={name} is fitted to the accuracy of trained networks, which a search does not have."
            )
        found[name] = ensemble
    return found


def _objectives(
    searcher: Searcher,
    name: str,
    specs: Sequence[ProxySpec],
    ensembles: dict[str, Ensemble | None],
    problem: SearchProblem,
) -> list[Objective]:
    """The objectives of a searcher: each proxy, or an ensemble of all; a multi-objective searcher uses all at once."""
    found = []
    penalty = searcher.penalty
    term = None if penalty is None else CostTerm(problem.costs[penalty.cost], penalty.weight)
    for ensemble_name, ensemble in ensembles.items():
        if ensemble is None and not searcher.multi_objective:
            found += [Objective((spec,), cost_term=term) for spec in specs]
            continue
        if ensemble is not None and len(specs) < 2:
            raise OptionError(
                f"ensemble={ensemble_name} combines several proxies, but {specs[0].name} is the only one; give two or "
                "more: 'proxy=[zico,naswot]'."
            )
        joined = None if ensemble is None else (ensemble_name, ensemble)
        objective = Objective(tuple(specs), joined, problem.minimised if searcher.multi_objective else (), term)
        if searcher.multi_objective and len(objective.scores) < 2:
            raise OptionError(
                f"search={name} needs several objectives, but {objective.name} is the only one; give more "
                "proxies, 'proxy=[zico,naswot]', or a cost, minimise=flops."
            )
        found.append(objective)
    return found


def _stem(search_spec: SearchSpec) -> list[str]:
    """The parts of a run folder's name."""
    parts = {
        "benches": tuple(Path(word).name for word in search_spec.benches),
        "sets": tuple(Path(word).name for word in search_spec.data_sets),
        "searchers": search_spec.searchers,
        "proxies": tuple(Path(word).stem for word in search_spec.proxies),
    }
    return [names[0] if len(names) == 1 else f"{len(names)}{kind}" for kind, names in parts.items()]


def _asked(search_spec: SearchSpec, settings: SearchSettings) -> Asked:
    words = {
        "search": search_spec.searchers,
        "proxy": search_spec.proxies,
        "bench": search_spec.benches,
        "dataset": search_spec.data_sets,
        "ensemble": settings.ensembles,
    }
    return Asked(words, settings.base, call=f"search({as_code(search_spec)}, {as_code(settings)})")


def _own(settings: SearchSettings) -> dict[str, JSON]:
    """The settings that are a search's own."""
    own = {name: getattr(settings, name) for name in ("steps", "evaluations", "start", "deduplicate", "proxy_seed")}
    options = {name: dict(given) for name, given in settings.searcher_options.items()}
    lists = {"ensembles": list(settings.ensembles), "minimised": list(settings.minimised)}
    return {**own, **lists, "population": settings.n_members, "budget": dict(settings.budget), "options": options}
