"""Judging: all that is said of columns of scores on a target, from the same resamples."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness import columns
from harness.agreement import (
    Agreement,
    Comparison,
    Plan,
    Reliability,
    Row,
    RowKey,
    Rules,
    Sample,
    Selection,
    TruthNoise,
    Variations,
    agreement_table,
    agreements,
    comparisons,
    of_classes,
    of_seeds,
    reference_table,
    reliability_table,
    seeds_table,
    selection_table,
    selections,
    verdict_table,
)
from harness.agreement.within import GroupAgreement, GroupDifference, differences, within
from harness.agreement.within_table import within_table
from harness.evaluation.baselines import baselines_among
from harness.evaluation.evaluation_set import EvaluationSet
from harness.report import EvaluationTables
from harness.settings import AGAINST


class Scored(Protocol):
    """A column of scores on a target: `values` (n_archs,), in the order of the target's architectures."""

    @property
    def name(self) -> str: ...
    @property
    def row_key(self) -> RowKey: ...
    @property
    def values(self) -> "pd.Series[float]": ...
    @property
    def seconds(self) -> float: ...
    @property
    def shares(self) -> tuple[float, float]: ...


@dataclass(frozen=True)
class Analysis:
    """What is known of the columns of one target.

    Attributes:
        rows: agreement of each column that was asked for.
        beside: agreement of the baselines that were not asked for.
        compared: each column beside each baseline.
        selected: what the ranking by each column finds.
        by_proxy: per proxy its columns (n_archs,), one per seed.
        reliability: the truth against itself.
        within: agreement within groups, and the differences from baselines, where the space has groups.
        reference: per truth column of shorter training its name, epochs and agreement with the truth.
    """

    rows: list[Row]
    beside: list[Row]
    compared: list[tuple[RowKey, Comparison]]
    selected: list[tuple[RowKey, Selection]]
    by_proxy: dict[str, list[NDArray[np.float64]]]
    reliability: list[tuple[tuple[str, str, str], Reliability]]
    reference: list[tuple[tuple[str, str, str], tuple[str, int], Agreement]]
    within: list[tuple[RowKey, GroupAgreement | GroupDifference]]


def analyse(
    evaluated: EvaluationSet,
    asked: Sequence[Scored],
    beside: Sequence[Scored],
    *,
    against: Sequence[str] = AGAINST,
    costs: Sequence[Scored] = (),
) -> Analysis:
    """Analyse the columns that were asked for.

    Args:
        evaluated: architectures and truth.
        asked: columns of scores.
        beside: baselines that were not asked for, to compare with only.
        against: names of the baselines.
        costs: counts of `columns.COSTS` that are neither asked for nor beside.
    """
    scores: dict[str, NDArray[np.float64]] = {
        column.name: np.asarray(column.values.to_numpy(), dtype=np.float64) for column in (*asked, *beside)
    }
    names = [column.name for column in asked]
    row_keys = {column.name: column.row_key for column in asked}
    sample = evaluated.sample
    plan = Variations.of(sample.classes)
    noise = truth_noise(evaluated) if sample.is_population else None
    place = (*evaluated.name, evaluated.truth.name)
    found = agreements(scores, sample, variations=plan)
    by_proxy: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
    for column in asked:
        by_proxy[column.row_key.proxy].append(scores[column.name])
    groups, keys = _by_seeds(asked)
    counts: dict[str, NDArray[np.float64]] = {
        column.name: np.asarray(column.values.to_numpy(), dtype=np.float64) for column in (*asked, *beside, *costs)
    }
    selected = selections(
        {name: scores[name] for name in names},
        sample,
        costs={cost: counts[count] for cost, count in columns.COSTS.items() if count in counts},
        in_percent=evaluated.truth.unit == "%" and evaluated.truth.higher_is_better,
        variations=plan,
    )
    return Analysis(
        rows=[Row(column.row_key, found[column.name], column.seconds, column.shares) for column in asked],
        beside=[Row(column.row_key, found[column.name], column.seconds, column.shares) for column in beside],
        compared=[
            (keys[one.proxy], one)
            for one in comparisons(scores, sample, proxies=groups, baselines=against, paired=Plan(plan, noise))
        ],
        selected=[(row_keys[name], selected[name]) for name in names],
        by_proxy=dict(by_proxy),
        reliability=[(place, one) for one in reliability(evaluated)],
        reference=[(place, *one) for one in _shorter_trainings(evaluated, sample, plan)],
        within=list(_within(evaluated, [*asked, *beside], {name: counts[name] for name in against if name in counts})),
    )


def _within(
    evaluated: EvaluationSet, scored: Sequence[Scored], baselines: Mapping[str, NDArray[np.float64]]
) -> Iterator[tuple[RowKey, GroupAgreement | GroupDifference]]:
    """Agreement within the groups of the space; nothing where it has none."""
    groups = evaluated.space.groups(evaluated.archs)
    if not groups:
        return
    truth = evaluated.sample.truth
    for column in scored:
        values: NDArray[np.float64] = np.asarray(column.values.to_numpy(), dtype=np.float64)
        others = {name: counted for name, counted in baselines.items() if name != column.row_key.proxy}
        yield from ((column.row_key, one) for one in within(values, truth, groups))
        yield from ((column.row_key, one) for one in differences(values, others, truth, groups))


def _by_seeds(asked: Sequence[Scored]) -> tuple[dict[str, list[str]], dict[str, RowKey]]:
    """Per proxy, called as its first column, the columns of its seeds, and what its one verdict is about."""
    together: dict[RowKey, list[Scored]] = defaultdict(list)
    for column in asked:
        together[dataclasses.replace(column.row_key, seed="")].append(column)
    groups = {columns_of[0].name: [column.name for column in columns_of] for columns_of in together.values()}
    keys = {
        columns_of[0].name: dataclasses.replace(key, seed="+".join(column.row_key.seed for column in columns_of))
        for key, columns_of in together.items()
    }
    return groups, keys


def truth_noise(evaluated: EvaluationSet) -> TruthNoise | None:
    """The noise of the truth: from canonical-equal architectures, or from seeds where none were trained separately."""
    of_classes = TruthNoise.of_classes(evaluated.sample.truth, evaluated.retrained)
    return of_classes or TruthNoise.of_seeds(list(_truth_by_seed(evaluated).values()))


def reliability(evaluated: EvaluationSet) -> list[Reliability]:
    """The target's truth against itself: canonical-equal architectures trained separately, and seeds.

    Where canonical-equal architectures share one training, as in the embedded benchmark, they say nothing.
    """
    found: list[Reliability] = []
    frame = pd.DataFrame({"truth": evaluated.accuracies, "class": evaluated.retrained}).dropna()
    frame = frame[frame["class"].duplicated(keep=False)]
    if (frame.groupby("class")["truth"].nunique() > 1).any():
        found += of_classes(evaluated.accuracies, evaluated.retrained)
    return found + of_seeds(_truth_by_seed(evaluated))


def _truth_by_seed(evaluated: EvaluationSet) -> dict[str, NDArray[np.float64]]:
    """The columns [n] of single seeds whose mean is the truth; none where only the mean is known."""
    truth = evaluated.benchmark_truth
    own = [
        column.name
        for column in truth.columns(evaluated.data_set.name)
        if column.name.partition("_seed")[0] == evaluated.truth.name and "_seed" in column.name
    ]
    return {name: truth.values(evaluated.archs, evaluated.data_set.name, name) for name in own}


def _shorter_trainings(
    evaluated: EvaluationSet, sample: Sample, plan: Variations
) -> Iterator[tuple[tuple[str, int], Agreement]]:
    """Columns of the truth's metric and split after fewer epochs, as if they were proxies that cost real training."""
    truth, own = evaluated.benchmark_truth, evaluated.truth
    for column in truth.columns(evaluated.data_set.name):
        shorter = column.epochs is not None and own.epochs is not None and column.epochs < own.epochs
        if shorter and (column.metric, column.split) == (own.metric, own.split) and "_seed" not in column.name:
            values = truth.values(evaluated.archs, evaluated.data_set.name, column.name)
            if np.isfinite(values).sum() < 2:  # an official folder of a few architectures, none of them drawn
                continue
            oriented = values if column.higher_is_better else -values
            yield (column.name, int(column.epochs or 0)), agreements({"it": oriented}, sample, variations=plan)["it"]


def tables_of(
    analyses: Sequence[Analysis], scores: Mapping[tuple[str, str], pd.DataFrame], rules: Rules | None = None
) -> EvaluationTables:
    """The tables of an evaluation over several targets, without provenance and failures."""
    baselines = baselines_among(row.row_key for analysis in analyses for row in analysis.rows)
    per_target = [agreement_table(analysis.rows) for analysis in analyses]
    seeds = [seeds_table(table, one.by_proxy) for table, one in zip(per_target, analyses, strict=True)]
    return EvaluationTables(
        agreement=agreement_table(row for analysis in analyses for row in analysis.rows),
        scores=scores,
        verdicts=verdict_table((pair for one in analyses for pair in one.compared), rules, baselines=baselines),
        selection=selection_table(pair for analysis in analyses for pair in analysis.selected),
        seeds=pd.DataFrame([row for table in seeds for row in table.to_dict("records")], columns=list(columns.SEEDS)),
        reliability=reliability_table(row for analysis in analyses for row in analysis.reliability),
        reference=reference_table(row for analysis in analyses for row in analysis.reference),
        beside=agreement_table(row for analysis in analyses for row in analysis.beside),
        within=within_table(row for analysis in analyses for row in analysis.within),
    )
