"""Search: from names to results. It composes the stages, each of which is a file of its own."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from harness.cli.reading import read_options
from harness.ensembles import Ensemble
from harness.errors import MissingDataError, OptionError
from harness.evaluation import defined_proxies
from harness.evaluation.evaluation_set import EvaluationSet, Skipped, attempted, open_evaluation_set, pairs
from harness.evaluation.provenance import Asked, as_code, describe_run
from harness.evaluation.score_columns import parse_ensembles
from harness.files.out_folder import out_folder
from harness.inputs import DataSet, InputKind, draw_batches, not_by_name, own_data, preferred_kind
from harness.protocol import fitted
from harness.report import JSON
from harness.scoring import ContextSpec, ExecutionOptions
from harness.scoring.proxy_spec import ProxySpec, parse_proxies
from harness.search.costs import Budget, Cost, open_costs
from harness.search.lockstep import run_searches
from harness.search.objective import Objective
from harness.search.outcome import SearchOutcome, SpaceTruth
from harness.search.report import write_search
from harness.search.run import SearchTask, first_start
from harness.search.settings import ALONE, SearchSettings
from harness.search.tables import SearchTables
from harness.searchers import SEARCHERS, Searcher
from harness.settings import ALL
from harness.space import SearchSpace
from harness.space.model_space import FunctionSpace
from harness.store import ScoreStore
from harness.truth import embedded_tables
from harness.truth.imports import imports_of
from harness.truth.own_file import names_file
from harness.truth.sources import sources_of

NO_TRUTH = "none"
_REPORTED = ("params", "flops")


@dataclass(frozen=True)
class SearchSpec:
    """Searchers, objectives, benchmarks and data sets: names, paths of Python files of proxies, and `all`."""

    searchers: tuple[str, ...] = ("evolution",)
    proxies: tuple[str, ...] = ("zico",)
    benches: tuple[str, ...] = ("nats_tss",)
    data_sets: tuple[str, ...] = ("digits",)


@dataclass(frozen=True)
class Search:
    """The results of searches: `tables` as written to `out`; `skipped` are the data sets that could not be searched."""

    tables: SearchTables
    skipped: Sequence[Skipped]
    out: Path


@dataclass(frozen=True, eq=False)
class SearchProblem:
    """A search space and a data set with budget, costs and ground truth."""

    space: SearchSpace
    data_set: DataSet
    context: ContextSpec
    budget: Budget
    minimised: tuple[Cost, ...]
    counts: tuple[Cost, ...]
    truth: SpaceTruth | None


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
    problems, skipped = _problems(search_spec, specs, settings)
    for problem in problems:
        _refuse_searchers(searchers, problem.space)
    tasks = [
        (problem, SearchTask(problem.space, problem.data_set, name, searcher, objective, problem.budget, settings))
        for problem in problems
        for name, searcher in searchers.items()
        for objective in _objectives(searcher, name, specs, ensembles, problem)
    ]
    for _, task in tasks:
        first_start(task)
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
        tables = SearchTables.of(outcomes, {**described, "search": _own(settings)})
        write_search(out, tables)
    return Search(tables, skipped, out)


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
        able = [name for name in SEARCHERS if not SEARCHERS.get(name).uses_neighbours]
        raise OptionError(
            f"search={unable[0]} mutates architectures, but {space.name} does not say which ones are neighbours. Use "
            f"search={' or search='.join(able)}, or give the space a method neighbours(arch)."
        )


def _refuse_function(space: SearchSpace) -> None:
    """Nothing, unless the networks of a space have no names of its own.

    Raises:
        OptionError: if so.
    """
    if isinstance(space, FunctionSpace):
        raise OptionError(
            f"bench={space.name} is a function, whose networks a search cannot list; give a file with a ModelSpace, "
            "which has `architectures`."
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
    for ensemble_name, ensemble in ensembles.items():
        if ensemble is None and not searcher.multi_objective:
            found += [Objective((spec,)) for spec in specs]
            continue
        if ensemble is not None and len(specs) < 2:
            raise OptionError(
                f"ensemble={ensemble_name} combines several proxies, but {specs[0].name} is the only one; give two or "
                "more: 'proxy=[zico,naswot]'."
            )
        joined = None if ensemble is None else (ensemble_name, ensemble)
        objective = Objective(tuple(specs), joined, problem.minimised if searcher.multi_objective else ())
        if searcher.multi_objective and len(objective.scores) < 2:
            raise OptionError(
                f"search={name} needs several objectives, but {objective.name} is the only one; give more "
                "proxies, 'proxy=[zico,naswot]', or a cost, minimise=flops."
            )
        found.append(objective)
    return found


def _problems(
    search_spec: SearchSpec, specs: Sequence[ProxySpec], settings: SearchSettings
) -> tuple[list[SearchProblem], list[Skipped]]:
    named, tolerated = pairs(search_spec.benches, search_spec.data_sets, settings.base)
    uses_inputs = any("inputs" in spec.proxy_class.uses() for spec in specs)

    for space, _ in named:
        _refuse_function(space)

    def opened(space: SearchSpace, data_set: DataSet) -> SearchProblem:
        problem = _problem(space, data_set, settings)
        if uses_inputs:  # images that are missing are known before anything is computed
            draw_batches(data_set, problem.context.request)
        return problem

    return attempted(opened, named, tolerated, "searched")


def _problem(space: SearchSpace, data_set: DataSet, settings: SearchSettings) -> SearchProblem:
    base = settings.base
    inputs = preferred_kind(data_set, base.inputs)
    own = not_by_name(data_set)
    protocol = base.protocol if inputs is InputKind.noise else fitted(base.protocol, data_set)
    context = ContextSpec(space.word, data_set.name, inputs, protocol, base.seed, base.device, own)
    evaluated = _evaluated(space, data_set, settings)
    opened = None if evaluated is None else evaluated.benchmark_truth
    costs = open_costs([*_REPORTED, *settings.budget, *settings.minimised], context, opened)
    budget = Budget({costs[name]: limit for name, limit in settings.budget.items()})
    if space.complete and budget.limits:
        budget.require_some(space.architectures)
    truth = None if evaluated is None else SpaceTruth(evaluated, budget.fits(evaluated.archs))
    minimised = tuple(costs[name] for name in settings.minimised)
    return SearchProblem(space, data_set, context, budget, minimised, tuple(costs[name] for name in _REPORTED), truth)


def _evaluated(space: SearchSpace, data_set: DataSet, settings: SearchSettings) -> EvaluationSet | None:
    """The whole space with its ground truth; None if disabled or if the space has no ground truth."""
    exists = embedded_tables(space.name) or sources_of(space.name) or imports_of(space.name)
    is_own = space.is_own or own_data(data_set) is not None
    if is_own and settings.base.truth != NO_TRUTH:
        return _partly_known(space, data_set, settings)
    if settings.base.truth is not None and names_file(settings.base.truth):
        return _partly_known(space, data_set, settings)
    if not exists and settings.base.truth not in (None, NO_TRUTH):
        raise OptionError(f"{space.name} has no ground truth, because its networks have not been trained. Omit truth=.")
    if settings.base.truth == NO_TRUTH or not exists:
        return None
    return open_evaluation_set(space, data_set, replace(settings.base, sample=ALL), None)


def _partly_known(space: SearchSpace, data_set: DataSet, settings: SearchSettings) -> EvaluationSet | None:
    """The accuracies that a user's file or own networks state; None where some lack, unless `truth=` asks for them.

    Raises:
        OptionError: if `truth=` names accuracies that not all networks have.
    """
    try:
        evaluated = open_evaluation_set(space, data_set, replace(settings.base, sample=ALL), None)
    except MissingDataError:
        if settings.base.truth is not None:
            raise
        return None
    n_known, n_archs = int(np.isfinite(evaluated.values).sum()), len(evaluated.archs)
    if n_known == n_archs:
        return evaluated
    if settings.base.truth is None:
        print(
            f"note: accuracies are known of {n_known:,} of the {n_archs:,} networks of {space.name}; a search may find "
            "any of them, so that what it finds is not compared with the best.",
            file=sys.stderr,
        )
        return None
    raise OptionError(
        f"truth={settings.base.truth} knows {n_known:,} of the {n_archs:,} architectures of {space.name}; a search may "
        "find any of them. Give the accuracies of all, or truth=none."
    )


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
