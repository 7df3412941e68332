"""Requests: an evaluation's words looked up, and everything opened that it needs; nothing is computed."""

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness import columns
from harness.agreement import Rules
from harness.ensembles import Ensemble
from harness.errors import OptionError
from harness.evaluation.baselines import checked_hypotheses, compared_with
from harness.evaluation.evaluation_set import EvaluationSet, open_evaluation_set
from harness.evaluation.external_scores import ExternalScores, ScoresOnSpace, open_scores
from harness.evaluation.own_truth import given_names
from harness.evaluation.pairs import Skipped, attempted, pairs
from harness.evaluation.provenance import Asked
from harness.evaluation.score_columns import parse_ensembles, require_company
from harness.inputs import Batches, DataSet, draw_batches
from harness.proxy import is_baseline
from harness.scoring import ContextSpec, ExecutionOptions, ScoringRun
from harness.scoring.composites import require_space
from harness.scoring.proxy_spec import ProxySpec, parse_proxies
from harness.settings import ALL, Settings
from harness.space import SearchSpace
from harness.store.reading import stored_for_reading

DEFAULT_PROXIES = ("zico", "naswot", "synflow", "grad_norm")
COUNTS = ("params", "flops", "params_live", "flops_live", "sum_log_layer_size")

Words = str | Sequence[str] | None
OpenedSet = tuple[EvaluationSet, list[ScoringRun], ScoresOnSpace | None]


@dataclass(frozen=True)
class Opened:
    """What is asked with everything looked up; nothing is computed yet. `found` are the sets with their runs."""

    asked: Asked
    external: ExternalScores | None
    specs: Sequence[ProxySpec]
    ensembles: Mapping[str, Ensemble]
    rules: Rules
    found: list[OpenedSet]
    skipped: Sequence[Skipped]

    def all_runs(self, at: int) -> tuple[ScoringRun, ...]:
        """The runs of a set, with that of the counts that are only compared with."""
        evaluated, runs, _ = self.found[at]
        names = [spec.name for spec in self.specs]
        if self.external is None and not self.ensembles and all(map(is_baseline, names)):
            return tuple(runs)
        settings = self.asked.settings
        counts = parse_proxies([name for name in compared_with(settings) if name not in names], {})
        return (*runs, *scoring_runs(evaluated, counts, settings)[:1])


def ask(proxy: Words, bench: Words, dataset: Words, ensemble: Words, settings: Settings) -> Asked:
    """What was asked, each of its type.

    Raises:
        OptionError: for an argument of another type.
    """
    given = {"proxy": proxy, "bench": bench, "dataset": dataset, "ensemble": ensemble}
    for name, value in given.items():
        is_name = value is None or isinstance(value, str)
        if not is_name and not (isinstance(value, Sequence) and all(isinstance(word, str) for word in value)):
            hint = " A proxy of your own is a file: give its path, as 'my_proxy.py'." if name == "proxy" else ""
            raise OptionError(
                f"evaluate was given {name}={_shown(value)}, of type {type(value).__name__}; it must be a name or a "
                f"list of names.{hint}"
            )
    for name in ("bench", "dataset"):
        if not given[name]:
            raise OptionError(f"evaluate was given {name}={given[name]!r}; it must be a name or a list of names.")
    if not isinstance(settings, Settings):
        raise OptionError(
            f"evaluate was given settings={_shown(settings)}, of type {type(settings).__name__}; it must be "
            "Settings(...): from harness import Settings."
        )
    return Asked({name: None if value is None else _words(value) for name, value in given.items()}, settings)


def open_request(asked: Asked) -> Opened:
    """Look up and open everything that is asked for.

    Raises:
        HarnessError: for a user error or missing data.
    """
    settings = asked.settings
    compared_with(settings)  # raises for a name that is no baseline
    proxy, bench, dataset, ensemble = (asked.words[name] for name in ("proxy", "bench", "dataset", "ensemble"))
    ensembles = parse_ensembles(_words(ensemble), settings.options)
    options = {name: given for name, given in settings.options.items() if name not in ensembles}
    specs = parse_proxies(_proxy_words(proxy, settings), options)
    specs = defined_proxies(specs, settings, asked_for_all=ALL in _words(proxy))
    external = _opened_scores(settings, [*(spec.name for spec in specs), *ensembles])
    outside = [] if external is None else external.proxies
    require_company(ensembles, [*outside, *(spec.name for spec in specs)])
    rules = Rules(
        settings.smallest, checked_hypotheses(settings, [*outside, *(spec.name for spec in specs), *ensembles])
    )
    named = pairs(_words(bench), _words(dataset), settings, given_names(settings, external))

    def opened(space: SearchSpace, data_set: DataSet) -> OpenedSet:
        there = None if external is None else external.on(space, data_set.name)
        evaluated = open_evaluation_set(space, data_set, settings, None if there is None else there.archs)
        runs = scoring_runs(evaluated, specs, settings)
        own_protocol, asked_for = runs[0].context.protocol, settings.protocol
        if own_protocol != asked_for and runs[0].batches is not None:
            print(
                f"{data_set.name} has too few inputs for {asked_for.n_batches} batches of {asked_for.batch_size}; "
                f"batches of {own_protocol.batch_size} are used.",
                file=sys.stderr,
            )
        if named.tolerated and space.needs_library:
            _require_space(evaluated, runs, settings)
        return evaluated, runs, there

    found, skipped = attempted(opened, named, "evaluated")
    return Opened(asked, external, specs, ensembles, rules, found, skipped)


def _require_space(evaluated: EvaluationSet, runs: Sequence[ScoringRun], settings: Settings) -> None:
    """Of several data sets one is left out, before anything is computed, if its networks cannot be had.

    Raises:
        MissingDataError: if a library is missing that the scores which are not stored need.
    """
    if any(run.specs for run in runs):
        counts = parse_proxies(compared_with(settings), {})
        with stored_for_reading(settings.store_path) as store:
            for run in (*runs, *scoring_runs(evaluated, counts, settings)[:1]):
                require_space(run, evaluated.archs, store, ExecutionOptions.of(settings))


def defined_proxies(specs: Sequence[ProxySpec], settings: Settings, *, asked_for_all: bool) -> list[ProxySpec]:
    """The proxies that the protocol has enough batches for; one requested by name must be among them."""
    kept = []
    for spec in specs:
        needed = spec.proxy_class.min_batches
        if settings.protocol.n_batches >= needed:
            kept.append(spec)
        elif not asked_for_all:
            raise OptionError(
                f"{spec.name} needs at least {needed} batches; the protocol {settings.protocol.name} has "
                f"{settings.protocol.n_batches}. Use protocol.n_batches={needed}."
            )
    return kept


def scoring_runs(evaluated: EvaluationSet, specs: Sequence[ProxySpec], settings: Settings) -> list[ScoringRun]:
    """One scoring run per seed; proxies that use no seed are in the first alone."""
    runs = []
    for position, seed in enumerate(settings.all_seeds):
        of_seed = tuple(spec for spec in specs if position == 0 or "seed" in spec.proxy_class.uses())
        context = ContextSpec.of(evaluated.space, evaluated.data_set, settings, seed)
        uses_inputs = any("inputs" in spec.proxy_class.uses() for spec in of_seed)
        batches: Batches | None = draw_batches(evaluated.data_set, context.request) if uses_inputs else None
        if context.own is not None and batches is not None:
            context = dataclasses.replace(context, inputs_sha256=batches.sha256)
        runs.append(ScoringRun(context, of_seed, batches))
    return runs


def _opened_scores(settings: Settings, names: Sequence[str]) -> ExternalScores | None:
    """The files of scores=, their columns told from those of this run; None without any."""
    if settings.scores is None:
        return None
    taken = (*names, *compared_with(settings), *columns.SCORES)
    return open_scores(settings.scores, settings.scores_columns or (), taken, settings.scores_notation)


def _proxy_words(proxy: Words, settings: Settings) -> tuple[str, ...]:
    """The requested proxies; by default four with the counts, or the counts alone beside scores computed elsewhere."""
    return _words(proxy) or (COUNTS if settings.scores is not None else DEFAULT_PROXIES + COUNTS)


def _words(words: Words) -> tuple[str, ...]:
    if words is None:
        return ()
    return (words,) if isinstance(words, str) else tuple(words)


def _shown(value: object) -> str:
    """A value in a message: a function or class by its name."""
    return getattr(value, "__name__", None) or repr(value)[:60]
