"""Evaluation: from names to the table of agreement. It composes the stages; each is a file of its own."""

import dataclasses
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from harness import columns
from harness.agreement import RowKey, Rules
from harness.columns import NO_SEED
from harness.ensembles import Ensemble
from harness.errors import OptionError
from harness.evaluation.analysis import Analysis, analyse, tables_of
from harness.evaluation.baselines import checked_hypotheses, compared_with, missing_baselines, missing_costs
from harness.evaluation.budget import Unfinished, Work, first_of, in_random_order, require_enough, score_within
from harness.evaluation.coverage import coverage_table
from harness.evaluation.evaluation_set import EvaluationSet, Skipped, attempted, open_evaluation_set, pairs
from harness.evaluation.external_scores import (
    ExternalColumn,
    ExternalScores,
    ScoresOnSpace,
    mean_notes,
    open_scores,
)
from harness.evaluation.own_truth import given_names
from harness.evaluation.provenance import Asked, describe_run
from harness.evaluation.score_columns import ScoreColumn, ensemble_columns, parse_ensembles, require_company
from harness.files.out_folder import out_folder
from harness.inputs import Batches, DataSet, InputKind, draw_batches, not_by_name, preferred_kind
from harness.protocol import fitted
from harness.proxy import is_baseline
from harness.report import EvaluationTables, write_report
from harness.scoring import ContextSpec, ExecutionOptions, ScoringRun
from harness.scoring.composites import ensure
from harness.scoring.proxy_spec import ProxySpec, parse_proxies
from harness.settings import ALL, Settings
from harness.space import ModelSpace, SearchSpace
from harness.store import OK, Score, ScoreStore, StoredRows

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


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    `tables.agreement` has the columns of agreement.csv, `tables.scores` one table per (benchmark, data set) with one
    row per architecture; `evaluation_sets` are what was evaluated on; `skipped` is what `all` stands for, or a list
    names, but could not be evaluated here; `out` holds the results; `notes` are sentences: what data sets caution
    against, and how the files of scores= were read; `unfinished` are the sets of which budget_s left a part, whose
    results are about the finished part.
    """

    tables: EvaluationTables
    evaluation_sets: Sequence[EvaluationSet]
    skipped: Sequence[Skipped]
    out: Path
    notes: Sequence[str] = ()
    unfinished: Sequence[Unfinished] = ()

    @property
    def agreement(self) -> pd.DataFrame:
        """One row per benchmark, data set, proxy and seed."""
        return self.tables.agreement

    @property
    def scores(self) -> Mapping[tuple[str, str], pd.DataFrame]:
        """Per (benchmark, data set): `arch,index,truth,<proxy>...`."""
        return self.tables.scores


def evaluate(
    proxy: Words = None,
    bench: Words = "nats_tss",
    dataset: Words = "digits",
    settings: Settings | None = None,
    *,
    ensemble: Words = None,
) -> Evaluation:
    """Score proxies on benchmarks and correlate the scores with truth.

    Args:
        proxy: names, paths of Python files, or "all"; None for the default four and the counting baselines.
        bench: names of benchmarks, or "all".
        dataset: names of data sets or tasks, or "all".
        settings: everything else.
        ensemble: names of ensembles over the proxies of this evaluation, or "all".

    Raises:
        HarnessError: for a user error or missing data, before anything is computed.
    """
    return evaluate_asked(ask(proxy, bench, dataset, ensemble, settings or Settings()))


def evaluate_asked(asked: Asked) -> Evaluation:
    """`evaluate`, with all that it takes in one.

    Raises:
        HarnessError: as `evaluate`.
    """
    settings = asked.settings
    _require_whole(settings)
    opened = open_request(asked)
    external, ensembles, rules = opened.external, opened.ensembles, opened.rules
    skipped, found_here = opened.skipped, opened.found
    outside = [] if external is None else external.proxies
    evaluation_sets = [evaluated for evaluated, _, _ in found_here]
    with out_folder(settings.out, _stem(evaluation_sets, opened.specs, outside), {"config": asked.config}) as out:
        unfinished: list[Unfinished] = []
        if settings.budget_s is not None:
            found_here, unfinished = _within_budget(opened)
            evaluation_sets = [evaluated for evaluated, _, _ in found_here]
        analyses: list[Analysis] = []
        tables: dict[tuple[str, str], pd.DataFrame] = {}
        failures: dict[tuple[str, str, str], Mapping[str, int]] = {}
        covered: list[pd.DataFrame] = []
        for evaluated, runs, there in found_here:
            found = [] if there is None else _external_columns(evaluated, there.columns)
            found += _scored(evaluated, runs, settings)
            found += ensemble_columns(evaluated, found, ensembles)
            counts = parse_proxies(missing_baselines([column.row_key for column in found], settings), {})
            tables[evaluated.name] = _scores_table(evaluated, found)
            beside = _scored(evaluated, scoring_runs(evaluated, counts, settings)[:1], settings)
            costs = parse_proxies(missing_costs([column.row_key for column in (*found, *beside)]), {})
            at_cost = _scored(evaluated, scoring_runs(evaluated, costs, settings)[:1], settings)
            analyses.append(analyse(evaluated, found, beside, against=compared_with(settings), costs=at_cost))
            covered.append(coverage_table(found))
            failures |= {(*evaluated.name, column.name): column.failures for column in found if column.failures}
        all_runs = [run for _, runs, _ in found_here for run in runs]
        provenance = describe_run(asked, evaluation_sets, all_runs, skipped)
        if unfinished:
            provenance["unfinished"] = {"/".join(one.name): one.sentence for one in unfinished}
        written = dataclasses.replace(tables_of(analyses, tables, rules), failures=failures)
        written = dataclasses.replace(written, coverage=pd.concat(covered, ignore_index=True))
        cautions = _cautions(found_here)
        if cautions:
            provenance["cautions"] = list(cautions)
        notes: list[str] = []
        if external is not None:
            notes += dict.fromkeys(note for _, _, there in found_here if there is not None for note in there.notes)
            notes += mean_notes(written.seeds, external.proxies)
            provenance["scores"] = {"files": dict(external.digests), "notes": list(notes)}
        written = dataclasses.replace(written, provenance=provenance)
        write_report(out, written)
    return Evaluation(written, evaluation_sets, skipped, out, [*cautions, *notes], unfinished)


def _cautions(found: Sequence[OpenedSet]) -> list[str]:
    """What the data sets caution against on which something was run."""
    used = (evaluated.data_set for evaluated, runs, _ in found if any(run.batches is not None for run in runs))
    return list(dict.fromkeys(data_set.caution for data_set in used if data_set.caution))


def open_request(asked: Asked) -> Opened:
    """Look up and open everything that is asked for.

    Raises:
        HarnessError: for a user error or missing data.
    """
    settings = asked.settings
    proxy, bench, dataset, ensemble = (asked.words[name] for name in ("proxy", "bench", "dataset", "ensemble"))
    ensembles = parse_ensembles(_words(ensemble), settings.options)
    options = {name: given for name, given in settings.options.items() if name not in ensembles}
    specs = parse_proxies(_proxy_words(proxy, settings), options)
    specs = defined_proxies(specs, settings, asked_for_all=ALL in _words(proxy))
    external = _opened(settings, [*(spec.name for spec in specs), *ensembles])
    outside = [] if external is None else external.proxies
    require_company(ensembles, [*outside, *(spec.name for spec in specs)])
    rules = Rules(
        settings.smallest, checked_hypotheses(settings, [*outside, *(spec.name for spec in specs), *ensembles])
    )
    named, tolerated = pairs(_words(bench), _words(dataset), settings, given_names(settings, external))

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
        return evaluated, runs, there

    found, skipped = attempted(opened, named, tolerated, "evaluated")
    return Opened(asked, external, specs, ensembles, rules, found, skipped)


def _require_whole(settings: Settings) -> None:
    """Refuse what has no results of its own.

    Raises:
        OptionError: for a shard or a dry run.
    """
    if settings.shard is not None:
        raise OptionError(
            f"shard={settings.shard} is part of an evaluation and has no results of its own; it is for python -m "
            "harness, or harness.evaluation.score_shard."
        )
    if settings.dry_run:
        raise OptionError("dry_run=true is for python -m harness, or harness.evaluation.forecast; it has no results.")


def _within_budget(opened: Opened) -> tuple[list[OpenedSet], list[Unfinished]]:
    """The sets with the architectures that are scored when the budget ends, and those of which a part is left."""
    settings = opened.asked.settings
    assert settings.budget_s is not None
    works = [
        Work(evaluated.name, opened.all_runs(at), in_random_order(evaluated, settings))
        for at, (evaluated, _, _) in enumerate(opened.found)
    ]
    finished = score_within(works, settings)
    require_enough(finished, settings.budget_s)
    found: list[OpenedSet] = []
    for (evaluated, runs, there), work, one in zip(opened.found, works, finished, strict=True):
        is_whole = one.n_finished == one.n_asked
        part = evaluated if is_whole else first_of(evaluated, work.archs[: one.n_finished])
        found.append((part, runs, there))
    return found, [one for one in finished if one.n_finished < one.n_asked]


def _opened(settings: Settings, names: Sequence[str]) -> ExternalScores | None:
    """The files of scores=, their columns told from those of this run; None without any."""
    if settings.scores is None:
        return None
    taken = (*names, *compared_with(settings), *columns.SCORES)
    return open_scores(settings.scores, settings.scores_columns or (), taken, settings.scores_notation)


def _scored(evaluated: EvaluationSet, runs: Sequence[ScoringRun], settings: Settings) -> list[ScoreColumn]:
    """The columns of some runs, from the store or computed now."""
    execution = ExecutionOptions.of(settings)
    found: list[ScoreColumn] = []
    if any(run.specs for run in runs):
        with ScoreStore(settings.store_path) as store:
            for run in runs:
                ensure(run, evaluated.archs, store, execution)
                found += [_column(evaluated, run, spec, store, settings) for spec in run.specs]
    return found


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


def _shown(value: object) -> str:
    """A value in a message: a function or class by its name."""
    return getattr(value, "__name__", None) or repr(value)[:60]


def _words(words: Words) -> tuple[str, ...]:
    if words is None:
        return ()
    return (words,) if isinstance(words, str) else tuple(words)


def _proxy_words(proxy: Words, settings: Settings) -> tuple[str, ...]:
    """The requested proxies; by default four with the counts, or the counts alone beside scores computed elsewhere."""
    return _words(proxy) or (COUNTS if settings.scores is not None else DEFAULT_PROXIES + COUNTS)


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
    inputs = preferred_kind(evaluated.data_set, settings.inputs)
    protocol = settings.protocol if inputs is InputKind.noise else fitted(settings.protocol, evaluated.data_set)
    for position, seed in enumerate(settings.all_seeds):
        of_seed = tuple(spec for spec in specs if position == 0 or "seed" in spec.proxy_class.uses())
        own = not_by_name(evaluated.data_set)
        context = ContextSpec(
            evaluated.space.word, evaluated.data_set.name, inputs, protocol, seed, settings.device, own
        )
        uses_inputs = any("inputs" in spec.proxy_class.uses() for spec in of_seed)
        batches: Batches | None = draw_batches(evaluated.data_set, context.request) if uses_inputs else None
        if own is not None and batches is not None:
            context = dataclasses.replace(context, inputs_sha256=batches.sha256)
        runs.append(ScoringRun(context, of_seed, batches))
    return runs


def _column(
    evaluated: EvaluationSet, run: ScoringRun, spec: ProxySpec, store: ScoreStore, settings: Settings
) -> ScoreColumn:
    """A proxy's scores on the target, each architecture given the score of what it was scored as."""
    scored_as = run.scored_as(spec, evaluated.archs)
    stored = store.rows(run.key(spec), scored_as)
    place = {arch: position for position, arch in enumerate(stored.archs)}
    places = [place[arch] for arch in scored_as]
    components = pd.DataFrame([stored.components[at] for at in places], index=list(evaluated.archs))
    components.loc[[stored.statuses[at] != OK for at in places]] = np.nan
    values = spec.make().combine(components) if len(components.columns) else pd.Series(np.nan, index=evaluated.archs)
    uses = spec.proxy_class.uses()
    first = run.context.seed == settings.seed
    row_key = RowKey(
        bench=evaluated.space.name,
        dataset=evaluated.data_set.name,
        proxy=spec.name,
        version=columns.EXTERNAL if spec.is_external else str(spec.proxy_class.version),
        options=", ".join([*(f"{option}={value}" for option, value in spec.options), *_source(spec)]),
        protocol=run.context.protocol.label if "protocol" in uses else "none",
        inputs=run.context.inputs.value if "inputs" in uses else "none",
        truth=evaluated.truth.name,
        seed=str(run.context.seed) if "seed" in uses else NO_SEED,
        population=evaluated.population.name,
    )
    name = spec.name if first else f"{spec.name}#{run.context.seed}"
    own = isinstance(evaluated.space, ModelSpace)
    scores = [
        Score(arch, {}, stored.statuses[at], stored.reasons[at], stored.seconds[at])
        for arch, at in zip(evaluated.archs, places if own else [], strict=own)
    ]
    return ScoreColumn(name, row_key, values, float(np.mean(stored.seconds)), _failures(stored), scores)


def _source(spec: ProxySpec) -> list[str]:
    """Which code a function of somebody's is, in the column of options."""
    return [f"source={spec.digest[:12]}"] if spec.is_external else []


def _failures(stored: StoredRows) -> dict[str, int]:
    """How many networks have no score, by status and reason."""
    said = zip(stored.statuses, stored.reasons, strict=True)
    return dict(Counter(f"{status}: {reason}" for status, reason in said if status != OK))


def _external_columns(evaluated: EvaluationSet, found: Sequence[ExternalColumn]) -> list[ScoreColumn]:
    """The columns of scores= on an evaluation set; of several seeds the later ones are called NAME#SEED."""
    first: dict[str, str] = {}
    made = []
    for column in found:
        row_key = RowKey(
            *evaluated.name,
            proxy=column.name,
            version=columns.EXTERNAL,
            options=f"scores={column.path}",
            protocol=columns.EXTERNAL,
            inputs=columns.EXTERNAL,
            truth=evaluated.truth.name,
            seed=column.seed,
            population=evaluated.population.name,
        )
        name = column.name if first.setdefault(column.name, column.seed) == column.seed else None
        values = pd.Series(column.values(evaluated.archs), index=list(evaluated.archs))
        made.append(ScoreColumn(name or f"{column.name}#{column.seed}", row_key, values, float("nan"), {}))
    return made


def _scores_table(evaluated: EvaluationSet, found: Sequence[ScoreColumn]) -> pd.DataFrame:
    """scores.parquet's rows for one target: arch, index, truth and one column per proxy."""
    names = [column.name for column in found]
    doubled = {name for name in names if names.count(name) > 1 or name in columns.SCORES}
    if doubled:
        raise OptionError(f"Two columns of scores would be called {', '.join(sorted(doubled))}; rename one in scores=.")
    table = {columns.ARCH: list(evaluated.archs), columns.INDEX: evaluated.index, columns.TRUTH: evaluated.values}
    return pd.DataFrame(table | {column.name: column.values.to_numpy(dtype="float64") for column in found})


def _stem(evaluation_sets: Sequence[EvaluationSet], specs: Sequence[ProxySpec], outside: Sequence[str]) -> str:
    """What the name of a new folder of results begins with."""
    names = list(outside) or [spec.name for spec in specs]
    parts = (
        _few({evaluated.space.name for evaluated in evaluation_sets}),
        _few({evaluated.data_set.name for evaluated in evaluation_sets}),
    )
    return "-".join((*parts, names[0] if len(names) == 1 else f"{len(names)}proxies"))


def _few(names: set[str]) -> str:
    return next(iter(names)) if len(names) == 1 else f"{len(names)}"
