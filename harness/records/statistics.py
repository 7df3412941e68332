"""The statistics of a record, computed from its scores and the ground truth that is here."""

import math
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pandas as pd

from harness import columns
from harness.agreement import RowKey, Rules
from harness.errors import CorruptDataError, MissingDataError, UnknownNameError
from harness.evaluation.analysis import analyse, tables_of
from harness.evaluation.baselines import compared_with, missing_baselines
from harness.evaluation.evaluation_set import EvaluationSet, open_evaluation_set
from harness.evaluation.proxy_columns import proxy_columns
from harness.evaluation.request import scoring_runs
from harness.evaluation.score_columns import ScoreColumn
from harness.inputs import DATA_SETS, InputKind
from harness.records.files import Scores
from harness.records.measured import Against, Correlation, Difference, OfSeed, Statistics
from harness.records.record import NO_SEED, Origin, PopulationOf, Record, TruthOf, plain
from harness.scoring.proxy_spec import parse_proxies
from harness.settings import AGAINST, ALL, SMALLEST, Settings
from harness.space import BENCHMARKS, SearchSpace
from harness.truth import names_file

RELATIVE = 1e-4
"""The largest relative difference between two computations of one number that counts as none."""

_ABSOLUTE = 1e-7  # of a correlation that is 0 but for rounding


@dataclass(frozen=True)
class Subject:
    """What statistics are about: everything but scores and seeds.

    Attributes:
        bench, space_version, data_set: the benchmark, its version and the data set.
        population: by name, with its size.
        truth: column of ground truth and digest of its table.
        proxy: name, version and origin, which tell a count from scores computed elsewhere under its name.
        against: counts to compare with.
        smallest: see `Settings.smallest`.
    """

    bench: str
    space_version: str
    data_set: str
    population: PopulationOf
    truth: TruthOf
    proxy: tuple[str, str, Origin]
    against: Sequence[str] = AGAINST
    smallest: float = SMALLEST

    @classmethod
    def of(cls, record: Record) -> "Subject":
        """What a record is about."""
        against = record.statistics.against
        smallest = next((one.smallest for one in against.values()), SMALLEST)
        proxy = record.proxy.name, record.proxy.version, record.proxy.origin
        place = record.bench, record.space_version, record.data_set
        return cls(*place, record.population, record.truth, proxy, tuple(against) or AGAINST, smallest)


def statistics_of(subject: Subject, scores: Scores, store: Path) -> Statistics:
    """The statistics of scores.

    Args:
        subject: what the scores are of.
        scores: by seed.
        store: keeps the scores of counts, which are computed where it lacks them.

    Raises:
        UnknownNameError: for a benchmark, data set, population or truth column that there is not.
        MissingDataError: if the ground truth is not here, or in another version.
        CorruptDataError: for architectures that the population lacks.
    """
    settings = _settings(subject, store)
    evaluated = _opened(subject, scores, settings)
    asked = _columns(subject, scores, evaluated)
    counts = parse_proxies(missing_baselines([column.row_key for column in asked], settings), {})
    beside = proxy_columns(evaluated, scoring_runs(evaluated, counts, settings)[:1], settings)
    analysis = analyse(evaluated, asked, beside, against=compared_with(settings))
    tables = tables_of([analysis], {}, Rules(subject.smallest))
    by_seed = {str(row[columns.SEED]): _of_seed(row) for row in tables.agreement.to_dict("records")}
    verdicts = tables.verdicts.to_dict("records")
    return Statistics(by_seed, {str(row[columns.BASELINE]): _against(row) for row in verdicts})


def evaluation_set_of(subject: Subject, scores: Scores) -> EvaluationSet:
    """The architectures of a record with their ground truth; errors as `statistics_of`."""
    return _opened(subject, scores, _settings(subject, None))


def differences(stated: Statistics, found: Statistics) -> list[str]:
    """Where two statistics differ by more than rounding, each in words: the stated value and the one found."""
    one, other = dict(_leaves(plain(stated))), dict(_leaves(plain(found)))
    return [
        f"{name} is {_shown(one.get(name))} in the record and {_shown(other.get(name))} from its scores"
        for name in dict.fromkeys((*one, *other))
        if not (name in one and name in other and is_close(one[name], other[name]))
    ]


def is_close(stated: object, found: object, relative: float = RELATIVE) -> bool:
    """Whether two values are equal, numbers but for rounding."""
    numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in (stated, found))
    if not numbers:
        return stated == found
    one, other = float(stated), float(found)  # type: ignore[arg-type]
    return one == other or math.isclose(one, other, rel_tol=relative, abs_tol=_ABSOLUTE)


def space_of(subject: Subject) -> SearchSpace:
    """The search space.

    Raises:
        UnknownNameError: if there is none of this name.
        MissingDataError: if it is of another version here.
    """
    space = BENCHMARKS.get(subject.bench)
    if str(space.version) != subject.space_version:
        raise MissingDataError(
            f"The record is of {subject.bench}@{subject.space_version}, but this harness has "
            f"{subject.bench}@{space.version}, whose indices may differ. Use the harness that the record names."
        )
    return space


def _settings(subject: Subject, store: Path | None) -> Settings:
    asked = Settings(
        sample=ALL,
        inputs=(InputKind.noise,),
        truth=subject.truth.name,
        population=subject.population.name,
        against=tuple(subject.against),
        smallest=subject.smallest,
    )
    return asked if store is None else replace(asked, store=store)


def _opened(subject: Subject, scores: Scores, settings: Settings) -> EvaluationSet:
    space, data_set = space_of(subject), DATA_SETS.get(subject.data_set)
    if names_file(subject.truth.name):
        raise CorruptDataError("The record's ground truth is a file, which is none of the benchmark's.")
    if subject.population.name not in space.populations:
        raise UnknownNameError(
            f"{space.name} has no population '{subject.population.name}'; it has {', '.join(space.populations)}."
        )
    archs = space.architectures
    if len(scores.index) and not (scores.index.min() >= 0 and scores.index.max() < len(archs)):
        raise CorruptDataError(f"The scores are of architectures that {space.name} does not have.")
    evaluated = open_evaluation_set(space, data_set, settings, [archs[row] for row in scores.index])
    if len(evaluated.index) != len(scores.index):
        raise CorruptDataError(f"The scores are of architectures outside the population {subject.population.name}.")
    if len(evaluated.population.index) != subject.population.n:
        raise MissingDataError(
            f"The population {subject.population.name} has {len(evaluated.population.index):,} architectures here and "
            f"{subject.population.n:,} in the record."
        )
    drawn = open_evaluation_set(space, data_set, replace(settings, sample=len(scores.index)), None).index
    if set(drawn.tolist()) != set(scores.index.tolist()):
        raise CorruptDataError(f"The architectures of the record are not those that sample={len(scores.index)} draws.")
    if evaluated.truth.sha256 != subject.truth.sha256:
        raise MissingDataError(
            f"The record's ground truth {subject.truth.name} of {space.name} on {data_set.name} has the sha256 "
            f"{subject.truth.sha256[:12]}..., the one here {evaluated.truth.sha256[:12]}...: it is another version. "
            f"Fetch or import {subject.truth.source[:80]}."
        )
    return evaluated


def _columns(subject: Subject, scores: Scores, evaluated: EvaluationSet) -> list[ScoreColumn]:
    name, version, origin = subject.proxy
    is_outside = origin in (Origin.elsewhere, Origin.function)
    if is_outside:  # never taken for the harness's own, whatever it is called
        name = f"{name} ({columns.EXTERNAL})"
    made: list[ScoreColumn] = []
    for seed, values in scores.by_seed.items():
        row_key = RowKey(
            *evaluated.name,
            proxy=name,
            version=columns.EXTERNAL if is_outside else version,
            options="",
            protocol="",
            inputs="",
            truth=evaluated.truth.name,
            seed=columns.NO_SEED if seed == NO_SEED else seed,
            population=evaluated.population.name,
        )
        column = name if not made else f"{name}#{seed}"
        made.append(ScoreColumn(column, row_key, pd.Series(values, index=list(evaluated.archs)), math.nan, {}))
    return made


def _of_seed(row: Mapping[Hashable, Any]) -> OfSeed:
    named = [field.name for field in fields(Correlation)]
    cells = {name: _number(row[name]) for name in named}
    networks = {name: _number(row.get(_of_networks(name))) for name in named}
    return OfSeed(
        n=int(row[columns.N]),
        n_nan=int(row[columns.N_NAN]),
        n_inf=int(row[columns.N_INF]),
        n_classes=int(row[columns.N_CLASSES]),
        n_population=int(row[columns.N_POPULATION]),
        cells=Correlation(**cells),
        networks=Correlation(**networks),
    )


def _of_networks(name: str) -> str:
    """The column of the same number over networks: the suffix follows the name, before the end of an interval."""
    for end in ("_sampling_low", "_sampling_high", "_low", "_high"):
        if name.endswith(end):
            return name.removesuffix(end) + columns.NETWORKS + end
    return name + columns.NETWORKS


def _against(row: Mapping[Hashable, Any]) -> Against:
    named = [field.name for field in fields(Difference) if field.name != columns.BEATS]
    cells = {name: _number(row[name]) for name in named}
    networks = {name: _number(row.get(_of_networks(name))) for name in named}
    return Against(
        n=int(row[columns.N]),
        n_classes=int(row[columns.N_CLASSES]),
        enumerated=row[columns.ENUMERATED] == "yes",
        smallest=float(row[columns.SMALLEST]),
        cells=Difference(**cells, beats=str(row[columns.BEATS]) or None),
        networks=Difference(**networks, beats=str(row[columns.BEATS_NETWORKS]) or None),
    )


def _number(value: object) -> float | None:
    """A float that JSON can hold; None for NaN and infinity."""
    found = math.nan if value is None else float(value)  # type: ignore[arg-type]
    return found if math.isfinite(found) else None


def _leaves(values: Mapping[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{before}{name}.")
        else:
            yield before + name, value


def _shown(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else "none" if value is None else str(value)
