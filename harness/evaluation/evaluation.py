"""Evaluation: from names to the table of agreement. It composes the stages; each is a file of its own."""

import dataclasses
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from harness import columns
from harness.agreement import RowKey, Rules
from harness.columns import NO_SEED
from harness.errors import OptionError
from harness.evaluation.analysis import Analysis, analyse, tables_of
from harness.evaluation.baselines import (
    checked_hypotheses,
    compared_with,
    missing_baselines,
    missing_costs,
    refuse_as_names,
)
from harness.evaluation.evaluation_set import EvaluationSet, Skipped, attempted, open_evaluation_set, pairs
from harness.evaluation.external_scores import read_scores
from harness.evaluation.provenance import Asked, describe_run
from harness.evaluation.score_columns import ScoreColumn, ensemble_columns, parse_ensembles, require_company
from harness.files.out_folder import out_folder
from harness.inputs import Batches, DataSet, draw_batches, preferred_kind
from harness.report import EvaluationTables, write_report
from harness.scoring import ContextSpec, ExecutionOptions, ScoringRun
from harness.scoring.composites import ensure
from harness.scoring.proxy_spec import ProxySpec, parse_proxies
from harness.settings import ALL, Settings
from harness.space import SearchSpace
from harness.store import OK, ScoreStore, StoredRows

DEFAULT_PROXIES = ("zico", "naswot", "synflow", "grad_norm")
COUNTS = ("params", "flops", "params_live", "flops_live", "sum_log_layer_size")

Words = str | Sequence[str] | None


@dataclass(frozen=True)
class Evaluation:
    """What an evaluation found.

    `tables.agreement` has the columns of agreement.csv, `tables.scores` one table per (benchmark, data set) with one
    row per architecture; `evaluation_sets` are what was evaluated on; `skipped` is what `all` stands for, or a list
    names, but could not be evaluated here; `out` holds the results.
    """

    tables: EvaluationTables
    evaluation_sets: Sequence[EvaluationSet]
    skipped: Sequence[Skipped]
    out: Path

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
    settings = settings or Settings()
    asked = _asked(proxy, bench, dataset, ensemble, settings)
    external = None if settings.scores is None else read_scores(settings.scores)
    refuse_as_names([] if external is None else map(str, external.columns), settings)
    ensembles = parse_ensembles(_words(ensemble), settings.options)
    options = {name: given for name, given in settings.options.items() if name not in ensembles}
    specs = parse_proxies(_proxy_words(proxy, external), options)
    specs = defined_proxies(specs, settings, asked_for_all=ALL in _words(proxy))
    outside = [] if external is None else [str(name) for name in external.columns]
    require_company(ensembles, [*outside, *(spec.name for spec in specs)])
    rules = Rules(
        settings.smallest, checked_hypotheses(settings, [*outside, *(spec.name for spec in specs), *ensembles])
    )
    named, tolerated = pairs(_words(bench), _words(dataset))
    archs = None if external is None or settings.sample is not None else [str(arch) for arch in external.index]

    def opened(space: SearchSpace, data_set: DataSet) -> tuple[EvaluationSet, list[ScoringRun]]:
        evaluated = open_evaluation_set(space, data_set, settings, archs)
        return evaluated, _runs(evaluated, specs, settings)

    found_here, skipped = attempted(opened, named, tolerated, "evaluated")
    evaluation_sets = [evaluated for evaluated, _ in found_here]
    with out_folder(settings.out, _stem(evaluation_sets, specs, external), {"config": asked.config}) as out:
        analyses: list[Analysis] = []
        tables: dict[tuple[str, str], pd.DataFrame] = {}
        failures: dict[tuple[str, str, str], Mapping[str, int]] = {}
        for evaluated, runs in found_here:
            found = [] if external is None else _external_columns(evaluated, external, settings)
            found += _scored(evaluated, runs, settings)
            found += ensemble_columns(evaluated, found, ensembles)
            counts = parse_proxies(missing_baselines([column.row_key for column in found], settings), {})
            tables[evaluated.name] = _scores_table(evaluated, found)
            beside = _scored(evaluated, _runs(evaluated, counts, settings)[:1], settings)
            costs = parse_proxies(missing_costs([column.row_key for column in (*found, *beside)]), {})
            at_cost = _scored(evaluated, _runs(evaluated, costs, settings)[:1], settings)
            analyses.append(analyse(evaluated, found, beside, against=compared_with(settings), costs=at_cost))
            failures |= {(*evaluated.name, column.name): column.failures for column in found if column.failures}
        all_runs = [run for _, runs in found_here for run in runs]
        provenance = describe_run(asked, evaluation_sets, all_runs, skipped)
        written = dataclasses.replace(tables_of(analyses, tables, rules), provenance=provenance, failures=failures)
        write_report(out, written)
    return Evaluation(written, evaluation_sets, skipped, out)


def _scored(evaluated: EvaluationSet, runs: Sequence[ScoringRun], settings: Settings) -> list[ScoreColumn]:
    """The columns of some runs, from the store or computed now."""
    execution = ExecutionOptions(
        settings.n_workers, settings.resume, settings.retry == "failed", settings.timeout_per_network
    )
    found: list[ScoreColumn] = []
    if any(run.specs for run in runs):
        with ScoreStore(settings.store.expanduser()) as store:
            for run in runs:
                ensure(run, evaluated.archs, store, execution)
                found += [_column(evaluated, run, spec, store, settings) for spec in run.specs]
    return found


def _asked(proxy: Words, bench: Words, dataset: Words, ensemble: Words, settings: Settings) -> Asked:
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


def _proxy_words(proxy: Words, external: pd.DataFrame | None) -> tuple[str, ...]:
    """The requested proxies; by default four with the counts, or the counts alone beside scores computed elsewhere."""
    return _words(proxy) or (COUNTS if external is not None else DEFAULT_PROXIES + COUNTS)


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


def _runs(evaluated: EvaluationSet, specs: Sequence[ProxySpec], settings: Settings) -> list[ScoringRun]:
    """One scoring run per seed; proxies that use no seed are in the first alone."""
    runs = []
    inputs = preferred_kind(evaluated.data_set, settings.inputs)
    for position, seed in enumerate(settings.all_seeds):
        of_seed = tuple(spec for spec in specs if position == 0 or "seed" in spec.proxy_class.uses())
        context = ContextSpec(
            evaluated.space.name, evaluated.data_set.name, inputs, settings.protocol, seed, settings.device
        )
        uses_inputs = any("inputs" in spec.proxy_class.uses() for spec in of_seed)
        batches: Batches | None = draw_batches(evaluated.data_set, context.request) if uses_inputs else None
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
        version=str(spec.proxy_class.version),
        options=", ".join(f"{option}={value}" for option, value in spec.options),
        protocol=settings.protocol.label if "protocol" in uses else "none",
        inputs=run.context.inputs.value if "inputs" in uses else "none",
        truth=evaluated.truth.name,
        seed=str(run.context.seed) if "seed" in uses else NO_SEED,
        population=evaluated.population.name,
    )
    name = spec.name if first else f"{spec.name}#{run.context.seed}"
    return ScoreColumn(name, row_key, values, float(np.mean(stored.seconds)), _failures(stored))


def _failures(stored: StoredRows) -> dict[str, int]:
    """How many networks have no score, by status and reason."""
    said = zip(stored.statuses, stored.reasons, strict=True)
    return dict(Counter(f"{status}: {reason}" for status, reason in said if status != OK))


def _external_columns(evaluated: EvaluationSet, external: pd.DataFrame, settings: Settings) -> list[ScoreColumn]:
    found = []
    for name in external.columns:
        row_key = RowKey(
            *evaluated.name,
            proxy=str(name),
            version="external",
            options=f"scores={settings.scores}",
            protocol="external",
            inputs="external",
            truth=evaluated.truth.name,
            seed=NO_SEED,
            population=evaluated.population.name,
        )
        values = external[name].reindex(list(evaluated.archs))
        found.append(ScoreColumn(str(name), row_key, values, float("nan"), {}))
    return found


def _scores_table(evaluated: EvaluationSet, found: Sequence[ScoreColumn]) -> pd.DataFrame:
    """scores.parquet's rows for one target: arch, index, truth and one column per proxy."""
    names = [column.name for column in found]
    doubled = {name for name in names if names.count(name) > 1 or name in columns.SCORES}
    if doubled:
        raise OptionError(f"Two columns of scores would be called {', '.join(sorted(doubled))}; rename one in scores=.")
    table = {columns.ARCH: list(evaluated.archs), columns.INDEX: evaluated.index, columns.TRUTH: evaluated.values}
    return pd.DataFrame(table | {column.name: column.values.to_numpy(dtype="float64") for column in found})


def _stem(evaluation_sets: Sequence[EvaluationSet], specs: Sequence[ProxySpec], external: pd.DataFrame | None) -> str:
    """What the name of a new folder of results begins with."""
    names = [spec.name for spec in specs] if external is None else [str(name) for name in external.columns]
    parts = (
        _few({evaluated.space.name for evaluated in evaluation_sets}),
        _few({evaluated.data_set.name for evaluated in evaluation_sets}),
    )
    return "-".join((*parts, names[0] if len(names) == 1 else f"{len(names)}proxies"))


def _few(names: set[str]) -> str:
    return next(iter(names)) if len(names) == 1 else f"{len(names)}"
