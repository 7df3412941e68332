"""Scores of the pool: from the store, from score tables, and computed where both lack them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from harness.errors import HarnessError
from harness.evaluation.evaluation_set import EvaluationSet
from harness.evaluation.request import scoring_runs
from harness.scoring import ExecutionOptions, ScoringRun
from harness.scoring.combined import combined
from harness.scoring.composites import ensure
from harness.scoring.proxy_spec import ProxySpec
from harness.settings import Settings
from harness.space import Architecture
from harness.store import OK, Header, ScoreStore, read_table


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores [n_archs, n_proxies] with the architectures as index, and what says of each proxy why it has none."""

    table: pd.DataFrame
    left_out: dict[str, str]


def scores_of(evaluated: EvaluationSet, specs: Sequence[ProxySpec], settings: Settings, tables: Path | None) -> Scored:
    """Scores of the architectures of an evaluation set by proxies; one that has none of most of them is left out.

    Raises:
        HarnessError: for images that are missing, a store that cannot be used, or a run that cannot go on.
    """
    archs = evaluated.archs
    run = scoring_runs(evaluated, specs, settings)[0]
    execution = ExecutionOptions(
        settings.n_workers, settings.resume, settings.retry == "failed", settings.timeout_per_network
    )
    found: dict[str, pd.Series] = {}
    left_out: dict[str, str] = {}
    with ScoreStore(settings.store.expanduser()) as store:
        if tables is not None and settings.resume:
            for spec in specs:
                _take_over(tables.expanduser(), run, spec, archs, store)
        ensure(run, archs, store, execution)
        for spec in specs:
            try:
                values, reason = _column(run, spec, archs, store)
            except HarnessError as error:
                left_out[spec.name] = str(error)
                continue
            if values.notna().mean() <= 0.5:
                left_out[spec.name] = reason or "no scores"
            else:
                found[spec.name] = values
    return Scored(pd.DataFrame(found, index=list(archs)), left_out)


def _take_over(
    tables: Path, run: ScoringRun, spec: ProxySpec, archs: Sequence[Architecture], store: ScoreStore
) -> None:
    """Copy the scores of a table, if there is one of this very key, that the store lacks."""
    key = run.key(spec)
    path = tables / Header(key).place
    if path.is_file():
        lacking = set(run.scored_as(spec, archs)) - store.known(key)
        store.add([(key, score) for score in read_table(path).scores if score.arch in lacking])


def _column(
    run: ScoringRun, spec: ProxySpec, archs: Sequence[Architecture], store: ScoreStore
) -> tuple["pd.Series[float]", str]:
    """A proxy's scores, and the most frequent reason for one that is missing."""
    found = combined(run, spec, archs, store)
    stored = found.stored
    reasons = pd.Series([stored.reasons[at] for at in found.places if stored.statuses[at] != OK])
    reason = str(reasons.mode().iloc[0]) if len(reasons) else ""
    return pd.Series(found.values, index=list(archs)), reason
