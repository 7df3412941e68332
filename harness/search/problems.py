"""Problems: the spaces and data sets of a search, opened with budget, costs and ground truth; nothing is computed."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from harness.errors import MissingDataError, OptionError
from harness.evaluation.costs import Budget, Cost, open_costs
from harness.evaluation.evaluation_set import EvaluationSet, open_evaluation_set
from harness.evaluation.pairs import Skipped, attempted, pairs
from harness.evaluation.restriction import Restriction, open_restriction
from harness.inputs import DataSet, draw_batches, own_data
from harness.scoring import ContextSpec
from harness.scoring.proxy_spec import ProxySpec
from harness.search.outcome import SpaceTruth
from harness.search.settings import SearchSettings, SearchSpec
from harness.settings import ALL, Settings
from harness.space import SearchSpace
from harness.space.given_networks import FunctionSpace
from harness.space.restricted import restricted
from harness.truth import embedded_tables
from harness.truth.imports import imports_of
from harness.truth.own_file import names_file
from harness.truth.sources import sources_of

_NO_TRUTH = "none"
_REPORTED = ("params", "flops")


@dataclass(frozen=True, eq=False)
class SearchProblem:
    """A search space and a data set with budget, costs, ground truth and what is wanted of the space.

    `costs` are all that were opened, by name.
    """

    space: SearchSpace
    data_set: DataSet
    context: ContextSpec
    budget: Budget
    minimised: tuple[Cost, ...]
    counts: tuple[Cost, ...]
    truth: SpaceTruth | None
    restriction: Restriction | None = None
    costs: Mapping[str, Cost] = field(default_factory=dict)


def open_problems(
    search_spec: SearchSpec, specs: Sequence[ProxySpec], settings: SearchSettings, costs: Sequence[str] = ()
) -> tuple[list[SearchProblem], list[Skipped]]:
    """The problem of each pair of benchmark and data set, and the pairs that cannot be searched here.

    `costs` are opened besides those that the settings limit or minimise.

    Raises:
        HarnessError: for a user error or missing data, images that a proxy uses among them.
    """
    named = pairs(search_spec.benches, search_spec.data_sets, settings.base)
    uses_inputs = any("inputs" in spec.proxy_class.uses() for spec in specs)

    for space, _ in named.usable:
        _refuse_function(space)

    def opened(space: SearchSpace, data_set: DataSet) -> SearchProblem:
        problem = _problem(space, data_set, settings, costs)
        if uses_inputs:  # images that are missing are known before anything is computed
            draw_batches(data_set, problem.context.request)
        return problem

    return attempted(opened, named, "searched")


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


def _problem(space: SearchSpace, data_set: DataSet, settings: SearchSettings, further: Sequence[str]) -> SearchProblem:
    context = ContextSpec.of(space, data_set, settings.base, settings.base.seed)
    evaluated = _evaluated(space, data_set, settings)
    opened = None if evaluated is None else evaluated.benchmark_truth
    costs = open_costs([*_REPORTED, *settings.budget, *settings.minimised, *further], context, opened)
    budget = Budget({costs[name]: limit for name, limit in settings.budget.items()})
    restriction = open_restriction(space, data_set, settings.base)
    searched = space if restriction is None else restricted(restriction.part)
    if restriction is not None and space.complete:
        restriction.require_some()
    if space.complete and budget.limits:
        budget.require_some(searched.architectures)
    truth = None
    if evaluated is not None:
        allowed = budget.fits(evaluated.archs)
        if restriction is not None:
            allowed &= restriction.inside(evaluated.archs)
        truth = SpaceTruth(evaluated, allowed)
    minimised = tuple(costs[name] for name in settings.minimised)
    reported = tuple(costs[name] for name in _REPORTED)
    return SearchProblem(space, data_set, context, budget, minimised, reported, truth, restriction, costs)


def _evaluated(space: SearchSpace, data_set: DataSet, settings: SearchSettings) -> EvaluationSet | None:
    """The whole space with its ground truth; None if disabled or if the space has no ground truth."""
    exists = embedded_tables(space.name) or sources_of(space.name) or imports_of(space.name)
    is_own = space.is_own or own_data(data_set) is not None
    if is_own and settings.base.truth != _NO_TRUTH:
        return _partly_known(space, data_set, settings)
    if settings.base.truth is not None and names_file(settings.base.truth):
        return _partly_known(space, data_set, settings)
    if not exists and settings.base.truth not in (None, _NO_TRUTH):
        raise OptionError(f"{space.name} has no ground truth, because its networks have not been trained. Omit truth=.")
    if settings.base.truth == _NO_TRUTH or not exists:
        return None
    return open_evaluation_set(space, data_set, _whole(settings), None)


def _whole(settings: SearchSettings) -> Settings:
    """The settings under which the whole space is evaluated, whatever a search proposes from."""
    return replace(settings.base, sample=ALL, population=ALL, restrict=None)


def _partly_known(space: SearchSpace, data_set: DataSet, settings: SearchSettings) -> EvaluationSet | None:
    """The accuracies that a user's file or own networks state; None where some lack, unless `truth=` asks for them.

    Raises:
        OptionError: if `truth=` names accuracies that not all networks have.
    """
    try:
        evaluated = open_evaluation_set(space, data_set, _whole(settings), None)
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
