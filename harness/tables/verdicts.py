"""Verdicts from score tables: every proxy that has scores, compared with every count that has them.

Agreement, differences and verdicts are those of `analyse` and `verdict_table`, as `python -m harness` computes them.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from harness.agreement import RowKey, verdict_table
from harness.columns import NO_SEED
from harness.evaluation.analysis import Analysis, analyse
from harness.evaluation.evaluation_set import EvaluationSet, open_evaluation_set
from harness.evaluation.population import open_population
from harness.evaluation.score_columns import ScoreColumn
from harness.inputs import DATA_SETS
from harness.proxy import is_baseline
from harness.scoring.proxy_spec import ProxySpec
from harness.settings import AGAINST, ALL, Settings
from harness.space import BENCHMARKS
from harness.tables.scores import Sampled, ScoreSources

_Scored = tuple[ProxySpec, Sampled]


@dataclass(frozen=True)
class Judged:
    """What the score tables of one benchmark and data set say.

    Attributes:
        evaluated: architectures and truth, one set for each size of sample, the largest first.
        analyses: of these, in the same order.
        tables: of these the columns of verdict.csv, in the same order. p is corrected over all of them
            together: a family is not split by the size of samples.
        counts: the counts of `AGAINST` that have scores, which proxies are compared with.
    """

    evaluated: Sequence[EvaluationSet]
    analyses: Sequence[Analysis]
    tables: Sequence[pd.DataFrame]
    counts: tuple[str, ...]

    @property
    def verdicts(self) -> pd.DataFrame:
        """All of `tables`."""
        return pd.concat(self.tables, ignore_index=True)


def judged(sources: ScoreSources, bench: str, dataset: str, population: str = ALL) -> Judged | None:
    """Every proxy of these score tables beside every count; None where only counts have scores.

    Raises:
        MissingDataError: the benchmark has no truth.
        OptionError: the benchmark has no such population.
    """
    found = list(sources.all_of(bench, dataset))
    counts = [(spec, sampled) for spec, sampled in found if spec.name in AGAINST]
    proxies = [(spec, sampled) for spec, sampled in found if not is_baseline(spec.name)]
    if not proxies or not counts:
        return None
    sets, analyses = [], []
    for n in sorted({sampled.index.size for _, sampled in proxies}, reverse=True):
        own = [(spec, sampled) for spec, sampled in proxies if sampled.index.size == n]
        beside = [(spec, sampled) for spec, sampled in counts if sampled.index.size >= n]
        evaluated = _evaluation_set(own[0][1], (bench, dataset), population)
        sets.append(evaluated)
        analyses.append(analyse(evaluated, _columns(own, evaluated), _columns(beside, evaluated)))
    names = {spec.name for spec, _ in counts}
    together = verdict_table([pair for one in analyses for pair in one.compared])
    ends = np.cumsum([len(one.compared) for one in analyses])
    tables = [together[end - len(one.compared) : end] for one, end in zip(analyses, ends, strict=True)]
    return Judged(sets, analyses, tables, tuple(name for name in AGAINST if name in names))


def rows_of(table: pd.DataFrame, key: RowKey) -> pd.DataFrame:
    """The rows of one of `Judged.tables` about a column of scores, one per count."""
    if table.empty:
        return table
    names = ("proxy", "options", "protocol", "inputs")
    mine = np.logical_and.reduce([(table[name] == getattr(key, name)).to_numpy() for name in names])
    is_of_seed = np.array([key.seed in str(seeds).split("+") for seeds in table["seed"]])
    found: pd.DataFrame = table.loc[mine & is_of_seed]
    return found


def _evaluation_set(sampled: Sampled, place: tuple[str, str], population: str) -> EvaluationSet:
    """The architectures of a sample that belong to the population, with the default truth."""
    space = BENCHMARKS.get(place[0])
    n = int(np.isin(sampled.index, open_population(space, population).index).sum())
    sample = ALL if sampled.index.size == len(space.architectures) else n
    return open_evaluation_set(space, DATA_SETS.get(place[1]), Settings(sample=sample, population=population), None)


def _columns(found: Sequence[_Scored], evaluated: EvaluationSet) -> list[ScoreColumn]:
    """Columns of scores of the set's architectures; two of one proxy differ by a number in the name."""
    return list(_named(found, evaluated))


def _named(found: Sequence[_Scored], evaluated: EvaluationSet) -> Iterator[ScoreColumn]:
    seen: Counter[str] = Counter()
    for spec, sampled in found:
        header, column = sampled.column.header, sampled.column
        values = pd.Series(column.values, index=sampled.index).reindex(evaluated.index)
        values.index = pd.Index(evaluated.archs)
        row_key = RowKey(
            *evaluated.name,
            proxy=spec.name,
            version=str(spec.proxy_class.version),
            options=", ".join(f"{name}={value}" for name, value in spec.options),
            protocol=column.protocol,
            inputs=header.inputs or "none",
            truth=evaluated.truth.name,
            seed=str(header.key.seed) if header.key.seed >= 0 else NO_SEED,
            population=evaluated.population.name,
        )
        seen[spec.name] += 1
        name = spec.name if seen[spec.name] == 1 else f"{spec.name}#{seen[spec.name]}"
        yield ScoreColumn(name, row_key, values, column.seconds, {})
