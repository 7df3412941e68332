"""The columns of scores of one evaluation set: of proxies, stored or computed now, and of the files of scores=."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from harness import columns
from harness.agreement import RowKey
from harness.columns import NO_SEED
from harness.errors import OptionError
from harness.evaluation.evaluation_set import EvaluationSet
from harness.evaluation.external_scores import ExternalColumn
from harness.evaluation.score_columns import ScoreColumn
from harness.scoring import ExecutionOptions, ScoringRun
from harness.scoring.combined import combined
from harness.scoring.composites import ensure
from harness.scoring.proxy_spec import ProxySpec
from harness.settings import Settings
from harness.space import ModelSpace
from harness.store import OK, Score, ScoreStore, StoredRows


def proxy_columns(evaluated: EvaluationSet, runs: Sequence[ScoringRun], settings: Settings) -> list[ScoreColumn]:
    """The columns of some runs, from the store or computed now."""
    execution = ExecutionOptions.of(settings)
    found: list[ScoreColumn] = []
    if any(run.specs for run in runs):
        with ScoreStore(settings.store_path) as store:
            for run in runs:
                ensure(run, evaluated.archs, store, execution)
                found += [_column(evaluated, run, spec, store, settings) for spec in run.specs]
    return found


def _column(
    evaluated: EvaluationSet, run: ScoringRun, spec: ProxySpec, store: ScoreStore, settings: Settings
) -> ScoreColumn:
    """A proxy's scores on the target, each architecture given the score of what it was scored as."""
    found = combined(run, spec, evaluated.archs, store)
    stored = found.stored
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
        for arch, at in zip(evaluated.archs, found.places if own else [], strict=own)
    ]
    return ScoreColumn(
        name, row_key, found.values, float(np.mean(stored.seconds)), _failures(stored, found.places), scores
    )


def _source(spec: ProxySpec) -> list[str]:
    """Which code a function of somebody's is, in the column of options."""
    return [f"source={spec.digest[:12]}"] if spec.is_external else []


def _failures(stored: StoredRows, places: Sequence[int]) -> dict[str, int]:
    """How many architectures have no score, by status and reason; equal networks share one."""
    said = ((stored.statuses[at], stored.reasons[at]) for at in places)
    return dict(Counter(f"{status}: {reason}" for status, reason in said if status != OK))


def external_columns(evaluated: EvaluationSet, found: Sequence[ExternalColumn]) -> list[ScoreColumn]:
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


def scores_table(evaluated: EvaluationSet, found: Sequence[ScoreColumn]) -> pd.DataFrame:
    """scores.parquet's rows for one target: arch, index, truth and one column per proxy."""
    names = [column.name for column in found]
    doubled = {name for name in names if names.count(name) > 1 or name in columns.SCORES}
    if doubled:
        raise OptionError(f"Two columns of scores would be called {', '.join(sorted(doubled))}; rename one in scores=.")
    table = {columns.ARCH: list(evaluated.archs), columns.INDEX: evaluated.index, columns.TRUTH: evaluated.values}
    return pd.DataFrame(table | {column.name: column.values.to_numpy(dtype="float64") for column in found})
